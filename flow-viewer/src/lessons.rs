//! The path of the front page: seven questions, each with the scenarios that answer it.

use serde::{Serialize, Serializer};

use crate::scenarios::Scenario;

/// A question, and what is played to answer it.
#[derive(Debug, Serialize)]
pub struct Lesson {
    /// The key of its texts.
    pub name: &'static str,
    #[serde(serialize_with = "names")]
    pub scenarios: &'static [Scenario],
    /// Scenarios that are offered, but not needed for the answer.
    #[serde(serialize_with = "names")]
    pub collection: &'static [Scenario],
}

/// What a reader can guess before an attack is played: the name of the check that stops it.
#[derive(Debug, Serialize)]
pub struct Guess {
    #[serde(serialize_with = "name")]
    pub scenario: Scenario,
    pub right: &'static str,
    pub wrong: [&'static str; 2],
}

/// The lesson in which a person logs in.
pub const LOGIN: &str = "login";

use Scenario::{
    AlgNone, Expired, IdTokenAsAccessToken, ImplicitGrant, KeyInHeader, LegacyBasic, LegacyQuery,
    Login, MissingScope, PasswordGrant, PublicKeyAsSecret, Refresh, ReplayedCode, Revoked,
    ServerToServerIntrospection, ServerToServerLocal, StolenCode, Tampered, TokenInUrl, UnknownKey,
    UnregisteredRedirectUri, WrongAudience, WrongSecret, WrongState,
};

pub const LESSONS: [Lesson; 7] = [
    lesson("old_way", &[LegacyBasic, LegacyQuery]),
    lesson("access_token", &[ServerToServerLocal]),
    lesson("verification", &[ServerToServerIntrospection, Revoked]),
    lesson(LOGIN, &[]),
    lesson("first_account", &[Login]),
    lesson("grants", &[Refresh, ImplicitGrant, PasswordGrant]),
    Lesson {
        name: "attacks",
        scenarios: &[Tampered, WrongAudience, StolenCode, WrongState],
        collection: &[
            Expired,
            AlgNone,
            MissingScope,
            UnknownKey,
            PublicKeyAsSecret,
            KeyInHeader,
            IdTokenAsAccessToken,
            TokenInUrl,
            ReplayedCode,
            WrongSecret,
            UnregisteredRedirectUri,
        ],
    },
];

pub const GUESSES: [Guess; 15] = [
    guess(Tampered, "signature", ["expiry", "audience"]),
    guess(WrongAudience, "audience", ["signature", "scope"]),
    guess(StolenCode, "pkce", ["state", "code_once"]),
    guess(WrongState, "state", ["pkce", "redirect_uri"]),
    guess(Expired, "expiry", ["signature", "audience"]),
    guess(AlgNone, "algorithm", ["key", "expiry"]),
    guess(MissingScope, "scope", ["audience", "type"]),
    guess(UnknownKey, "key", ["signature", "algorithm"]),
    guess(PublicKeyAsSecret, "algorithm", ["signature", "key"]),
    guess(KeyInHeader, "signature", ["algorithm", "expiry"]),
    guess(IdTokenAsAccessToken, "type", ["signature", "expiry"]),
    guess(TokenInUrl, "header_only", ["scope", "signature"]),
    guess(ReplayedCode, "code_once", ["pkce", "state"]),
    guess(WrongSecret, "client_secret", ["redirect_uri", "scope"]),
    guess(UnregisteredRedirectUri, "redirect_uri", ["state", "pkce"]),
];

const fn lesson(name: &'static str, scenarios: &'static [Scenario]) -> Lesson {
    Lesson { name, scenarios, collection: &[] }
}

const fn guess(scenario: Scenario, right: &'static str, wrong: [&'static str; 2]) -> Guess {
    Guess { scenario, right, wrong }
}

fn name<S: Serializer>(scenario: &Scenario, serializer: S) -> Result<S::Ok, S::Error> {
    scenario.name().serialize(serializer)
}

fn names<S: Serializer>(scenarios: &&[Scenario], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(scenarios.iter().map(|scenario| scenario.name()))
}
