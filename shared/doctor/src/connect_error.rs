use std::{error::Error, io, time::Duration};

use tokio::{net::lookup_host, time::timeout};
use url::Url;

use crate::{
    certificate_error::Distrust,
    diagnosis::{Diagnosis, SettingNames},
};

/// A resolver that takes longer is as good as none.
const LOOKUP_LIMIT: Duration = Duration::from_secs(1);

/// Why there was no answer.
#[derive(Clone, Debug)]
pub(crate) enum ConnectError {
    TimedOut,
    Refused,
    /// The name of the host means nothing here.
    UnknownHost,
    /// TLS, but with a certificate that is not believed.
    Distrusted(Distrust),
    /// Something answers, and it is not TLS.
    NotTls,
    /// Something answers, and it is not HTTP.
    NotHttp,
    /// In the words of the library that met it.
    Other(String),
}

/// Which settings have led to where nobody answered.
pub(crate) struct Way<'a> {
    pub(crate) names: &'a SettingNames,
    /// The setting with the address.
    pub(crate) setting: &'a str,
    /// What to do about an address where nobody is.
    pub(crate) advice: String,
}

impl ConnectError {
    /// In a few words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::TimedOut => "no answer in time".to_owned(),
            Self::Refused => "connection refused: nobody listens there".to_owned(),
            Self::UnknownHost => "the host's name is not known here".to_owned(),
            Self::Distrusted(distrust) => distrust.words().to_owned(),
            Self::NotTls => "what answers there does not speak TLS".to_owned(),
            Self::NotHttp => "what answers there does not speak plain http".to_owned(),
            Self::Other(words) => words.clone(),
        }
    }

    /// Somebody is there, and only we do not believe who.
    pub(crate) fn is_somebody(&self) -> bool {
        matches!(self, Self::Distrusted(_))
    }

    pub(crate) fn finding(&self, url: &str, way: &Way<'_>) -> Diagnosis {
        let Way { names, setting, advice } = way;
        let compared =
            format!("the setting `{}` and what answers at {}", names.name(setting), bare(url));
        let change = |advice: String| names.change(setting, advice);
        match self {
            Self::Distrusted(distrust) => distrust.finding(url, way),
            Self::NotTls => {
                let advice = "write http, or the port at which TLS is served".to_owned();
                Diagnosis::new(compared, "https", "plain http, or something else", change(advice))
            }
            Self::NotHttp => {
                let advice = "write https, or the port at which plain http is served".to_owned();
                Diagnosis::new(
                    compared,
                    "plain http",
                    "something else, perhaps TLS",
                    change(advice),
                )
            }
            Self::UnknownHost => {
                let found = format!("no address for `{}`", host(url));
                Diagnosis::new(compared, "a host that is known here", found, change(advice.clone()))
            }
            Self::TimedOut | Self::Refused | Self::Other(_) => {
                Diagnosis::new(compared, "an answer", self.words(), change(advice.clone()))
            }
        }
    }
}

/// An address without what may be private in it.
pub(crate) fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

pub(crate) fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// What the chain of errors says, by its types. What it says in words is shown only if no type is
/// known.
pub(crate) async fn why_none(url: &Url, error: &reqwest::Error) -> ConnectError {
    if let Some(tls) = find::<rustls::Error>(error) {
        return match tls {
            rustls::Error::InvalidCertificate(reason) => {
                ConnectError::Distrusted(Distrust::of(reason))
            }
            rustls::Error::InvalidMessage(_) => ConnectError::NotTls,
            other => ConnectError::Other(other.to_string()),
        };
    }
    if find::<io::Error>(error)
        .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        return ConnectError::Refused;
    }
    if error.is_connect() && !is_known(url).await {
        return ConnectError::UnknownHost;
    }
    if error.is_timeout() {
        return ConnectError::TimedOut;
    }
    if url.scheme() == "http" && !error.is_connect() {
        return ConnectError::NotHttp;
    }
    ConnectError::Other(innermost(error))
}

async fn is_known(url: &Url) -> bool {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    timeout(LOOKUP_LIMIT, lookup_host((host, port)))
        .await
        .is_ok_and(|found| found.is_ok_and(|mut all| all.next().is_some()))
}

/// An `io::Error` hides the error that it wraps from `source`, and TLS errors come wrapped.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
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

fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    // The outermost one alone names the URL.
    if std::ptr::addr_eq(innermost, error) {
        "the call failed".to_owned()
    } else {
        innermost.to_string()
    }
}
