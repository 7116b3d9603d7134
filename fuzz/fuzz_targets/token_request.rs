//! Fuzzes the parser of token requests: it never panics, a parsed form has each parameter at most
//! once, and a parsed scope survives a round trip through its text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oauth_types::{Form, Scope};

fuzz_target!(|body: &[u8]| {
    let Ok(form) = Form::parse(body) else { return };
    for name in ["grant_type", "client_id", "client_secret", "scope"] {
        assert!(form.all(name).count() <= 1, "{name} was taken twice");
    }
    let _ = form.closest_parameter("grant_type");
    if let Some(Ok(scope)) = form.get("scope").map(str::parse::<Scope>) {
        assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
    }
});
