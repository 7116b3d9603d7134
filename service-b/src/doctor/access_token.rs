use clock::Clock;
use doctor::{Change, Checks, Diagnosis, PublishedKeys, SettingNames};
use flow_events::{Check, Event, EventSink, FlowScope, Party, Rule, TraceContext};
use oauth_types::AccessToken;
use service_kit::{Settings, http_client};
use token_verifier::VerifyError;

use crate::{endpoints::SCOPES, settings::ServiceBSettings, verifier::verifier};

/// So many checks has no verifier.
const EVENTS: usize = 64;

/// Make every check on a pass that B itself would make, and say what was compared.
pub(super) async fn check_token(
    checks: &mut Checks,
    settings: &ServiceBSettings,
    pass: &AccessToken,
    keys: Option<&PublishedKeys>,
    clock: &Clock,
) {
    // What is wrong with the settings stands among the other checks.
    let Ok(http) = http_client(&settings.http()) else { return };
    let Ok(verifier) = verifier(settings, http, clock.clone()) else { return };
    let sink = EventSink::new(EVENTS);
    let (Some(mut told), Some(trace)) = (sink.subscribe(), TraceContext::root([1; 24])) else {
        return;
    };
    let scope = FlowScope { trace, party: Party::ResourceServer, sink, clock: clock.clone() };
    let verified = scope.run(verifier.verify(pass)).await;
    while let Ok(event) = told.try_recv() {
        if let Event::TokenChecked(check) = &event.event {
            tell(checks, check, keys);
        }
    }
    match verified {
        Ok(token) => {
            let lacks: Vec<_> =
                SCOPES.into_iter().filter(|scope| !token.scope().contains(scope)).collect();
            let said = if lacks.is_empty() {
                "it opens all of B".to_owned()
            } else {
                format!("it does not allow: {}", lacks.join(" "))
            };
            checks.ok("token: scope", said);
        }
        // Told with its values already.
        Err(VerifyError::Invalid { rule: Some(_), .. }) => (),
        Err(VerifyError::Invalid { rule: None, reason })
        | Err(VerifyError::Unavailable { reason, .. }) => {
            let change = SettingNames::of(ServiceBSettings::SERVICE).change(
                "mode",
                "an opaque pass needs `introspection`, a JWT goes with `local` too",
            );
            let finding = Diagnosis::new(
                "the pass and what B can check",
                "a pass that can be checked",
                reason,
                change,
            );
            checks.fail("token", "whether it is good cannot be found out", finding);
        }
    }
}

fn tell(
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
    let compared = format!("the pass and {}", rule.source());
    checks.fail(
        name,
        "B refuses it for this",
        Diagnosis::new(compared, expected, found, change(*rule)),
    );
}

fn change(rule: Rule) -> Change {
    let own = SettingNames::of(ServiceBSettings::SERVICE);
    match rule {
        Rule::Issuer => {
            own.change("issuer", "name the issuer as the pass does, to the byte, if that is the one that is meant")
        }
        Rule::Audience => own.change("resource", "name B as the pass does, or let the client ask for B's `resource`"),
        Rule::Key => own.change(
            "issuer",
            "let the client ask the issuer that is named here; a pass of before its keys were lost is void",
        ),
        Rule::Algorithm => own.change("local.algorithms", "take the issuer's algorithm, if it is a sound one"),
        Rule::NotBefore | Rule::IssuedAt => {
            own.change("local.leeway_seconds", "set both clocks by NTP; this is how much is borne")
        }
        Rule::Expiry => Change::elsewhere("let the client get a new pass before this one ends"),
        Rule::Active => Change::elsewhere(
            "let the client get a new pass; or have the issuer let this B ask about it (ours: `introspection_audiences` in `clients_file`)",
        ),
        Rule::Type | Rule::Signature | Rule::Scope | Rule::Cached => Change::elsewhere(
            "let the client show an access token as the issuer gave it: no ID token, and nothing changed on the way",
        ),
    }
}

fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::Algorithm => "algorithm",
        Rule::Type => "type",
        Rule::Key => "key",
        Rule::Signature => "signature",
        Rule::Issuer => "issuer",
        Rule::Audience => "audience",
        Rule::Expiry => "expiry",
        Rule::NotBefore => "not before",
        Rule::IssuedAt => "issued at",
        Rule::Active => "issuer's word",
        Rule::Scope => "scope",
        Rule::Cached => "memory",
    }
}
