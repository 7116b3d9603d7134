use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use reqwest::{Certificate, Client, ClientBuilder, dns::Resolve, redirect::Policy};

/// How a service calls others.
#[derive(Clone, Debug)]
pub struct HttpClientSettings {
    /// The only certificate authorities that are believed, as PEM. Without it, those of the system.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a whole call may take.
    pub timeout: Duration,
    /// How names become addresses, if not as the system does it.
    pub dns_resolver: Option<DnsResolver>,
}

/// A way in which names become addresses.
#[derive(Clone)]
pub struct DnsResolver(pub Arc<dyn Resolve>);

impl fmt::Debug for DnsResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of its own")
    }
}

impl Default for HttpClientSettings {
    fn default() -> Self {
        Self {
            ca_file: None,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            dns_resolver: None,
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// The certificates cannot be read.
    #[error(
        "cannot read the certificate authorities in {path} (setting `ca_file`): {reason}; with the development CA, start the authorization server first: it makes the file"
    )]
    Authorities {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The TLS library refuses.
    #[error(
        "cannot prepare TLS: {0}; set `ca_file` where the system has no certificate authorities"
    )]
    Tls(#[from] reqwest::Error),
}

/// A client with time limits and without redirects: a token must not follow a redirect to another
/// host.
///
/// # Errors
/// When the certificates cannot be read.
pub fn http_client(settings: &HttpClientSettings) -> Result<Client, HttpClientError> {
    let mut builder = careful(settings);
    if let Some(path) = &settings.ca_file {
        let refused = |reason: String| HttpClientError::Authorities {
            path: path.display().to_string(),
            reason,
        };
        let pem = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
        let authorities =
            Certificate::from_pem_bundle(&pem).map_err(|error| refused(error.to_string()))?;
        if authorities.is_empty() {
            return Err(refused("it holds no certificate".to_owned()));
        }
        builder = builder.tls_certs_only(authorities);
    }
    Ok(builder.build()?)
}

/// The same for a service that can do its work without calling others: where the system has no
/// certificate authorities, none is believed. Plain http works then, and every https call fails.
///
/// # Errors
/// When the certificates of the settings cannot be read.
pub fn http_client_with_optional_roots(
    settings: &HttpClientSettings,
) -> Result<Client, HttpClientError> {
    match http_client(settings) {
        Err(HttpClientError::Tls(reason)) if settings.ca_file.is_none() => {
            tracing::warn!(%reason, "there are no certificate authorities, so nobody is called by https; set `ca_file`");
            Ok(careful(settings).tls_certs_only([]).build()?)
        }
        outcome => outcome,
    }
}

fn careful(settings: &HttpClientSettings) -> ClientBuilder {
    let builder = match &settings.dns_resolver {
        Some(DnsResolver(resolver)) => Client::builder().dns_resolver(Arc::clone(resolver)),
        None => Client::builder(),
    };
    builder
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("gatepass/", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_empty_file_of_authorities_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        for path in [folder.path().join("missing.pem"), empty] {
            let settings =
                HttpClientSettings { ca_file: Some(path.clone()), ..HttpClientSettings::default() };
            let error = http_client(&settings).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
        }
    }
}
