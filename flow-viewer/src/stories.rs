//! What can be played against the running servers: good flows, and every way to break one.
//!
//! A story acts as somebody outside: a person with a browser, a program with curl, or an attacker.
//! It says before what should happen, does it, and tells what did.

mod app_of_a_user;
mod forge;
mod forged;
mod good;
mod misused;
mod outage;
mod person;
mod stage;
mod tricked;
mod world;

use flow_events::TraceId;
use serde::Serialize;

pub use world::World;

use stage::Stage;

/// The stories, by the names of their texts.
macro_rules! stories {
    ($($name:ident $text:literal $group:ident $play:path,)*) => {
        /// A story.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Story { $($name,)* }

        impl Story {
            /// All of them, in the order in which they are offered.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What kind of story it is.
            #[must_use]
            pub fn group(self) -> Group {
                match self { $(Self::$name => Group::$group,)* }
            }

            async fn play(self, stage: &mut Stage<'_>) -> anyhow::Result<()> {
                match self { $(Self::$name => $play(stage).await,)* }
            }
        }
    };
}

stories! {
    ServerToServerLocal "server_to_server_local" Flow good::server_to_server_local,
    ServerToServerIntrospection "server_to_server_introspection" Flow good::server_to_server_introspection,
    Login "login" Flow good::login,
    Refresh "refresh" Flow good::refresh,
    Revoke "revoke" Flow good::revoke,
    OldWayBasic "old_way_basic" OldWay good::old_way_basic,
    OldWayQuery "old_way_query" OldWay good::old_way_query,
    Expired "expired" Attack misused::expired,
    Tampered "tampered" Attack forged::tampered,
    AlgNone "alg_none" Attack forged::alg_none,
    WrongAudience "wrong_audience" Attack misused::wrong_audience,
    MissingScope "missing_scope" Attack misused::missing_scope,
    Revoked "revoked" TradeOff misused::revoked,
    UnknownKey "unknown_key" Attack forged::unknown_key,
    CStopped "c_stopped" TradeOff outage::c_stopped,
    ReplayedCode "replayed_code" Attack tricked::replayed_code,
    WrongState "wrong_state" Attack tricked::wrong_state,
    StolenPass "stolen_pass" TradeOff misused::stolen_pass,
    PublicKeyAsSecret "public_key_as_secret" Attack forged::public_key_as_secret,
    KeyInHeader "key_in_header" Attack forged::key_in_header,
    IdTokenAsPass "id_token_as_pass" Attack tricked::id_token_as_pass,
    PassInUrl "pass_in_url" Attack misused::pass_in_url,
    WrongSecret "wrong_secret" Attack tricked::wrong_secret,
    StolenCode "stolen_code" Attack tricked::stolen_code,
    ForeignRedirect "foreign_redirect" Attack tricked::foreign_redirect,
    PasswordGrant "password_grant" Attack tricked::password_grant,
}

/// A kind of story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// As it should be.
    Flow,
    /// The document's contrast.
    OldWay,
    /// Must be blocked.
    Attack,
    /// Shows what a choice costs: here something bad may go through, and that is told before.
    TradeOff,
}

/// A story in the list.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Listed {
    pub name: &'static str,
    pub group: Group,
}

/// A story that was played.
#[derive(Clone, Debug, Serialize)]
pub struct Played {
    pub story: &'static str,
    pub group: Group,
    /// The flow in which it can be seen.
    pub flow: TraceId,
    pub claims: Vec<Claim>,
    /// All of it was as it was told before.
    pub as_expected: bool,
    /// Why it could not be played to its end.
    pub broke_off: Option<String>,
}

/// One thing that was told before, and what happened.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// The name of its text: who was asked for what.
    pub what: &'static str,
    pub expected: String,
    pub found: String,
    pub held: bool,
}

impl Story {
    /// The story with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|story| story.name() == name)
    }
}

impl World {
    /// What can be played.
    #[must_use]
    pub fn listed(&self) -> Vec<Listed> {
        Story::ALL.iter().map(|story| Listed { name: story.name(), group: story.group() }).collect()
    }

    /// Play one, in a trace of its own.
    pub async fn play(&self, story: Story) -> Played {
        let mut stage = Stage::new(self);
        self.flows.name(stage.trace.trace_id, story.name());
        let broke_off = story.play(&mut stage).await.err().map(|error| format!("{error:#}"));
        let as_expected = broke_off.is_none() && stage.claims.iter().all(|claim| claim.held);
        let (flow, claims) = (stage.trace.trace_id, stage.claims);
        Played { story: story.name(), group: story.group(), flow, claims, as_expected, broke_off }
    }
}
