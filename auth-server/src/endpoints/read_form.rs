use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, Uri, header::CONTENT_TYPE},
};
use claims::{Form, FormError};

use crate::{
    app::App,
    client_address::ClientAddress,
    client_auth::{Presented, presented},
    domain::{AuditEvent, AuditRecord, Client, Outcome},
    failure::Failure,
};

/// The largest body that a form endpoint reads: the biggest honest one is a tenth of it.
const BODY_BYTES: usize = 64 * 1024;

/// A form request as it came: nothing in it is known to be true.
pub struct FormRequest {
    pub form: Form,
    uri: Uri,
    headers: HeaderMap,
}

impl FormRequest {
    /// A request that came in another shape, and says the same.
    pub fn of_pairs(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let form = Form::of_pairs(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Self { form, uri: Uri::default(), headers: HeaderMap::new() }
    }

    /// The client's credentials, wherever they stand.
    pub fn presented(&self) -> Result<Presented, Failure> {
        presented(&self.uri, &self.headers, &self.form)
    }

    /// The client, once it has proved who it is. Who has not is written down: guesses leave a trace wherever they are made.
    pub async fn client(&self, app: &App, address: ClientAddress, event: AuditEvent) -> Result<Arc<Client>, Failure> {
        let mut record = app.audit_record(event, Outcome::Refused, address);
        let proved = self.prove(app, address, &mut record).await;
        if let Err(failure) = &proved {
            record.error = Some(failure.error.error.as_str().to_owned());
            app.record(record).await;
        }
        proved
    }

    async fn prove(&self, app: &App, address: ClientAddress, record: &mut AuditRecord) -> Result<Arc<Client>, Failure> {
        let presented = self.presented()?;
        let registry = app.registry.current();
        record.client_id = Some(registry.shown_name(&presented.client_id));
        Ok(app.clients.authenticate(&presented, address.0, &registry, app.clock.millis()).await?)
    }

    /// A parameter that has to be there.
    pub fn required(&self, name: &str, rule: &str) -> Result<&str, Failure> {
        required(&self.form, name, rule)
    }
}

/// A parameter that has to be there.
pub fn required<'a>(form: &'a Form, name: &str, rule: &str) -> Result<&'a str, Failure> {
    form.get(name).ok_or_else(|| {
        let meant = form.near_miss(name).map(|sent| format!("; {sent} was sent: is that it?"));
        Failure::invalid_request(format!("{name} is missing{}", meant.unwrap_or_default()), rule)
    })
}

impl FromRequest<App> for FormRequest {
    type Rejection = Failure;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        refuse_other_types(&parts.headers)?;
        let form = Form::parse(&read(body).await?)?;
        Ok(Self { form, uri: parts.uri, headers: parts.headers })
    }
}

/// A form that one of this server's own pages sends.
pub struct PageForm(pub Form);

impl FromRequest<App> for PageForm {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        Ok(Self(FormRequest::from_request(request, app).await?.form))
    }
}

/// A form that says what a query could say, as it was encoded.
pub struct RawForm(pub String);

impl FromRequest<App> for RawForm {
    type Rejection = Failure;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        refuse_other_types(&parts.headers)?;
        let bytes = read(body).await?;
        // It becomes a part of a URL: what is not encoded as it should be could become something else.
        let encoded = bytes.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#');
        if !encoded {
            return Err(FormError::Malformed.into());
        }
        Ok(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

async fn read(body: Body) -> Result<axum::body::Bytes, Failure> {
    to_bytes(body, BODY_BYTES).await.map_err(|_| {
        Failure::invalid_request(
            format!("the body broke off, or is longer than {BODY_BYTES} bytes"),
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.2",
        )
    })
}

fn refuse_other_types(headers: &HeaderMap) -> Result<(), Failure> {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(());
    }
    let found = if essence.is_empty() { "nothing" } else { essence };
    Err(Failure::invalid_request(
        format!("the Content-Type is {found}; send application/x-www-form-urlencoded"),
        "https://www.rfc-editor.org/rfc/rfc6749#appendix-B",
    ))
}
