use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use clock::Clock;
use oauth_types::{ClientSecret, Password};

use crate::{
    flows::FlowStore,
    settings::{FlowViewerSettings, ServerUrls},
};

/// The servers that scenarios are played against, and the credentials that they use.
pub struct Environment {
    pub(super) flows: Arc<FlowStore>,
    pub(super) clock: Clock,
    pub(super) http: reqwest::Client,
    pub(super) c: ServerUrls,
    pub(super) a: ServerUrls,
    pub(super) b_local: ServerUrls,
    pub(super) b_introspection: ServerUrls,
    pub(super) client_id: String,
    pub(super) client_secret: ClientSecret,
    pub(super) username: String,
    pub(super) password: Password,
}

impl Environment {
    /// Builds the environment from the settings.
    ///
    /// # Errors
    /// Returns an error if production has no client secret.
    pub(crate) fn new(
        settings: &FlowViewerSettings,
        http: reqwest::Client,
        clock: Clock,
        flows: Arc<FlowStore>,
    ) -> anyhow::Result<Self> {
        let without_slash = |urls: &ServerUrls| ServerUrls {
            url: urls.url.trim_end_matches('/').to_owned(),
            public_url: urls.public_url.trim_end_matches('/').to_owned(),
        };
        Ok(Self {
            flows,
            clock,
            http,
            c: without_slash(&settings.auth_server),
            a: without_slash(&settings.service_a),
            b_local: without_slash(&settings.b_local),
            b_introspection: without_slash(&settings.b_introspection),
            client_id: settings.client_id.clone(),
            client_secret: settings.secret()?,
            username: settings.username.clone(),
            password: settings.password(),
        })
    }

    /// Translates a public URL to the URL at which the viewer reaches that server.
    pub(super) fn internal_url(&self, public: &str) -> Option<String> {
        [&self.c, &self.a, &self.b_local, &self.b_introspection].into_iter().find_map(|urls| {
            let rest = public.strip_prefix(&urls.public_url)?;
            (rest.is_empty() || rest.starts_with(['/', '?'])).then(|| format!("{}{rest}", urls.url))
        })
    }
}

/// Returns random bytes for the traces, states and verifiers of scenarios. They protect nothing, so
/// a failing generator is not an error.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [1; N];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}
