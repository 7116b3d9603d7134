//! The setting `database_url`: what can be told of it without connecting. It may hold a password,
//! so no word of its value is ever repeated.

use std::net::IpAddr;

use url::{Position, Url};

use crate::{SecretSetting, UnsafeSetting};

/// What `postgres://` URLs may say behind the `?`. An unknown word would be ignored by the driver,
/// also when it asks for more safety.
const PARAMETERS: [&str; 11] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The PostgreSQL database of this setting; none when it is empty, as an environment writes what is
/// not set.
///
/// # Errors
/// When it cannot be one. Nothing of its value is in the error.
pub fn database_url(setting: Option<&SecretSetting>) -> Result<Option<&str>, String> {
    let url = setting.map(SecretSetting::expose).filter(|url| !url.is_empty());
    url.map_or(Ok(()), check)?;
    Ok(url)
}

/// Can it be a database?
fn check(url: &str) -> Result<(), String> {
    let parsed =
        Url::parse(url).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"));
    // A `/`, `?` or `#` in a password would make a part of it a host, a port or a name, which are
    // shown.
    let Some(url) = parsed.filter(|url| !url[Position::AfterHost..].contains('@')) else {
        return Err("database_url: is not of the form postgres://user:password@host/database, \
             with the special characters of the password percent-encoded"
            .to_owned());
    };
    match url.query_pairs().find(|(name, _)| !PARAMETERS.contains(&&**name)) {
        Some((name, _)) => Err(format!("database_url: the parameter `{name}` is not known here")),
        None => Ok(()),
    }
}

/// A finding if whoever is on the way to the database could read what goes there, or stand in for
/// it: keys, people and sessions.
#[must_use]
pub fn unverified_database_tls(url: &str) -> Option<UnsafeSetting> {
    let url = Url::parse(url).ok()?;
    let parameter =
        |name| url.query_pairs().filter(|(known, _)| known == name).last().map(|(_, value)| value);
    let verified = parameter("sslmode").is_some_and(|mode| mode == "verify-full");
    let host = parameter("host").unwrap_or_else(|| url.host_str().unwrap_or_default().into());
    (!verified && !stays_here(&host)).then(|| {
        let problem = "the connection leaves this machine, and whoever answers is believed";
        UnsafeSetting::new("database_url", problem, "add ?sslmode=verify-full&sslrootcert=FILE")
    })
}

/// A name of this machine, or the folder of a socket.
fn stays_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    let socket = host.is_empty()
        || host.starts_with('/')
        || host.starts_with("%2F")
        || host.starts_with("%2f");
    socket || host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_right_is_refused_without_repeating_it() {
        for wrong in [
            "sqlite://hunter2.db",
            "hunter2",
            "postgres://c:hunter2/x@db/gatepass",
            "postgres://c:12#hunter2@db/gatepass",
            "postgres://c:12?hunter2@db/gatepass",
            "postgres://c:12/hunter2@db/gatepass",
            "postgres://c@db/gatepass?channel_binding=hunter2",
        ] {
            let refusal = check(wrong).unwrap_err();
            assert!(
                refusal.starts_with("database_url: ") && !refusal.contains("hunter2"),
                "{wrong}: {refusal}"
            );
        }
        for right in [
            "postgres://c:p%40ss@db:5432/gatepass?sslmode=verify-full",
            "postgresql:///gatepass?host=/run",
        ] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
    }

    #[test]
    fn an_empty_url_is_none() {
        assert_eq!(database_url(None), Ok(None));
        assert_eq!(database_url(Some(&SecretSetting::new(""))), Ok(None));
        assert_eq!(
            database_url(Some(&SecretSetting::new("postgres://c@db/x"))),
            Ok(Some("postgres://c@db/x"))
        );
        assert!(database_url(Some(&SecretSetting::new("mysql://db"))).is_err());
    }

    #[test]
    fn a_connection_to_another_machine_has_to_prove_whom_it_reaches() {
        for (url, safe) in [
            ("postgres://c@db/x", false),
            ("postgres://c@db/x?sslmode=require", false),
            // Believes every certificate of every public authority, whatever its name.
            ("postgres://c@db/x?sslmode=verify-ca", false),
            ("postgres://c@db/x?sslmode=verify-full&sslmode=disable", false),
            ("postgres://c@localhost/x?host=db", false),
            ("postgres://c@db/x?sslmode=verify-full", true),
            ("postgres://c@localhost/x", true),
            ("postgres://c@127.0.0.1:1/x", true),
            ("postgres://c@[::1]:1/x", true),
            ("postgres://%2Frun%2Fpostgresql/x", true),
            ("postgres:///x?host=/run/postgresql", true),
        ] {
            assert_eq!(unverified_database_tls(url).is_none(), safe, "{url}");
        }
    }
}
