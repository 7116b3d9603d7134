use std::time::{Duration, UNIX_EPOCH};

use rustls::CertificateError;

use crate::{
    diagnosis::{Change, Diagnosis},
    endpoint_setting::{EndpointSetting, host, without_query},
};

/// Why a server certificate is not trusted.
#[derive(Clone, Debug)]
pub(crate) enum CertificateProblem {
    /// No trusted authority has signed it.
    UnknownIssuer,
    /// A trusted authority has the same name but another key: the CA file is of an older CA.
    CaKeyMismatch,
    Expired(Option<Times>),
    NotYetValid(Option<Times>),
    /// It is for these names only.
    NameMismatch(Vec<String>),
    Other(String),
}

/// The current time, and the end or the start of the validity, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    now: u64,
    bound: u64,
}

impl CertificateProblem {
    pub(crate) fn new(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::BadSignature => Self::CaKeyMismatch,
            CertificateError::Expired => Self::Expired(None),
            CertificateError::ExpiredContext { time, not_after } => {
                Self::Expired(Some(Times { now: time.as_secs(), bound: not_after.as_secs() }))
            }
            CertificateError::NotValidYet => Self::NotYetValid(None),
            CertificateError::NotValidYetContext { time, not_before } => {
                Self::NotYetValid(Some(Times { now: time.as_secs(), bound: not_before.as_secs() }))
            }
            CertificateError::NotValidForName => Self::NameMismatch(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::NameMismatch(presented.clone())
            }
            other => Self::Other(other.to_string()),
        }
    }

    pub(crate) fn summary(&self) -> &'static str {
        match self {
            Self::UnknownIssuer => "the certificate is signed by an untrusted authority",
            Self::CaKeyMismatch => {
                "the certificate is signed by an authority with a trusted name but another key"
            }
            Self::Expired(_) => "the certificate has expired",
            Self::NotYetValid(_) => "the certificate is not yet valid",
            Self::NameMismatch(_) => "the certificate is for another name",
            Self::Other(_) => "the certificate is not trusted",
        }
    }

    pub(crate) fn diagnose(&self, url: &str, endpoint: &EndpointSetting<'_>) -> Diagnosis {
        let at = without_query(url);
        let authorities = endpoint.names.name("ca_file");
        let compared = format!(
            "the certificate at {at} and the authorities of `{authorities}` (without it, the system's)"
        );
        let trust = |advice: &str| endpoint.names.change("ca_file", advice);
        let renew = || {
            Change::elsewhere(format!(
                "renew the certificate of the server at {at} (Gatepass servers: `tls.cert_file`; those of the development CA are new at each start), and compare the clocks"
            ))
        };
        match self {
            Self::UnknownIssuer => {
                let advice = "set it to the PEM file of the authority that signed the certificate; that of the development CA is `ca/ca.pem` in C's data folder, or where `tls.publish_ca_file` puts it";
                Diagnosis::new(
                    compared,
                    "signed by one of them",
                    "signed by another authority",
                    trust(advice),
                )
            }
            Self::CaKeyMismatch => {
                let advice = "use the current file of that authority: this one is of an older CA, whose data folder or volume was deleted";
                Diagnosis::new(
                    compared,
                    "signed with the key of one of them",
                    "the same name, another key",
                    trust(advice),
                )
            }
            Self::Expired(times) => {
                let compared =
                    format!("the expiry of the certificate at {at} and this machine's clock");
                let (now, bound) = format_times(*times);
                Diagnosis::new(compared, format!("valid until after {now}"), bound, renew())
            }
            Self::NotYetValid(times) => {
                let compared = format!(
                    "the start of the validity of the certificate at {at} and this machine's clock"
                );
                let (now, bound) = format_times(*times);
                Diagnosis::new(compared, format!("valid from before {now}"), bound, renew())
            }
            Self::NameMismatch(names) => {
                let compared = format!(
                    "the host of `{}` and the names in the certificate",
                    endpoint.names.name(endpoint.setting)
                );
                let advice = "use one of those names, or add this one to the certificate (development CA: `tls.dev_cert_names` of C)";
                let found =
                    if names.is_empty() { "other names".to_owned() } else { format_names(names) };
                Diagnosis::new(
                    compared,
                    host(url),
                    found,
                    endpoint.names.change(endpoint.setting, advice),
                )
            }
            Self::Other(reason) => Diagnosis::new(
                compared,
                "a valid certificate",
                reason,
                trust("use another certificate, or another authority"),
            ),
        }
    }
}

/// Returns the names without the type that rustls writes around each: `DnsName("localhost")`.
fn format_names(names: &[String]) -> String {
    let bare = |name: &String| {
        name.split_once('(')
            .map_or(name.clone(), |(_, rest)| rest.trim_end_matches(')').replace('"', ""))
    };
    names.iter().map(bare).collect::<Vec<_>>().join(", ")
}

fn format_times(times: Option<Times>) -> (String, String) {
    let date = |seconds| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    times.map_or_else(
        || ("now".to_owned(), "another time".to_owned()),
        |Times { now, bound }| (date(now), date(bound)),
    )
}
