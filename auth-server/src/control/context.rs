use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use clock::Clock;
use service_kit::Hosts;

use super::{issuer::IssuerName, seed::Seed, traffic::Traffic};
use crate::{
    clients::Clients,
    domain::TokenHash,
    keys::KeyManager,
    oauth::{
        authorize::AuthorizationContext, device::DeviceContext, registration::RegistrationContext,
        token::TokenContext,
    },
    oidc::backchannel_logout::BackchannelLogout,
    settings::ControlSettings,
    storage::{MemoryStore, Store},
    users::SignInContext,
};

/// Dependencies of the control API.
pub struct ControlContext {
    /// Its name on this server.
    pub name: String,
    pub issuer: String,
    /// All issuers of the server, the one of its settings first.
    pub issuers: Arc<[IssuerName]>,
    /// The address of a listener of its own, if it has one.
    pub listen: Option<String>,
    /// The contexts of the other issuers, if this is the one of the settings.
    pub further: OnceLock<Vec<Arc<ControlContext>>>,
    pub policy: Arc<ControlPolicy>,
    /// The hosts of the public listeners.
    pub hosts: Hosts,
    /// The scheme and port of each public listener that serves this issuer.
    pub served_at: Vec<(&'static str, u16)>,
    /// How long a call or a faulty response may wait. Less than the time after which requests are
    /// aborted.
    pub longest_wait: Duration,
    pub clients: Arc<Clients>,
    pub authorization: Arc<AuthorizationContext>,
    pub token: Arc<TokenContext>,
    pub device: Arc<DeviceContext>,
    pub registration: Arc<RegistrationContext>,
    pub sign_in: Arc<SignInContext>,
    pub backchannel_logout: Arc<BackchannelLogout>,
    /// What the public listeners share with the control API.
    pub traffic: Arc<Traffic>,
    pub keys: Arc<KeyManager>,
    pub seed: Seed,
    /// The store again, with what only a store in memory can do.
    pub memory: MemoryStore,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
}

impl ControlContext {
    /// Sets what [`ControlContext::further`] returns, once.
    pub fn set_further(&self, further: Vec<Arc<Self>>) {
        self.further.get_or_init(|| further);
    }

    /// Returns the contexts of the issuers besides the one of the settings, if this is its own.
    pub fn further(&self) -> &[Arc<Self>] {
        self.further.get().map(Vec::as_slice).unwrap_or_default()
    }
}

/// Who may call the control API.
pub struct ControlPolicy {
    /// The token that every request must present, if the settings require one.
    pub token: Option<TokenHash>,
    /// Origins whose pages may send requests, as browsers write them.
    pub origins: Arc<[String]>,
}

impl ControlPolicy {
    /// Returns the policy of the settings.
    pub fn new(settings: &ControlSettings) -> Self {
        Self {
            token: settings.token.as_ref().map(|token| TokenHash::of_text(token.expose())),
            origins: settings.allowed_origins.clone().into(),
        }
    }
}
