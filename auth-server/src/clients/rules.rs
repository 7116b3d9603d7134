use std::sync::Arc;

use service_kit::Profile;

use crate::domain::{Looseness, RedirectUriRules};

/// The rules for clients, which the settings choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRules {
    pub profile: Profile,
    pub redirect_uris: RedirectUriRules,
    pub looseness: Arc<Looseness>,
}

impl From<Profile> for ClientRules {
    /// Returns the strictest rules of a profile.
    fn from(profile: Profile) -> Self {
        Self { profile, redirect_uris: RedirectUriRules::default(), looseness: Arc::default() }
    }
}
