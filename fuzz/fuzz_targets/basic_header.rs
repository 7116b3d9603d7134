//! Fuzzes the parsers of the `Authorization` header: they never panic, and parsed Basic credentials
//! survive a round trip through `basic::format`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oauth_types::{basic, bearer};

fuzz_target!(|header: &[u8]| {
    let _ = bearer::parse(header);
    if let Some(Ok((id, secret))) = basic::parse(header) {
        let written = basic::format(&id, &secret);
        let Some(Ok((id_again, secret_again))) = basic::parse(written.as_bytes()) else {
            panic!("it cannot be read again")
        };
        assert!(id == id_again && secret.expose() == secret_again.expose());
    }
});
