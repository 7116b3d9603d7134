//! Whom people can log in with.

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
    providers::{ID_TOKEN_ALGORITHMS, LEEWAY, client_secret},
    server::redirect_uri,
    settings::{PLATFORM, ProviderKind, ProviderSettings, ServiceASettings},
};

/// Each provider as a section of its own: one that hangs takes nothing from the others.
pub(super) async fn check_logins(settings: &ServiceASettings, clock: &Clock) -> Vec<Checks> {
    // What is wrong with these is said among the settings.
    let (Ok(providers), Ok(public_url)) = (settings.all_providers(), settings.public_origin())
    else {
        return Vec::new();
    };
    let mut looks = JoinSet::new();
    for (position, (name, provider)) in providers.into_iter().enumerate() {
        let redirect_uri = redirect_uri(&public_url, &name);
        let names = names(settings, &name);
        let clock = clock.clone();
        let login = OneLogin { label: format!("login {name}"), provider, redirect_uri, names };
        looks.spawn(async move {
            let label = login.label.clone();
            (position, run_section(label, async |checks| login.look(checks, &clock).await).await)
        });
    }
    let mut sections = looks.join_all().await;
    sections.sort_by_key(|(position, _)| *position);
    sections.into_iter().map(|(_, checks)| checks).collect()
}

struct OneLogin {
    label: String,
    provider: ProviderSettings,
    redirect_uri: String,
    /// Where the settings of the provider stand, and how its scopes are called there.
    names: (SettingNames, &'static str),
}

/// What the settings do not say of the platform is taken from A's own.
fn names(settings: &ServiceASettings, name: &str) -> (SettingNames, &'static str) {
    let own = settings.providers.get(name).is_some_and(|provider| !provider.issuer.is_empty());
    if name == PLATFORM && !own {
        return (SettingNames::of(ServiceASettings::SERVICE), "scope");
    }
    (SettingNames::below(ServiceASettings::SERVICE, format!("providers.{name}")), "scopes")
}

impl OneLogin {
    async fn look(&self, checks: &mut Checks, clock: &Clock) {
        if self.provider.kind == ProviderKind::Wechat {
            return checks
                .skip(&self.label, "WeChat says nothing of itself that could be compared");
        }
        let wire = HttpProbe::new(&self.provider.http(), clock);
        let leeway = Leeway { seconds: LEEWAY, setting: None };
        let Some(known) = check_issuer(checks, &self.issuer(), &wire, leeway).await else {
            return checks.skip(
                format!("{}: client", self.label),
                "no secret is shown before it is sure who the issuer is",
            );
        };
        check_keys(checks, &known, &ID_TOKEN_ALGORITHMS.map(str::to_owned), None).await;
        let login = LoginRequest {
            client_id: &self.provider.client_id,
            redirect_uri: &self.redirect_uri,
            scopes: &self.provider.scopes,
            resources: &self.provider.resources,
            names: &SettingNames::of(ServiceASettings::SERVICE),
            issuer_names: &self.names.0,
            scope_setting: self.names.1,
        };
        check_redirect_uri(checks, &known, &login).await;
        self.check_client(checks, &known, clock).await;
    }

    async fn check_client(&self, checks: &mut Checks, known: &ConfirmedIssuer, clock: &Clock) {
        let names = &self.names.0;
        match client_secret(&self.provider, clock.seconds()) {
            Ok(secret) => {
                let method = self.method(known);
                let client = Client {
                    id: self.provider.client_id.clone(),
                    secret,
                    method,
                    names: names.clone(),
                    method_setting: None,
                };
                check_code_exchange(
                    checks,
                    known,
                    &client,
                    &CodeExchange { redirect_uri: &self.redirect_uri },
                )
                .await;
            }
            Err(error) => {
                let change = names.change(
                    "client_secret",
                    "write the secret that the provider gave, or a file with it",
                );
                let finding = Diagnosis::new(
                    "the settings of the provider and what it takes to log in",
                    "a secret",
                    format!("{error:#}"),
                    change,
                );
                checks.fail(known.check("client"), "there is no secret to show", finding);
            }
        }
    }

    /// As logging in chooses it.
    fn method(&self, known: &ConfirmedIssuer) -> ClientAuthMethod {
        let basic = known.auth_methods().is_empty()
            || known.auth_methods().iter().any(|one| one == "client_secret_basic");
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
