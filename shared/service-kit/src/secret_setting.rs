use std::{
    cell::Cell,
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::Profile;

/// The client secret of the demo, which uses it if none is set. It is public.
pub const DEMO_SECRET: &str = "abc123";

/// A secret in the settings. `Serialize` (and thus `check-config`) and `Debug` write `[hidden]`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct SecretSetting(SecretString);

impl SecretSetting {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(SecretString::from(secret.into()))
    }

    /// Returns the secret from the settings `{setting}` or `{setting}_file`. If neither is set,
    /// returns [`DEMO_SECRET`], except in production.
    ///
    /// # Errors
    /// Returns an error if both are set, the file cannot be read or is empty, or neither is set in
    /// production.
    pub fn resolve(
        setting: &str,
        inline: Option<&Self>,
        file: Option<&PathBuf>,
        profile: Profile,
    ) -> anyhow::Result<Self> {
        match (inline, file) {
            (Some(_), Some(_)) => {
                anyhow::bail!("both {setting} and {setting}_file are set: use only one of them")
            }
            (Some(secret), None) => Ok(secret.clone()),
            (None, Some(file)) => Self::from_file(file)
                .with_context(|| format!("the setting `{setting}_file` names {}", file.display())),
            (None, None) if profile.is_production() => {
                anyhow::bail!(
                    "neither {setting} nor {setting}_file is set, and profile = \"production\" has no default secret"
                )
            }
            (None, None) => Ok(Self::new(DEMO_SECRET)),
        }
    }

    /// Reads a secret file as container engines mount it, without trailing line breaks.
    fn from_file(path: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(std::io::Error::other("the file is empty")),
            secret => Ok(Self::new(secret)),
        }
    }

    /// Returns the secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Serialize for SecretSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if PLAIN.get() { self.expose() } else { "[hidden]" })
    }
}

thread_local! {
    /// Whether this thread serializes secrets themselves.
    static PLAIN: Cell<bool> = const { Cell::new(false) };
}

/// Runs `serialize`, which writes secrets themselves. Only for settings that are read again at once
/// and printed nowhere.
pub(crate) fn with_plain_secrets<T>(serialize: impl FnOnce() -> T) -> T {
    /// Also after a panic, the thread must not print secrets.
    struct Hide;

    impl Drop for Hide {
        fn drop(&mut self) {
            PLAIN.set(false);
        }
    }

    let _hide = Hide;
    PLAIN.set(true);
    serialize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_comes_from_one_setting_and_is_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "from-a-file\n").unwrap();
        let choose = |inline: Option<&SecretSetting>, file: Option<&PathBuf>, profile| {
            SecretSetting::resolve("secret", inline, file, profile)
        };
        let inline = SecretSetting::new("inline");
        assert_eq!(choose(Some(&inline), None, Profile::Production).unwrap().expose(), "inline");
        assert_eq!(choose(None, Some(&file), Profile::Production).unwrap().expose(), "from-a-file");
        assert_eq!(choose(None, None, Profile::Demo).unwrap().expose(), "abc123");
        assert!(choose(Some(&inline), Some(&file), Profile::Demo).is_err());
        assert!(
            choose(None, None, Profile::Production)
                .unwrap_err()
                .to_string()
                .contains("secret_file")
        );
        assert!(choose(None, Some(&folder.path().join("missing")), Profile::Demo).is_err());
        assert_eq!(
            format!("{inline:?} {}", serde_json::to_string(&inline).unwrap()),
            "[hidden] \"[hidden]\""
        );
    }

    #[test]
    fn secrets_are_hidden_again_after_a_panic() {
        let secret = SecretSetting::new("inline");
        let panicked = std::panic::catch_unwind(|| with_plain_secrets(|| panic!("a test")));
        assert!(panicked.is_err());
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"[hidden]\"");
    }
}
