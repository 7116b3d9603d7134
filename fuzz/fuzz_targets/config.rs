//! Settings from flags and the environment: no text makes them panic, and what they take can be described.
#![no_main]

use auth_server::AuthServerSettings;
use libfuzzer_sys::fuzz_target;
use service_kit::{Settings, Sources, load};

fuzz_target!(|lines: &str| {
    let (flags, variables): (Vec<&str>, Vec<&str>) = lines.lines().partition(|line| !line.starts_with("GATEPASS"));
    let environment = variables.iter().filter_map(|line| line.split_once('='));
    let sources = Sources {
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        overrides: flags.into_iter().map(str::to_owned).collect(),
        ..Sources::default()
    };
    if let Ok(settings) = load::<AuthServerSettings>(&sources) {
        let _ = (settings.check(), settings.findings());
    }
});
