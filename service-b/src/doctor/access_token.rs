use clock::Clock;
use doctor::{Change, Checks, Diagnosis, PublishedKeys, SettingNames};
use flow_events::{Check, Event, EventSink, FlowScope, Party, Rule, TraceContext};
use oauth_types::AccessToken;
use service_kit::Settings;
use token_verifier::VerifyError;

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
        Ok(token) => {
            let missing: Vec<_> =
                SCOPES.into_iter().filter(|scope| !token.scope().contains(scope)).collect();
            let scope = if missing.is_empty() {
                "it has every scope of B".to_owned()
            } else {
                format!("it does not have: {}", missing.join(" "))
            };
            checks.ok("token: scope", scope);
        }
        // Reported with its values already.
        Err(VerifyError::Invalid { rule: Some(_), .. }) => (),
        Err(VerifyError::Invalid { rule: None, reason })
        | Err(VerifyError::Unavailable { reason, .. }) => {
            let change = SettingNames::of(ServiceBSettings::SERVICE)
                .change("mode", "opaque tokens need `introspection`; JWTs work with `local` too");
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
        Diagnosis::new(compared, expected, found, change(*rule)),
    );
}

fn change(rule: Rule) -> Change {
    let settings_of_b = SettingNames::of(ServiceBSettings::SERVICE);
    match rule {
        Rule::Issuer => settings_of_b.change(
            "issuer",
            "set it to the issuer in the token, byte by byte, if that is the intended one",
        ),
        Rule::Audience => settings_of_b.change(
            "resource",
            "set it to the audience in the token, or let the client request B's `resource`",
        ),
        Rule::Key => settings_of_b.change(
            "issuer",
            "let the client use this issuer; if the issuer lost its keys, older tokens are invalid",
        ),
        Rule::Algorithm => {
            settings_of_b.change("local.algorithms", "add the issuer's algorithm, if it is secure")
        }
        Rule::NotBefore | Rule::IssuedAt => settings_of_b.change(
            "local.leeway_seconds",
            "synchronize both clocks with NTP; this is the tolerated difference",
        ),
        Rule::Expiry => Change::elsewhere("let the client get a new token before this one expires"),
        Rule::Active => Change::elsewhere(
            "let the client get a new token, or let the issuer allow B to introspect it (in this system: `introspection_audiences` in `clients_file`)",
        ),
        Rule::Type | Rule::Kind | Rule::Claims | Rule::Signature | Rule::Scope | Rule::Cached => {
            Change::elsewhere("let the client send an unchanged access token, not an ID token")
        }
    }
}

fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::Algorithm => "algorithm",
        Rule::Type => "type",
        Rule::Kind => "kind",
        Rule::Claims => "claims",
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
    }
}
