use std::time::{Duration, UNIX_EPOCH};

use rustls::CertificateError;

use crate::{
    connect_error::{Way, bare, host},
    diagnosis::{Change, Diagnosis},
};

/// Why a certificate is not believed.
#[derive(Clone, Debug)]
pub(crate) enum Distrust {
    /// Nobody of those who are believed has signed it.
    UnknownIssuer,
    /// One who is believed is called the same, and has another key: a file of an older authority.
    OtherKey,
    Expired(Option<Times>),
    NotYetValid(Option<Times>),
    /// It is for these names.
    OtherName(Vec<String>),
    Other(String),
}

/// Now, and the certificate's end or beginning, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    now: u64,
    limit: u64,
}

impl Distrust {
    pub(crate) fn of(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::BadSignature => Self::OtherKey,
            CertificateError::Expired => Self::Expired(None),
            CertificateError::ExpiredContext { time, not_after } => {
                Self::Expired(Some(Times { now: time.as_secs(), limit: not_after.as_secs() }))
            }
            CertificateError::NotValidYet => Self::NotYetValid(None),
            CertificateError::NotValidYetContext { time, not_before } => {
                Self::NotYetValid(Some(Times { now: time.as_secs(), limit: not_before.as_secs() }))
            }
            CertificateError::NotValidForName => Self::OtherName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::OtherName(presented.clone())
            }
            other => Self::Other(other.to_string()),
        }
    }

    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::UnknownIssuer => "its certificate is of an authority that is not believed here",
            Self::OtherKey => {
                "its certificate is of an authority with a known name and another key"
            }
            Self::Expired(_) => "its certificate has expired",
            Self::NotYetValid(_) => "its certificate is not yet valid",
            Self::OtherName(_) => "its certificate is for another name",
            Self::Other(_) => "its certificate cannot be believed",
        }
    }

    pub(crate) fn finding(&self, url: &str, way: &Way<'_>) -> Diagnosis {
        let at = bare(url);
        let authorities = way.names.name("ca_file");
        let whom = format!(
            "the certificate at {at} and the authorities of `{authorities}` (without it, the system's)"
        );
        let believe = |advice: &str| way.names.change("ca_file", advice);
        let renew = || {
            Change::elsewhere(format!(
                "renew the certificate that is served at {at} (with our servers: `tls.cert_file` there; one of the development CA is new at each start), and compare the clocks"
            ))
        };
        match self {
            Self::UnknownIssuer => {
                let advice = "name the PEM file of the authority that signed it; the development CA's is `ca/ca.pem` in C's data folder, or where `tls.publish_ca_file` puts it";
                Diagnosis::new(
                    whom,
                    "signed by one of them",
                    "signed by somebody else",
                    believe(advice),
                )
            }
            Self::OtherKey => {
                let advice = "take the present file of that authority: this one is of an older one, whose data folder or volume was deleted";
                Diagnosis::new(
                    whom,
                    "signed with their key",
                    "the same name, signed with another key",
                    believe(advice),
                )
            }
            Self::Expired(times) => {
                let compared =
                    format!("the end of the certificate at {at} and this machine's clock");
                let (now, limit) = shown(*times);
                Diagnosis::new(compared, format!("an end after {now}"), limit, renew())
            }
            Self::NotYetValid(times) => {
                let compared =
                    format!("the beginning of the certificate at {at} and this machine's clock");
                let (now, limit) = shown(*times);
                Diagnosis::new(compared, format!("a beginning before {now}"), limit, renew())
            }
            Self::OtherName(names) => {
                let compared = format!(
                    "the host of `{}` and the names in the certificate",
                    way.names.name(way.setting)
                );
                let advice = "use one of those names, or have this one in the certificate (the development CA: `tls.dev_cert_names` of C)";
                let found = if names.is_empty() { "other names".to_owned() } else { plain(names) };
                Diagnosis::new(compared, host(url), found, way.names.change(way.setting, advice))
            }
            Self::Other(reason) => Diagnosis::new(
                whom,
                "a certificate that can be used",
                reason,
                believe("take another certificate, or another authority"),
            ),
        }
    }
}

/// As they stand in the certificate, without the kind that the library writes around each:
/// `DnsName("localhost")`.
fn plain(names: &[String]) -> String {
    let bare = |name: &String| {
        name.split_once('(')
            .map_or(name.clone(), |(_, rest)| rest.trim_end_matches(')').replace('"', ""))
    };
    names.iter().map(bare).collect::<Vec<_>>().join(", ")
}

fn shown(times: Option<Times>) -> (String, String) {
    let date = |seconds| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    times.map_or_else(
        || ("now".to_owned(), "another time".to_owned()),
        |Times { now, limit }| (date(now), date(limit)),
    )
}
