use std::{io, path::PathBuf};

use oauth_types::is_web_origin;
use serde::{Deserialize, Serialize};
use service_kit::{Hosts, SecretSetting, UnsafeSetting, comma_list, is_loopback_listener};

use crate::{domain::Looseness, seed::read_seed_file, watched_file::WatchedFile};

/// Control API, by which tests change a running server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlSettings {
    /// Address of the listener of the control API, as `host:port`; empty disables it. With it, C
    /// keeps its database and its keys in memory, rejects `database_url`, reads the files of
    /// clients and users only once, and forgets everything when it stops. Default: empty.
    /// Production requires it to be empty.
    pub listen: String,
    /// Bearer token that every request to the control API must present. Required if `listen` is not
    /// a loopback address. Not set by default.
    pub token: Option<SecretSetting>,
    /// Accepts requests without a token on a listener beyond loopback. Anyone who reaches it can
    /// issue tokens for every user. Default: `false`.
    pub allow_unauthenticated: bool,
    /// Host names for which the control API accepts requests, besides IP addresses, `localhost` and
    /// names without a dot. Default: none.
    #[serde(deserialize_with = "comma_list")]
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may call the control API. Requests of all other pages get status 403.
    /// Default: none.
    #[serde(deserialize_with = "comma_list")]
    pub allowed_origins: Vec<String>,
    /// Rules that C does not apply, by name, besides those of the seed: `redirect.any`,
    /// `redirect.any_loopback_port`, `redirect.plain_http:CLIENT`, `login.pick_user`, `client.any`,
    /// `audience.any`, `failures.unlimited`, `cors:ORIGIN`, `backchannel_hosts`. Default: none.
    #[serde(deserialize_with = "comma_list")]
    pub looseness: Vec<String>,
    /// The seed, as the text of a TOML or JSON document with resources, clients, users, claims,
    /// looseness and further issuers, in place of `clients_file`, `users_file` and `claims`. The
    /// environment variable `GATEPASS_SEED` sets it too. Not set by default.
    pub seed: Option<SecretSetting>,
    /// File of the seed, in place of `seed`, applied within a second after a change.
    pub seed_file: Option<PathBuf>,
    /// Stops C when its standard input ends. A program that starts C for its tests gives it a pipe
    /// as standard input: the system closes it even if the program is killed. Default: `false`.
    pub stop_at_end_of_input: bool,
}

impl ControlSettings {
    /// Returns whether the control API is on.
    pub fn is_on(&self) -> bool {
        !self.listen.is_empty()
    }

    /// Returns the hosts that the control API accepts requests for.
    ///
    /// # Errors
    /// Returns an error if a name in `allowed_hosts` is malformed.
    pub fn hosts(&self) -> Result<Hosts, String> {
        Hosts::of_local_network("control.allowed_hosts", &self.allowed_hosts)
    }

    /// Returns the name of the setting that has the seed, if there is one.
    pub(super) fn seed_setting(&self) -> Result<Option<&'static str>, String> {
        let setting = match (&self.seed, &self.seed_file) {
            (None, None) => return Ok(None),
            (Some(_), None) => "control.seed",
            (None, Some(_)) => "control.seed_file",
            (Some(_), Some(_)) => {
                return Err(
                    "control.seed: is set, and `control.seed_file` too; use only one of them"
                        .to_owned(),
                );
            }
        };
        if !self.is_on() {
            return Err(format!(
                "{setting}: is set, and the control API is off; set control.listen"
            ));
        }
        Ok(Some(setting))
    }

    /// Returns whether a seed replaces the files of clients and users.
    pub fn has_seed(&self) -> bool {
        self.seed.is_some() || self.seed_file.is_some()
    }

    /// Returns the text of the seed, and its file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or is longer than a seed may be.
    pub(super) fn read_seed(&self) -> io::Result<(String, Option<WatchedFile>)> {
        if let Some(seed) = &self.seed {
            return Ok((seed.expose().to_owned(), None));
        }
        let path = self.seed_file.clone().unwrap_or_default();
        let file = WatchedFile::new(path);
        let text = read_seed_file(file.path())
            .map_err(|error| io::Error::other(format!("{}: {error}", file.path().display())))?;
        Ok((text, Some(file)))
    }

    /// Returns the rules that do not apply. [`ControlSettings::check`] has found no wrong name.
    pub(super) fn parsed_looseness(&self) -> Looseness {
        Looseness::parse(&self.looseness).unwrap_or_default()
    }

    fn check_looseness(&self) -> Result<(), String> {
        Looseness::parse(&self.looseness)
            .map_err(|(_, problem)| format!("control.looseness: {problem}"))?;
        if !self.looseness.is_empty() && !self.is_on() {
            return Err(
                "control.looseness: is set, and the control API is off; set control.listen"
                    .to_owned(),
            );
        }
        Ok(())
    }

    pub(super) fn check(&self, chooses_database: bool) -> Result<(), String> {
        self.hosts()?;
        self.check_looseness()?;
        if let Some(other) = self.allowed_origins.iter().find(|origin| !is_web_origin(origin)) {
            return Err(format!(
                "control.allowed_origins: `{other}` is not an origin as browsers send it; write scheme, host and port, such as http://localhost:5173"
            ));
        }
        if self.token.as_ref().is_some_and(|token| token.expose().is_empty()) {
            return Err("control.token: is empty; set a secret, or remove the setting".to_owned());
        }
        if self.token.is_some() && self.allow_unauthenticated {
            return Err(
                "control.allow_unauthenticated: is true, and `control.token` is set; use only one of them"
                    .to_owned(),
            );
        }
        if !self.is_on() {
            if self.stop_at_end_of_input {
                return Err(
                    "control.stop_at_end_of_input: is true, and the control API is off; set control.listen"
                        .to_owned(),
                );
            }
            return Ok(());
        }
        if chooses_database {
            return Err(
                "database_url: is set, and `control.listen` keeps the database in memory; use only one of them"
                    .to_owned(),
            );
        }
        let is_open = self.token.is_none() && !self.allow_unauthenticated;
        if is_open && !is_loopback_listener(&self.listen) {
            return Err(format!(
                "control.token: is not set, and control.listen = {} is reachable from other machines; set a token, or control.allow_unauthenticated = true on an internal network",
                self.listen
            ));
        }
        Ok(())
    }

    pub(super) fn unsafe_settings(&self) -> impl Iterator<Item = UnsafeSetting> + use<> {
        let listen = self.is_on().then(|| {
            UnsafeSetting::new(
                "control.listen",
                "lets callers issue tokens for every user, and forgets all data at the end",
                "switch it off",
            )
        });
        let looseness = (!self.looseness.is_empty()).then(|| {
            UnsafeSetting::new("control.looseness", "switches rules off", "remove the setting")
        });
        listen.into_iter().chain(looseness)
    }
}
