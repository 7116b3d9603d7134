use std::{net::SocketAddr, path::Path, time::Duration};

use clock::Clock;
use flow_events::Party;
use oauth_http::{HttpResponse, HttpTransport};
use reqwest::{Client, RequestBuilder, header, redirect::Policy};
use service_kit::{
    HttpClientError, HttpClientSettings, http_client, http_client_with_optional_roots,
};
use url::Url;

use crate::{
    connect_error::{ConnectError, classify},
    pinned_certificate::client_config,
};

/// Time limit of one request.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Longer response bodies are dropped. None that the checks need is this long.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Sends the requests of the checks, with the server's own HTTP settings but a shorter timeout.
#[derive(Clone, Debug)]
pub struct HttpProbe {
    transport: HttpTransport,
    pub(crate) clock: Clock,
}

/// A response of any status.
#[derive(Clone, Debug)]
pub(crate) struct ProbeResponse {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) is_html: bool,
    pub(crate) body: Vec<u8>,
    /// The server's time from the `Date` header, in seconds since 1970.
    pub(crate) date: Option<i64>,
    /// Our time before the request and after the response, in microseconds since 1970.
    pub(crate) between: [i64; 2],
}

impl HttpProbe {
    /// Creates a probe with these settings and a timeout of at most 3 seconds.
    ///
    /// # Errors
    /// Returns an error if the certificate authorities cannot be loaded.
    pub fn new(settings: &HttpClientSettings, clock: &Clock) -> Result<Self, HttpClientError> {
        Ok(Self::with_client(http_client(&quick(settings))?, clock))
    }

    /// Creates a probe for a server that can work without outbound https; see
    /// [`http_client_with_optional_roots`].
    ///
    /// # Errors
    /// Returns an error if `ca_file` is set and cannot be used.
    pub fn with_optional_roots(
        settings: &HttpClientSettings,
        clock: &Clock,
    ) -> Result<Self, HttpClientError> {
        Ok(Self::with_client(http_client_with_optional_roots(&quick(settings))?, clock))
    }

    /// Creates a probe for servers on this machine, which does not verify certificates: they are
    /// issued for the public name. Requests with it carry no secrets.
    ///
    /// # Errors
    /// Returns an error if TLS cannot be initialized.
    pub fn loopback(clock: &Clock) -> reqwest::Result<Self> {
        let builder =
            Client::builder().tls_danger_accept_invalid_certs(true).timeout(TIMEOUT).no_proxy();
        Ok(Self::with_client(builder.redirect(Policy::none()).build()?, clock))
    }

    /// Creates a probe for the TLS listener of this server: it resolves `host` to `address`, and
    /// trusts the certificate in `file` for that host, whatever authority has issued it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or TLS cannot be initialized.
    pub fn of_certificate(
        file: &Path,
        host: &str,
        address: SocketAddr,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let builder = Client::builder()
            .tls_backend_preconfigured(client_config(file)?)
            .resolve(host, address)
            .timeout(TIMEOUT)
            .no_proxy();
        Ok(Self::with_client(builder.redirect(Policy::none()).build()?, clock))
    }

    /// The doctor runs outside of any flow, so that the party of the events does not matter.
    fn with_client(client: Client, clock: &Clock) -> Self {
        let transport = HttpTransport::new(client, Party::AuthorizationServer, MAX_BODY_BYTES);
        Self { transport, clock: clock.clone() }
    }

    /// Returns whether the server at this URL has a certificate that this probe does not trust.
    pub async fn rejects_certificate(&self, url: &str) -> bool {
        self.get(url).await.is_err_and(|error| error.is_untrusted_certificate())
    }

    pub(crate) async fn get(&self, url: &str) -> Result<ProbeResponse, ConnectError> {
        let url = Url::parse(url).map_err(|_| ConnectError::Other("not a URL".to_owned()))?;
        self.send(&url, self.transport.client().get(url.clone())).await
    }

    /// Sends a form, with an `Authorization` header if there is one.
    pub(crate) async fn post(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        authorization: Option<&str>,
    ) -> Result<ProbeResponse, ConnectError> {
        let request = self
            .transport
            .client()
            .post(url.clone())
            .header(header::ACCEPT, "application/json")
            .form(form);
        let request = match authorization {
            Some(value) => request.header(header::AUTHORIZATION, value),
            None => request,
        };
        self.send(url, request).await
    }

    async fn send(
        &self,
        url: &Url,
        request: RequestBuilder,
    ) -> Result<ProbeResponse, ConnectError> {
        let before = self.clock.micros();
        match self.transport.send(request, |_| Vec::new(), |_| Vec::new()).await {
            Ok(response) => Ok(probe_response(&response, [before, self.clock.micros()])),
            Err(error) => Err(classify(url, &error.into_inner()).await),
        }
    }
}

fn probe_response(response: &HttpResponse, between: [i64; 2]) -> ProbeResponse {
    let header =
        |name: header::HeaderName| response.headers.get(name).and_then(|value| value.to_str().ok());
    ProbeResponse {
        status: response.status.as_u16(),
        location: header(header::LOCATION).map(str::to_owned),
        is_html: header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")),
        body: response.bytes().to_vec(),
        date: server_time(header(header::DATE), header(header::AGE)),
        between,
    }
}

/// Returns the server's time. A cache keeps the original `Date` and adds the age of the response in
/// `Age` (RFC 9111 §5.1).
fn server_time(date: Option<&str>, age: Option<&str>) -> Option<i64> {
    let date = httpdate::parse_http_date(date?).ok()?;
    let seconds = i64::try_from(date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let age = age.and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    Some(seconds.saturating_add(age))
}

/// Returns the settings with the time limit of a check.
fn quick(settings: &HttpClientSettings) -> HttpClientSettings {
    let mut settings = settings.clone();
    settings.timeout = settings.timeout.min(TIMEOUT);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_of_a_cached_response_is_added_to_its_date() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(server_time(Some(date), None), Some(784_111_777));
        assert_eq!(server_time(Some(date), Some("60")), Some(784_111_837));
        assert_eq!(
            (server_time(None, Some("60")), server_time(Some("yesterday"), None)),
            (None, None)
        );
    }
}
