//! A's own calls: a pass of C, and the Bs that it is for.

use ::doctor::{
    Checks, Client, HttpProbe, Leeway, ResourceEndpoint, SettingNames, TokenRequest, check_issuer,
    check_resource, check_token_request, published_keys,
};
use clock::Clock;

use super::issuer;
use crate::{
    providers::LEEWAY,
    settings::{ServiceASettings, Target},
};

/// A pass for each B, got as A gets it, and given back.
pub(super) async fn check_tokens(
    checks: &mut Checks,
    settings: &ServiceASettings,
    names: &SettingNames,
    clock: &Clock,
) {
    let wire = HttpProbe::new(&settings.http(), clock);
    let leeway = Leeway { seconds: LEEWAY, setting: None };
    let Some(known) = check_issuer(checks, &issuer(settings, names), &wire, leeway).await else {
        return checks
            .skip("issuer: token", "no secret is shown before it is sure who the issuer is");
    };
    // Said among the settings.
    let (Ok(scope), Ok(secret)) = (settings.scope(), settings.secret()) else { return };
    let keys = published_keys(&known).await;
    let client = Client {
        id: settings.client_id.clone(),
        secret,
        method: settings.token_endpoint_auth_method,
        names: names.clone(),
        method_setting: Some("token_endpoint_auth_method"),
    };
    for (name, target) in targets(settings) {
        let need = TokenRequest {
            check: format!("token for B {name}"),
            scope: &scope,
            resource: &target.resource,
            resource_setting: format!("targets.{name}.resource"),
            names,
        };
        // Once is enough: who shows a wrong secret too often has to wait.
        if !check_token_request(checks, &known, &client, &need, keys.as_ref()).await {
            break;
        }
    }
}

/// Each B, and whether it means the same as A.
pub(super) async fn check_bs(
    checks: &mut Checks,
    settings: &ServiceASettings,
    names: &SettingNames,
    clock: &Clock,
) {
    // Said where the issuer is looked at.
    let (Ok(wire), Ok(scope)) = (HttpProbe::new(&settings.http(), clock), settings.scope()) else {
        return;
    };
    for (name, target) in targets(settings) {
        let door = ResourceEndpoint {
            label: format!("B {name}"),
            url: (&target.url, format!("targets.{name}.url")),
            resource: (&target.resource, format!("targets.{name}.resource")),
            issuer: &settings.issuer,
            scope: &scope,
            names,
        };
        check_resource(checks, &wire, &door).await;
    }
}

fn targets(settings: &ServiceASettings) -> [(&'static str, &Target); 2] {
    [("local", &settings.targets.local), ("introspection", &settings.targets.introspection)]
}
