//! A's login with WeChat, which C imitates (`compat.wechat`).

use std::path::PathBuf;

use service_a::settings::{ProviderKind, ProviderSettings};
use service_kit::{DEMO_SECRET, SecretSetting};

use super::StackSettings;

const NAME: &str = "wechat";
/// The app in the demo's clients file.
const APP_ID: &str = "wx0123456789abcdef";

impl StackSettings {
    /// Adds the provider to A, unless the imitation is off or the environment configures a provider
    /// of this name. A calls C at `internal_url`, as for its other requests to C.
    pub(super) fn add_wechat(&mut self, internal_url: &str, ca_file: Option<PathBuf>) {
        if !self.auth_server.compat.wechat || self.service_a.providers.contains_key(NAME) {
            return;
        }
        let provider = ProviderSettings {
            kind: ProviderKind::Wechat,
            title: "WeChat".to_owned(),
            title_zh: "微信".to_owned(),
            issuer: self.service_a.issuer.clone(),
            ca_file,
            client_id: APP_ID.to_owned(),
            client_secret: Some(SecretSetting::new(DEMO_SECRET)),
            token_url: Some(format!("{internal_url}/sns/oauth2/access_token")),
            userinfo_url: Some(format!("{internal_url}/sns/userinfo")),
            timeout_millis: self.service_a.call_timeout_millis,
            ..ProviderSettings::default()
        };
        self.service_a.providers.insert(NAME.to_owned(), provider);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::Addresses;

    fn provider_with(environment: &[(&str, &str)]) -> Option<ProviderSettings> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment = environment.iter().map(owned);
        let settings = StackSettings::demo(Path::new("data"));
        let mut settings = settings.with_environment(environment.collect()).unwrap();
        let address = "127.0.0.1:9443".parse().unwrap();
        let addresses = Addresses {
            auth_server: address,
            auth_server_tls: address,
            service_a: address,
            b_local: address,
            b_introspection: address,
            flow_viewer: address,
        };
        settings.connect(&addresses).unwrap();
        settings.service_a.providers.remove(NAME)
    }

    #[test]
    fn environment_replaces_the_imitation_or_turns_it_off() {
        let imitation = provider_with(&[]).unwrap();
        assert_eq!((&*imitation.client_id, &*imitation.issuer), (APP_ID, "http://localhost:9000"));
        let off = [("GATEPASS__AUTH_SERVER__COMPAT__WECHAT", "false")];
        assert!(provider_with(&off).is_none());
        let own = [
            ("GATEPASS__SERVICE_A__PROVIDERS__WECHAT__KIND", "wechat"),
            ("GATEPASS__SERVICE_A__PROVIDERS__WECHAT__CLIENT_ID", "wx1"),
        ];
        let own = provider_with(&own).unwrap();
        assert_eq!((&*own.client_id, own.token_url), ("wx1", None));
    }
}
