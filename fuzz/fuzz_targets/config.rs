//! Fuzzes the settings of C from a file, flags and the environment: loading never panics, and
//! settings that load can be printed.
#![no_main]

use auth_server::{AuthServerSettings, SecureRandom, settings::ConfiguredFiles};
use libfuzzer_sys::fuzz_target;
use service_kit::{Settings, Sources, cli::render_config, load};

/// Writes a settings file and returns its path. One file per process is enough, because the fuzzer
/// runs one input at a time.
fn file(text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("gatepass-fuzz-{}.toml", std::process::id()));
    let _ = std::fs::write(&path, text);
    path
}

fuzz_target!(|text: &str| {
    // The part before the first empty line is the settings file.
    let (toml, lines) = text.split_once("\n\n").unwrap_or(("", text));
    let (flags, variables): (Vec<&str>, Vec<&str>) =
        lines.lines().partition(|line| !line.starts_with("GATEPASS"));
    let environment = variables.iter().filter_map(|line| line.split_once('='));
    let sources = Sources {
        file: (!toml.is_empty()).then(|| file(toml)),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        overrides: flags.into_iter().map(str::to_owned).collect(),
        ..Sources::default()
    };
    if let Ok(settings) = load::<AuthServerSettings>(&sources) {
        // The files of the demo, because the input could name any file of this machine.
        let demo = AuthServerSettings { clients_file: None, users_file: None, ..settings.clone() };
        let files = ConfiguredFiles::read(&demo, &SecureRandom::system());
        let is_usable = settings.check(&files).is_ok();
        let findings = settings.unsafe_settings();
        let _ = render_config(&settings, is_usable.then_some(&findings[..]));
    }
});
