use std::time::Duration;

use clock::Clock;
use reqwest::{Client, RequestBuilder, Response, header, redirect::Policy};
use service_kit::{
    HttpClientError, HttpClientSettings, http_client, http_client_with_optional_roots,
};
use url::Url;

use crate::connect_error::{ConnectError, why_none};

/// So long one question may take.
const LIMIT: Duration = Duration::from_secs(3);
/// No answer that is looked at is longer.
const MAX_BODY: usize = 256 * 1024;

/// The way by which questions go out: as the service itself goes, but with less patience.
#[derive(Clone, Debug)]
pub struct HttpProbe {
    http: Client,
    pub(crate) clock: Clock,
}

/// An answer, whatever it says.
#[derive(Clone, Debug)]
pub(crate) struct ProbeResponse {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) is_html: bool,
    pub(crate) body: Vec<u8>,
    /// The other side's time, in seconds since 1970, where it was told.
    pub(crate) date: Option<i64>,
    /// Our own, in microseconds since 1970, before and after.
    pub(crate) between: [i64; 2],
}

impl HttpProbe {
    /// A way as these settings have it.
    ///
    /// # Errors
    /// When the certificate authorities cannot be read.
    pub fn new(settings: &HttpClientSettings, clock: &Clock) -> Result<Self, HttpClientError> {
        let patience =
            HttpClientSettings { timeout: settings.timeout.min(LIMIT), ..settings.clone() };
        Ok(Self { http: http_client(&patience)?, clock: clock.clone() })
    }

    /// The same for a service that can do its work without calling others.
    ///
    /// # Errors
    /// When the certificate authorities of the settings cannot be read.
    pub fn with_optional_roots(
        settings: &HttpClientSettings,
        clock: &Clock,
    ) -> Result<Self, HttpClientError> {
        let patience =
            HttpClientSettings { timeout: settings.timeout.min(LIMIT), ..settings.clone() };
        Ok(Self { http: http_client_with_optional_roots(&patience)?, clock: clock.clone() })
    }

    /// The way to the own door. It leads over loopback and shows no secret, so it need not find out
    /// who answers; the certificate is for the name that others know.
    ///
    /// # Errors
    /// When TLS cannot be prepared.
    pub fn loopback(clock: &Clock) -> reqwest::Result<Self> {
        let builder =
            Client::builder().tls_danger_accept_invalid_certs(true).timeout(LIMIT).no_proxy();
        Ok(Self { http: builder.redirect(Policy::none()).build()?, clock: clock.clone() })
    }

    pub(crate) async fn get(&self, url: &str) -> Result<ProbeResponse, ConnectError> {
        let url = Url::parse(url).map_err(|_| ConnectError::Other("it is no URL".to_owned()))?;
        self.send(&url, self.http.get(url.clone())).await
    }

    /// Send a form, with the `Authorization` header where there is one.
    pub(crate) async fn post(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        authorization: Option<&str>,
    ) -> Result<ProbeResponse, ConnectError> {
        let request =
            self.http.post(url.clone()).header(header::ACCEPT, "application/json").form(form);
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
        let reply = async {
            let response = request.send().await?;
            read(response, before, &self.clock).await
        };
        match reply.await {
            Ok(reply) => Ok(reply),
            Err(error) => Err(why_none(url, &error).await),
        }
    }
}

async fn read(
    mut response: Response,
    before: i64,
    clock: &Clock,
) -> reqwest::Result<ProbeResponse> {
    let header = |name: header::HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok())
    };
    let mut reply = ProbeResponse {
        status: response.status().as_u16(),
        location: header(header::LOCATION).map(str::to_owned),
        is_html: header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")),
        body: Vec::new(),
        date: told_time(header(header::DATE), header(header::AGE)),
        between: [before, clock.micros()],
    };
    while let Some(chunk) = response.chunk().await? {
        // What is cut off is no JSON any more, and is told so.
        if reply.body.len() + chunk.len() > MAX_BODY {
            break;
        }
        reply.body.extend_from_slice(&chunk);
    }
    Ok(reply)
}

/// A cache keeps the `Date` of the answer that it kept, and says in `Age` how old that is (RFC 9111
/// §5.1).
fn told_time(date: Option<&str>, age: Option<&str>) -> Option<i64> {
    let date = httpdate::parse_http_date(date?).ok()?;
    let seconds = i64::try_from(date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let age = age.and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    Some(seconds.saturating_add(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_from_a_cache_is_as_late_as_its_age() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(told_time(Some(date), None), Some(784_111_777));
        assert_eq!(told_time(Some(date), Some("60")), Some(784_111_837));
        assert_eq!((told_time(None, Some("60")), told_time(Some("yesterday"), None)), (None, None));
    }
}
