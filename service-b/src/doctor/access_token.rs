use clock::Clock;
use doctor::{Change, Checks, Diagnosis, PublishedKeys, SettingNames};
use flow_events::{Check, Event, EventSink, FlowScope, Party, Rule, TraceContext};
use oauth_types::AccessToken;
use service_kit::Settings;
use token_verifier::{Algorithm, VerifiedToken, VerifyError};

use crate::{endpoints::SCOPES, settings::ServiceBSettings, verifier::verifier};

/// More than any verification emits.
const EVENT_CAPACITY: usize = 64;

/// Verifies a token as B does, and reports every comparison.
pub(super) async fn check_token(
    checks: &mut Checks,
    settings: &ServiceBSettings,
    token: &AccessToken,
    keys: Option<&PublishedKeys>,
    clock: &Clock,
) {
    // Invalid settings are reported by other checks.
    let Ok(verifier) = verifier(settings, clock.clone()) else { return };
    let sink = EventSink::new(EVENT_CAPACITY);
    let (Some(mut events), Some(trace)) = (sink.subscribe(), TraceContext::root([1; 24])) else {
        return;
    };
    let scope = FlowScope { trace, party: Party::ResourceServer, sink, clock: clock.clone() };
    let verified = scope.run(verifier.verify(token)).await;
    while let Ok(event) = events.try_recv() {
        if let Event::TokenChecked(check) = &event.event {
            report(checks, check, keys);
        }
    }
    match verified {
        Ok(token) => check_scope(checks, settings, &token),
        // Reported with its values already.
        Err(VerifyError::Invalid { rule: Some(_), .. }) => (),
        Err(error) => {
            let reason = error.to_string();
            let advice = "opaque tokens need `introspection`; JWTs work with `local` too";
            let change = if looks_like_jwt(token) {
                Change::elsewhere(
                    "correct the issuer, whose token or response is malformed (RFC 9068, RFC 7662)",
                )
            } else {
                SettingNames::of(ServiceBSettings::SERVICE).change("mode", advice)
            };
            let diagnosis = Diagnosis::new(
                "the token and how B verifies tokens",
                "a token that B can verify",
                reason,
                change,
            );
            checks.fail("token", "it cannot be verified", diagnosis);
        }
    }
}

/// Checks that the token has a scope of B. An issuer may have put it into another claim, or call it
/// by another name.
fn check_scope(checks: &mut Checks, settings: &ServiceBSettings, token: &VerifiedToken) {
    let check = "token: scope";
    let missing: Vec<_> =
        SCOPES.into_iter().filter(|scope| !token.scope().contains(scope)).collect();
    if missing.is_empty() {
        return checks.ok(check, "it has every scope of B");
    }
    let summary = format!("it does not have: {}", missing.join(" "));
    if missing.len() < SCOPES.len() {
        return checks.ok(check, summary);
    }
    let claims: Vec<_> = token.claims().iter().map(|(name, _)| name).collect();
    let compared = format!("the scope in the claims {}", settings.scopes.claims.join(", "));
    let found = format!("`{}`; the claims of the token are {}", token.scope(), claims.join(", "));
    let change = SettingNames::of(ServiceBSettings::SERVICE).change(
        "scopes.names",
        "let the client request these scopes, or map the issuer's names to B's here; if they are in another claim, add it to `scopes.claims`",
    );
    checks.warn(check, summary, Diagnosis::new(compared, SCOPES.join(" "), found, change));
}

fn looks_like_jwt(token: &AccessToken) -> bool {
    token.expose().split('.').count() == 3
}

fn report(
    checks: &mut Checks,
    Check { rule, passed, expected, found }: &Check,
    keys: Option<&PublishedKeys>,
) {
    let name = format!("token: {}", name(*rule));
    if *passed {
        return checks.ok(name, found);
    }
    let expected = match (rule, keys) {
        (Rule::Key, Some(keys)) => format!("one of: {}", keys.kids()),
        _ => expected.clone(),
    };
    let compared = format!("the token and {}", rule.source());
    checks.fail(
        name,
        "B rejects it for this reason",
        Diagnosis::new(compared, expected, found, change(*rule, found)),
    );
}

fn change(rule: Rule, found: &str) -> Change {
    let settings_of_b = SettingNames::of(ServiceBSettings::SERVICE);
    match rule {
        Rule::Issuer => settings_of_b.change(
            "issuer",
            "set it to the issuer in the token, byte by byte, if that is the intended one",
        ),
        // Introspection responses may omit it (RFC 7662 §2.2).
        Rule::Audience if found == "none" => settings_of_b.change(
            "introspection.audience_required",
            "let the issuer bind the token to B's `resource`; turn this off only if it binds no token to a resource",
        ),
        Rule::Audience => settings_of_b.change(
            "audiences",
            "let the client request B's `resource`; if the issuer names B in another way, set that here",
        ),
        Rule::Key => settings_of_b.change(
            "issuer",
            "let the client use this issuer; if the issuer lost its keys, older tokens are invalid",
        ),
        Rule::Algorithm if Algorithm::parse(found).is_none() => {
            Change::elsewhere("let the issuer sign with another algorithm: B cannot verify this one")
        }
        Rule::Algorithm => {
            settings_of_b.change("local.algorithms", "add the issuer's algorithm, if it is secure")
        }
        Rule::Type => settings_of_b.change(
            "local.token_types",
            "if the issuer's access tokens have this type, add it (`none` for tokens without `typ`); otherwise let the client send its access token",
        ),
        Rule::Kind => Change::elsewhere(
            "let the client send its access token, not an ID token; an access token of this type needs a scope, which the client has to request",
        ),
        Rule::NotBefore | Rule::IssuedAt => settings_of_b.change(
            "local.leeway_seconds",
            "synchronize both clocks with NTP; this is the tolerated difference",
        ),
        Rule::Expiry => Change::elsewhere("let the client get a new token before this one expires"),
        Rule::Active => Change::elsewhere(
            "let the client get a new token, or let the issuer allow B to introspect it (in this system: `introspection_audiences` in `clients_file`)",
        ),
        _ => Change::elsewhere("let the client send an unchanged access token, not an ID token"),
    }
}

fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::Algorithm => "algorithm",
        Rule::Type => "type",
        Rule::Kind => "kind",
        Rule::Claim => "claim",
        Rule::Key => "key",
        Rule::Signature => "signature",
        Rule::Issuer => "issuer",
        Rule::Audience => "audience",
        Rule::Expiry => "expiry",
        Rule::NotBefore => "not before",
        Rule::IssuedAt => "issued at",
        Rule::Active => "active",
        Rule::Scope => "scope",
        Rule::Cached => "cache",
        _ => "another rule",
    }
}
