use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use reqwest::{Certificate, Client, ClientBuilder, dns::Resolve, redirect::Policy};

/// Settings of an HTTP client for calls to other servers. Create them with `default` and set the
/// fields that differ.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpClientSettings {
    /// PEM file with the only certificate authorities to trust. `None` trusts those of the system.
    pub ca_file: Option<PathBuf>,
    /// Time limit for connecting, TLS handshake included.
    pub connect_timeout: Duration,
    /// Time limit for a whole call, response body included.
    pub timeout: Duration,
    /// Resolver for host names. `None` uses that of the system.
    pub dns_resolver: Option<DnsResolver>,
    /// Whether idle connections are kept for further requests. Otherwise each request resolves the
    /// host and connects.
    pub reuse_connections: bool,
}

/// How long an idle connection is kept: half the time after which our servers close it
/// (`limits.header_timeout_seconds`, 10 by default). A request that is sent while the peer closes
/// the connection gets no response.
pub const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// A custom DNS resolver.
#[derive(Clone)]
pub struct DnsResolver(pub Arc<dyn Resolve>);

impl fmt::Debug for DnsResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DnsResolver")
    }
}

impl Default for HttpClientSettings {
    fn default() -> Self {
        Self {
            ca_file: None,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            dns_resolver: None,
            reuse_connections: true,
        }
    }
}

/// Why an HTTP client cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpClientError {
    /// The file of certificate authorities cannot be used.
    #[error(
        "cannot read the certificate authorities in {path} (setting `ca_file`): {reason}; with the development CA, start the authorization server first, which creates the file"
    )]
    CaFile {
        /// The path of the file.
        path: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// The TLS library cannot be initialized, for example because the system has no certificate
    /// authorities.
    #[error(
        "cannot initialize TLS: {0}; if this system has no certificate authorities, set `ca_file`"
    )]
    Tls(#[from] reqwest::Error),
}

/// Builds a client with timeouts. It follows no redirects, because a redirect could send a token to
/// another host, and uses no proxy.
///
/// # Errors
/// Returns an error if `ca_file` cannot be used, or if it is not set and the system has no
/// certificate authorities.
pub fn http_client(settings: &HttpClientSettings) -> Result<Client, HttpClientError> {
    let mut builder = client_builder(settings);
    if let Some(path) = &settings.ca_file {
        let unusable =
            |reason: String| HttpClientError::CaFile { path: path.display().to_string(), reason };
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let authorities =
            Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.to_string()))?;
        if authorities.is_empty() {
            return Err(unusable("it contains no certificate".to_owned()));
        }
        builder = builder.tls_certs_only(authorities);
    }
    Ok(builder.build()?)
}

/// Builds a client like [`http_client`] for a server that can work without outbound https. If
/// neither `ca_file` nor the system provides certificate authorities, every https call fails and
/// plain http works.
///
/// # Errors
/// Returns an error if `ca_file` is set and cannot be used.
pub fn http_client_with_optional_roots(
    settings: &HttpClientSettings,
) -> Result<Client, HttpClientError> {
    match http_client(settings) {
        Err(HttpClientError::Tls(reason)) if settings.ca_file.is_none() => {
            tracing::warn!(%reason, "no certificate authorities found: outbound https is disabled; set `ca_file`");
            Ok(client_builder(settings).tls_certs_only([]).build()?)
        }
        outcome => outcome,
    }
}

fn client_builder(settings: &HttpClientSettings) -> ClientBuilder {
    let mut builder = match &settings.dns_resolver {
        Some(DnsResolver(resolver)) => Client::builder().dns_resolver(Arc::clone(resolver)),
        None => Client::builder(),
    };
    if !settings.reuse_connections {
        builder = builder.pool_max_idle_per_host(0);
    }
    builder
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
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
    fn missing_or_empty_ca_file_is_named() {
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
