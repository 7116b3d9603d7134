use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, Uri, header::CONTENT_TYPE, request::Parts},
};
use flow_events::{Event, Field, emit};
use oauth_types::{Form, FormError};

use super::{ClientAddress, Failure, Presented, REQUEST_RULE, presented};
use crate::{
    domain::{AuditRecord, Client},
    state::App,
};

/// A form request as it came: nothing in it is known to be true.
pub struct FormRequest {
    pub form: Form,
    /// When the pass is to expire, where a test control lets the caller choose.
    pub expires_in: Option<i64>,
    uri: Uri,
    headers: HeaderMap,
}

impl FormRequest {
    /// A request that came in another shape, and says the same.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let form =
            Form::from_pairs(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Self { form, expires_in: None, uri: Uri::default(), headers: HeaderMap::new() }
    }

    /// The client's credentials, wherever they stand.
    pub fn presented(&self) -> Result<Presented, Failure> {
        presented(&self.uri, &self.headers, &self.form)
    }

    /// The client, once it has proved who it is. Its name stands in the record from here on,
    /// whether it has or not.
    pub async fn client(
        &self,
        app: &App,
        address: ClientAddress,
        record: &mut AuditRecord,
    ) -> Result<Arc<Client>, Failure> {
        let presented = self.presented()?;
        let registry = app.registry.current();
        record.client_id = Some(registry.loggable_client_id(&presented.client_id));
        Ok(app.clients.authenticate(&presented, address.0, &registry, app.clock.millis()).await?)
    }

    /// A parameter that has to be there.
    pub fn required(&self, name: &'static str, rule: &str) -> Result<&str, Failure> {
        required(&self.form, name, rule)
    }
}

/// A parameter that has to be there.
pub fn required<'a>(form: &'a Form, name: &'static str, rule: &str) -> Result<&'a str, Failure> {
    form.get(name).ok_or_else(|| {
        let meant =
            form.closest_parameter(name).map(|sent| format!("; {sent} was sent: is that it?"));
        Failure::invalid_request(format!("{name} is missing{}", meant.unwrap_or_default()), rule)
            .at(name)
    })
}

impl FromRequest<App> for FormRequest {
    type Rejection = Failure;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Failure> {
        refuse_other_types(request.headers())?;
        let (Parts { uri, headers, extensions, .. }, body) = request.into_parts();
        let mut rest = Request::new(body);
        // The limit of the body is there.
        *rest.extensions_mut() = extensions;
        let body = read(rest).await?;
        emit(|| Event::FormReceived { fields: Field::parameters(&body) });
        let form = Form::parse(&body)?;
        Ok(Self { form, expires_in: None, uri, headers })
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
        refuse_other_types(request.headers())?;
        let bytes = read(request).await?;
        // It becomes a part of a URL: what is not encoded as it should be could become something
        // else.
        let encoded = bytes.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#');
        if !encoded {
            return Err(FormError::Malformed.into());
        }
        Ok(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// As long as the setting `limits.max_body_bytes` allows.
pub(super) async fn read(request: Request) -> Result<Bytes, Failure> {
    Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::body_too_long(),
        _ => Failure::invalid_request("the body broke off", REQUEST_RULE).at("the body"),
    })
}

fn refuse_other_types(headers: &HeaderMap) -> Result<(), Failure> {
    let refused = |reason: String| {
        Failure::invalid_request(reason, "https://www.rfc-editor.org/rfc/rfc6749#appendix-B")
    };
    let mut sent = headers.get_all(CONTENT_TYPE).iter();
    let first = sent.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = first.split(';').next().unwrap_or_default().trim();
    let found = if essence.is_empty() { "nothing" } else { essence };
    if sent.next().is_some() {
        return Err(
            refused("there is more than one Content-Type header".to_owned()).at("Content-Type")
        );
    }
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let reason = format!("the Content-Type is {found}; send application/x-www-form-urlencoded");
        return Err(refused(reason).at("Content-Type"));
    }
    Ok(())
}
