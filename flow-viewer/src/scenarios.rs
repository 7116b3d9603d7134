//! Scenarios that are played against the running servers: correct flows, attacks and trade-offs.
//!
//! A scenario acts from outside: as a person with a browser, as a program, or as an attacker. It
//! states what should happen, does it, and reports what did happen.

mod authorization_attacks;
mod browser;
mod environment;
mod forged_tokens;
mod happy_path;
mod jwt_forge;
mod native_app;
mod outage;
mod run;
mod token_misuse;

use std::time::Duration;

use serde::Serialize;

pub use crate::scenario_result::{Expectation, ScenarioGroup, ScenarioResult};
pub use environment::Environment;

use run::ScenarioRun;

/// Defines the scenarios with their names, groups and functions.
macro_rules! scenarios {
    ($($variant:ident $name:literal $group:ident $play:path,)*) => {
        /// A scenario.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Scenario { $($variant,)* }

        impl Scenario {
            /// All scenarios, in the order in which the page lists them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name of the scenario in URLs and text keys.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The group that the scenario belongs to.
            #[must_use]
            pub fn group(self) -> ScenarioGroup {
                match self { $(Self::$variant => ScenarioGroup::$group,)* }
            }

            async fn play(self, run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
                match self { $(Self::$variant => $play(run).await,)* }
            }
        }
    };
}

scenarios! {
    ServerToServerLocal "server_to_server_local" Flow happy_path::server_to_server_local,
    ServerToServerIntrospection "server_to_server_introspection" Flow happy_path::server_to_server_introspection,
    Login "login" Flow happy_path::login,
    Refresh "refresh" Flow happy_path::refresh,
    Revoke "revoke" Flow happy_path::revoke,
    LegacyBasic "legacy_basic" Legacy happy_path::legacy_basic,
    LegacyQuery "legacy_query" Legacy happy_path::legacy_query,
    Expired "expired" Attack token_misuse::expired,
    Tampered "tampered" Attack forged_tokens::tampered,
    AlgNone "alg_none" Attack forged_tokens::alg_none,
    WrongAudience "wrong_audience" Attack token_misuse::wrong_audience,
    MissingScope "missing_scope" Attack token_misuse::missing_scope,
    Revoked "revoked" TradeOff token_misuse::revoked,
    UnknownKey "unknown_key" Attack forged_tokens::unknown_key,
    AuthServerUnavailable "auth_server_unavailable" TradeOff outage::auth_server_unavailable,
    ReplayedCode "replayed_code" Attack authorization_attacks::replayed_code,
    WrongState "wrong_state" Attack authorization_attacks::wrong_state,
    StolenToken "stolen_token" TradeOff token_misuse::stolen_token,
    PublicKeyAsSecret "public_key_as_secret" Attack forged_tokens::public_key_as_secret,
    KeyInHeader "key_in_header" Attack forged_tokens::key_in_header,
    IdTokenAsAccessToken "id_token_as_access_token" Attack token_misuse::id_token_as_access_token,
    TokenInUrl "token_in_url" Attack token_misuse::token_in_url,
    WrongSecret "wrong_secret" Attack authorization_attacks::wrong_secret,
    StolenCode "stolen_code" Attack authorization_attacks::stolen_code,
    UnregisteredRedirectUri "unregistered_redirect_uri" Attack authorization_attacks::unregistered_redirect_uri,
    PasswordGrant "password_grant" Attack authorization_attacks::password_grant,
    ImplicitGrant "implicit_grant" Attack authorization_attacks::implicit_grant,
}

/// The longest wait for the events of a scenario, which arrive after its responses.
const EVENTS_TIMEOUT: Duration = Duration::from_secs(1);

/// An entry in the list of scenarios.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ScenarioInfo {
    pub name: &'static str,
    pub group: ScenarioGroup,
}

impl Scenario {
    /// Returns the scenario with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scenario| scenario.name() == name)
    }

    /// Returns the list of all scenarios.
    #[must_use]
    pub fn list() -> Vec<ScenarioInfo> {
        let info =
            |scenario: &Self| ScenarioInfo { name: scenario.name(), group: scenario.group() };
        Self::ALL.iter().map(info).collect()
    }
}

impl Environment {
    /// Plays a scenario in its own trace.
    pub async fn play(&self, scenario: Scenario) -> ScenarioResult {
        let mut run = ScenarioRun::new(self);
        let flow = run.trace.trace_id;
        self.flows.set_scenario(flow, scenario.name());
        let error = scenario.play(&mut run).await.err().map(|error| format!("{error:#}"));
        let expectations = run.expectations;
        // The flow is complete when the result arrives.
        self.flows.wait_for_responses(flow, run.responses.into_inner(), EVENTS_TIMEOUT).await;
        let result = ScenarioResult {
            scenario: scenario.name(),
            group: scenario.group(),
            flow,
            as_expected: error.is_none() && expectations.iter().all(|expectation| expectation.met),
            expectations,
            error,
        };
        self.flows.set_result(result.clone());
        result
    }
}
