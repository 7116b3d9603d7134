//! The `database_url` setting, checked without connecting. The value may contain a password, so no
//! error repeats any part of it.

use std::net::IpAddr;

use service_kit::{SecretSetting, UnsafeSetting};
use url::{Position, Url};

/// Query parameters that a PostgreSQL URL may have. The driver ignores unknown ones, even those
/// that ask for more security.
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

/// The value that chooses SQLite, where production requires a choice.
const SQLITE: &str = "sqlite";

/// Returns the PostgreSQL URL of the setting, or `None` for SQLite: if it is `sqlite`, missing or
/// empty. An environment variable that is set to nothing counts as missing.
///
/// # Errors
/// Returns an error if the value is not a PostgreSQL URL, or has a parameter that the driver would
/// ignore. The error contains no part of the value except the parameter's name.
pub fn database_url(setting: Option<&SecretSetting>) -> Result<Option<&str>, String> {
    let url = setting.map(SecretSetting::expose).filter(|url| !url.is_empty() && *url != SQLITE);
    url.map_or(Ok(()), validate)?;
    Ok(url)
}

fn validate(url: &str) -> Result<(), String> {
    let parsed =
        Url::parse(url).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"));
    // A `/`, `?` or `#` in a password that is not encoded would turn part of the password into a
    // host, port or database name, which messages may contain.
    let Some(url) = parsed.filter(|url| !url[Position::AfterHost..].contains('@')) else {
        return Err("database_url: must be of the form postgres://user:password@host/database, \
             with the special characters of the password percent-encoded"
            .to_owned());
    };
    match url.query_pairs().find(|(name, _)| !PARAMETERS.contains(&&**name)) {
        Some((name, _)) => Err(format!(
            "database_url: unknown parameter `{name}`; known are {}",
            PARAMETERS.join(", ")
        )),
        None => Ok(()),
    }
}

/// Returns an unsafe setting if no database is chosen: a variable that is missing or empty by
/// mistake would give each of several servers a database of its own.
#[must_use]
pub fn unchosen_database(setting: Option<&SecretSetting>) -> Option<UnsafeSetting> {
    let is_chosen = setting.is_some_and(|setting| !setting.expose().is_empty());
    (!is_chosen).then(|| {
        let problem = "is not set, so this server has a SQLite file that no other server shares";
        let remedy = "set it to the URL of PostgreSQL, or to \"sqlite\" for a single server";
        UnsafeSetting::new("database_url", problem, remedy)
    })
}

/// Checks that the file of `sslrootcert` has certificates.
///
/// # Errors
/// Returns an error that names the file.
pub fn check_root_certificates(url: &str) -> Result<(), String> {
    let Ok(url) = Url::parse(url) else { return Ok(()) };
    let Some((_, file)) = url.query_pairs().find(|(name, _)| name == "sslrootcert") else {
        return Ok(());
    };
    let problem = match std::fs::read_to_string(&*file) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => return Ok(()),
        Ok(_) => "it has no certificate in PEM".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(format!("database_url: sslrootcert: {file}: {problem}"))
}

/// Returns an unsafe setting if the connection leaves this machine and does not verify the server's
/// certificate and name: anyone on the network path could read keys, users and sessions, or
/// impersonate the database.
#[must_use]
pub fn unverified_database_tls(url: &str) -> Option<UnsafeSetting> {
    let url = Url::parse(url).ok()?;
    let parameter =
        |name| url.query_pairs().filter(|(known, _)| known == name).last().map(|(_, value)| value);
    let verified = parameter("sslmode").is_some_and(|mode| mode == "verify-full");
    let host = parameter("host").unwrap_or_else(|| url.host_str().unwrap_or_default().into());
    (!verified && !is_local_host(&host)).then(|| {
        let problem = "the database is on another machine and its certificate is not verified";
        UnsafeSetting::new("database_url", problem, "add ?sslmode=verify-full&sslrootcert=FILE")
    })
}

/// Returns whether `host` is a loopback address, `localhost` or the folder of a Unix socket.
fn is_local_host(host: &str) -> bool {
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
    fn invalid_url_is_rejected_without_repeating_it() {
        for url in [
            "sqlite://hunter2.db",
            "hunter2",
            "postgres://c:hunter2/x@db/gatepass",
            "postgres://c:12#hunter2@db/gatepass",
            "postgres://c:12?hunter2@db/gatepass",
            "postgres://c:12/hunter2@db/gatepass",
            "postgres://c@db/gatepass?channel_binding=hunter2",
        ] {
            let error = validate(url).unwrap_err();
            assert!(
                error.starts_with("database_url: ") && !error.contains("hunter2"),
                "{url}: {error}"
            );
        }
        for url in [
            "postgres://c:p%40ss@db:5432/gatepass?sslmode=verify-full",
            "postgresql:///gatepass?host=/run",
        ] {
            assert_eq!(validate(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn empty_url_is_none() {
        assert_eq!(database_url(None), Ok(None));
        assert_eq!(database_url(Some(&SecretSetting::new(""))), Ok(None));
        assert_eq!(
            database_url(Some(&SecretSetting::new("postgres://c@db/x"))),
            Ok(Some("postgres://c@db/x"))
        );
        assert!(database_url(Some(&SecretSetting::new("mysql://db"))).is_err());
        assert_eq!(database_url(Some(&SecretSetting::new("sqlite"))), Ok(None));
    }

    #[test]
    fn database_is_chosen_by_a_value() {
        assert!(unchosen_database(None).is_some());
        assert!(unchosen_database(Some(&SecretSetting::new(""))).is_some());
        for value in ["sqlite", "postgres://c@db/x"] {
            assert_eq!(unchosen_database(Some(&SecretSetting::new(value))), None);
        }
    }

    #[test]
    fn file_of_root_certificates_is_checked() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let url = format!("postgres://c@db/x?sslrootcert={}", file.path().display());
        let error = check_root_certificates(&url).unwrap_err();
        assert!(error.ends_with("it has no certificate in PEM"), "{error}");
        std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\n").unwrap();
        assert_eq!(check_root_certificates(&url), Ok(()));
        assert_eq!(check_root_certificates("postgres://c@db/x"), Ok(()));
        let missing = check_root_certificates("postgres://c@db/x?sslrootcert=/nowhere/ca.pem");
        assert!(missing.unwrap_err().contains("/nowhere/ca.pem: "));
    }

    #[test]
    fn remote_database_needs_verify_full() {
        for (url, safe) in [
            ("postgres://c@db/x", false),
            ("postgres://c@db/x?sslmode=require", false),
            // Accepts certificates of any public authority for any name.
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
