//! Checks of A's calls: access tokens from C, and the Bs that accept them.

use ::doctor::{
    Checks, Client, HttpProbe, Leeway, ResourceEndpoint, SettingNames, TokenRequest, check_issuer,
    check_resource, check_token_request, published_keys,
};
use clock::Clock;

use super::issuer;
use crate::{
    providers::CLOCK_SKEW,
    settings::{ServiceASettings, Target},
};

/// Requests an access token for each B as A does, and revokes it.
pub(super) async fn check_tokens(
    checks: &mut Checks,
    settings: &ServiceASettings,
    names: &SettingNames,
    clock: &Clock,
) {
    let probe = HttpProbe::new(&settings.http(), clock);
    let leeway = Leeway { seconds: CLOCK_SKEW, setting: None };
    let Some(confirmed) = check_issuer(checks, &issuer(settings, names), &probe, leeway).await
    else {
        return checks.skip("issuer: token", "the secret is not sent to an unconfirmed issuer");
    };
    // Reported by `check_settings`.
    let (Ok(scope), Ok(secret)) = (settings.scope(), settings.secret()) else { return };
    let keys = published_keys(&confirmed).await;
    let client = Client {
        id: settings.client_id.clone(),
        secret,
        method: settings.token_endpoint_auth_method,
        names: names.clone(),
        method_setting: Some("token_endpoint_auth_method"),
    };
    for (name, target) in targets(settings) {
        let request = TokenRequest {
            check: format!("token for B {name}"),
            scope: &scope,
            resource: &target.resource,
            resource_setting: format!("targets.{name}.resource"),
            names,
        };
        // Stop after a failure: repeated failures trigger C's rate limit.
        if !check_token_request(checks, &confirmed, &client, &request, keys.as_ref()).await {
            break;
        }
    }
}

/// Checks that each B is reachable and agrees with A on issuer, resource and scope.
pub(super) async fn check_bs(
    checks: &mut Checks,
    settings: &ServiceASettings,
    names: &SettingNames,
    clock: &Clock,
) {
    // Reported by `check_tokens`.
    let (Ok(probe), Ok(scope)) = (HttpProbe::new(&settings.http(), clock), settings.scope()) else {
        return;
    };
    for (name, target) in targets(settings) {
        let endpoint = ResourceEndpoint {
            label: format!("B {name}"),
            url: (&target.url, format!("targets.{name}.url")),
            resource: (&target.resource, format!("targets.{name}.resource")),
            issuer: &settings.issuer,
            scope: &scope,
            names,
        };
        check_resource(checks, &probe, &endpoint).await;
    }
}

fn targets(settings: &ServiceASettings) -> [(&'static str, &Target); 2] {
    [("local", &settings.targets.local), ("introspection", &settings.targets.introspection)]
}
