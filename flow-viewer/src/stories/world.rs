use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use oauth_types::{ClientSecret, Password};

use crate::{
    flows::Flows,
    settings::{FlowViewerSettings, Place},
};

/// The servers that stories are played against, and what those who play know.
pub struct World {
    pub(crate) flows: Arc<Flows>,
    pub(super) http: reqwest::Client,
    pub(super) c: Place,
    pub(super) a: Place,
    pub(super) b_local: Place,
    pub(super) b_introspection: Place,
    pub(super) client_id: String,
    pub(super) client_secret: ClientSecret,
    pub(super) username: String,
    pub(super) password: Password,
}

impl World {
    /// # Errors
    /// When production has no secret.
    pub(crate) fn new(
        settings: &FlowViewerSettings,
        http: reqwest::Client,
        flows: Arc<Flows>,
    ) -> anyhow::Result<Self> {
        // Without stories nobody needs a secret.
        let secret = if settings.stories { settings.secret()? } else { ClientSecret::new("") };
        let plain = |place: &Place| Place {
            url: place.url.trim_end_matches('/').to_owned(),
            public_url: place.public_url.trim_end_matches('/').to_owned(),
        };
        Ok(Self {
            flows,
            http,
            c: plain(&settings.auth_server),
            a: plain(&settings.service_a),
            b_local: plain(&settings.b_local),
            b_introspection: plain(&settings.b_introspection),
            client_id: settings.client_id.clone(),
            client_secret: secret,
            username: settings.username.clone(),
            password: settings.password(),
        })
    }

    /// Where a browser's address is reached from here.
    pub(super) fn reached(&self, address: &str) -> Option<String> {
        [&self.c, &self.a, &self.b_local, &self.b_introspection].into_iter().find_map(|place| {
            let rest = address.strip_prefix(&place.public_url)?;
            rest.is_empty().then_some(()).or_else(|| rest.starts_with(['/', '?']).then_some(()))?;
            Some(format!("{}{rest}", place.url))
        })
    }
}

/// Names traces, states and verifiers of stories, which guard nothing.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [1; N];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}
