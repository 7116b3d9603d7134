//! Checks of the identity providers.

use ::doctor::{
    Checks, Client, CodeExchange, ConfirmedIssuer, Diagnosis, HttpProbe, IssuerConfig, Leeway,
    LoginRequest, MetadataLocation, ReachedBy, SettingNames, check_code_exchange, check_issuer,
    check_keys, check_redirect_uri, run_section,
};
use clock::Clock;
use oauth_types::ClientAuthMethod;
use service_kit::Settings;
use tokio::task::JoinSet;

use crate::{
    providers::{CLOCK_SKEW, SIGNATURE_ALGORITHMS, client_secret},
    settings::{PLATFORM, ProviderKind, ProviderSettings, ServiceASettings},
};

/// Checks each provider in its own section, concurrently, so that one that hangs does not delay the
/// others.
pub(super) async fn check_logins(settings: &ServiceASettings, clock: &Clock) -> Vec<Checks> {
    // Errors of these settings are reported by `check_settings`.
    let Ok(providers) = settings.all_providers() else { return Vec::new() };
    let mut tasks = JoinSet::new();
    for (position, (name, provider)) in providers.into_iter().enumerate() {
        let Ok(redirect_uri) = settings.redirect_uri(&name) else { return Vec::new() };
        let names = names(settings, &name);
        let clock = clock.clone();
        let login = LoginCheck { label: format!("login {name}"), provider, redirect_uri, names };
        tasks.spawn(async move {
            let label = login.label.clone();
            (position, run_section(label, async |checks| login.run(checks, &clock).await).await)
        });
    }
    let mut sections = tasks.join_all().await;
    sections.sort_by_key(|(position, _)| *position);
    sections.into_iter().map(|(_, checks)| checks).collect()
}

struct LoginCheck {
    label: String,
    provider: ProviderSettings,
    redirect_uri: String,
    /// Names of the provider's settings, and of its scope setting.
    names: (SettingNames, &'static str),
}

/// Returns A's own settings for `platform`, which supply its defaults, unless it has its own
/// issuer.
fn names(settings: &ServiceASettings, name: &str) -> (SettingNames, &'static str) {
    let has_issuer =
        settings.providers.get(name).is_some_and(|provider| !provider.issuer.is_empty());
    if name == PLATFORM && !has_issuer {
        return (SettingNames::of(ServiceASettings::SERVICE), "scope");
    }
    (SettingNames::below(ServiceASettings::SERVICE, format!("providers.{name}")), "scopes")
}

impl LoginCheck {
    async fn run(&self, checks: &mut Checks, clock: &Clock) {
        if self.provider.kind == ProviderKind::Wechat {
            return checks.skip(&self.label, "WeChat publishes no metadata to check");
        }
        let probe = HttpProbe::new(&self.provider.http(), clock);
        let leeway = Leeway { seconds: CLOCK_SKEW, setting: None };
        let Some(confirmed) = check_issuer(checks, &self.issuer(), &probe, leeway).await else {
            return checks.skip(
                format!("{}: client", self.label),
                "the secret is not sent to an unconfirmed issuer",
            );
        };
        check_keys(checks, &confirmed, &SIGNATURE_ALGORITHMS.map(str::to_owned), None).await;
        let login = LoginRequest {
            client_id: &self.provider.client_id,
            redirect_uri: &self.redirect_uri,
            scopes: &self.provider.scopes,
            resources: &self.provider.resources,
            names: &SettingNames::of(ServiceASettings::SERVICE),
            issuer_names: &self.names.0,
            scope_setting: self.names.1,
        };
        check_redirect_uri(checks, &confirmed, &login).await;
        self.check_client(checks, &confirmed, clock).await;
    }

    async fn check_client(&self, checks: &mut Checks, confirmed: &ConfirmedIssuer, clock: &Clock) {
        let names = &self.names.0;
        match client_secret(&self.provider, clock.seconds()) {
            Ok(secret) => {
                let method = self.auth_method(confirmed);
                let client = Client {
                    id: self.provider.client_id.clone(),
                    secret,
                    method,
                    names: names.clone(),
                    method_setting: None,
                };
                check_code_exchange(
                    checks,
                    confirmed,
                    &client,
                    &CodeExchange { redirect_uri: &self.redirect_uri },
                )
                .await;
            }
            Err(error) => {
                let change = names.change(
                    "client_secret",
                    "set the secret that the provider issued, or a file with it",
                );
                let diagnosis = Diagnosis::new(
                    "the settings of the provider and what a login requires",
                    "a secret",
                    format!("{error:#}"),
                    change,
                );
                checks.fail(confirmed.check("client"), "there is no client secret", diagnosis);
            }
        }
    }

    /// Returns the method that A uses for logins.
    fn auth_method(&self, confirmed: &ConfirmedIssuer) -> ClientAuthMethod {
        let basic = confirmed.auth_methods().is_empty()
            || confirmed.auth_methods().iter().any(|method| method == "client_secret_basic");
        if basic && self.provider.kind == ProviderKind::Openid {
            ClientAuthMethod::Basic
        } else {
            ClientAuthMethod::Post
        }
    }

    fn issuer(&self) -> IssuerConfig {
        IssuerConfig {
            label: self.label.clone(),
            names: self.names.0.clone(),
            issuer: self.provider.issuer.clone(),
            internal_url: self.provider.internal_url.clone(),
            reached_by: ReachedBy::Browsers,
            metadata_location: MetadataLocation::OpenId,
        }
    }
}
