use std::{error::Error, io, time::Duration};

use tokio::{net::lookup_host, time::timeout};
use url::Url;

use crate::{
    certificate_error::CertificateProblem,
    diagnosis::Diagnosis,
    endpoint_setting::{EndpointSetting, host, without_query},
};

/// Time limit of a DNS lookup.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a request got no response.
#[derive(Clone, Debug)]
pub(crate) enum ConnectError {
    TimedOut,
    /// Nothing listens on the port.
    ConnectionRefused,
    /// The host name cannot be resolved.
    UnknownHost,
    /// The server's TLS certificate is not trusted.
    UntrustedCertificate(CertificateProblem),
    /// The server does not speak TLS.
    NotTls,
    /// The server does not speak plain http.
    NotHttp,
    /// Any other error, with its message.
    Other(String),
}

impl ConnectError {
    /// Returns a short description.
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::TimedOut => "no response in time".to_owned(),
            Self::ConnectionRefused => "connection refused: nothing is listening there".to_owned(),
            Self::UnknownHost => "the host name cannot be resolved here".to_owned(),
            Self::UntrustedCertificate(problem) => problem.summary().to_owned(),
            Self::NotTls => "the server there does not speak TLS".to_owned(),
            Self::NotHttp => "the server there does not speak plain http".to_owned(),
            Self::Other(message) => message.clone(),
        }
    }

    /// Returns whether a server responded and only its certificate is not trusted.
    pub(crate) fn is_untrusted_certificate(&self) -> bool {
        matches!(self, Self::UntrustedCertificate(_))
    }

    pub(crate) fn diagnose(&self, url: &str, endpoint: &EndpointSetting<'_>) -> Diagnosis {
        let EndpointSetting { names, setting, advice } = endpoint;
        let compared = format!(
            "the setting `{}` and the server at {}",
            names.name(setting),
            without_query(url)
        );
        let change = |advice: String| names.change(setting, advice);
        match self {
            Self::UntrustedCertificate(problem) => problem.diagnose(url, endpoint),
            Self::NotTls => {
                let advice = "use http, or the port that serves TLS".to_owned();
                Diagnosis::new(compared, "https", "plain http, or another protocol", change(advice))
            }
            Self::NotHttp => {
                let advice = "use https, or the port that serves plain http".to_owned();
                Diagnosis::new(
                    compared,
                    "plain http",
                    "another protocol, perhaps TLS",
                    change(advice),
                )
            }
            Self::UnknownHost => {
                let found = format!("no address for `{}`", host(url));
                Diagnosis::new(
                    compared,
                    "a host name that can be resolved here",
                    found,
                    change(advice.clone()),
                )
            }
            Self::TimedOut | Self::ConnectionRefused | Self::Other(_) => {
                Diagnosis::new(compared, "a response", self.summary(), change(advice.clone()))
            }
        }
    }
}

/// Classifies a failed request by the types in its chain of errors. Uses an error message only if
/// no type is known.
pub(crate) async fn classify(url: &Url, error: &reqwest::Error) -> ConnectError {
    if let Some(tls) = find_source::<rustls::Error>(error) {
        return match tls {
            rustls::Error::InvalidCertificate(reason) => {
                ConnectError::UntrustedCertificate(CertificateProblem::new(reason))
            }
            rustls::Error::InvalidMessage(_) => ConnectError::NotTls,
            other => ConnectError::Other(other.to_string()),
        };
    }
    if find_source::<io::Error>(error)
        .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        return ConnectError::ConnectionRefused;
    }
    if error.is_connect() && !resolves(url).await {
        return ConnectError::UnknownHost;
    }
    if error.is_timeout() {
        return ConnectError::TimedOut;
    }
    if url.scheme() == "http" && !error.is_connect() {
        return ConnectError::NotHttp;
    }
    ConnectError::Other(root_cause(error))
}

async fn resolves(url: &Url) -> bool {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    timeout(LOOKUP_TIMEOUT, lookup_host((host, port)))
        .await
        .is_ok_and(|found| found.is_ok_and(|mut all| all.next().is_some()))
}

/// Returns the first error of type `E` in the chain. TLS errors are wrapped in an `io::Error`,
/// whose `source` skips the wrapped error.
fn find_source<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    // Only the outermost error contains the URL.
    if std::ptr::addr_eq(innermost, error) {
        "the request failed".to_owned()
    } else {
        innermost.to_string()
    }
}
