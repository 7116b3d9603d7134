use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, Uri, header::CONTENT_TYPE, request::Parts},
};
use flow_events::{Event, Field, emit};
use oauth_types::{Form, FormError};
use service_kit::{has_media_type, media_type};

use super::{ApiError, REQUEST_RULE, client_credentials::parse_client_credentials};
use crate::clients::ClientCredentials;

/// Returns whether a query or form has a parameter, whose name may be percent-encoded.
pub fn has_parameter(encoded: &str, name: &str) -> bool {
    form_urlencoded::parse(encoded.as_bytes()).any(|(found, _)| found == name)
}

/// A form request with the unverified credentials of the client.
pub struct ClientRequest {
    pub form: Form,
    /// Lifetime requested by a test in seconds (`POST /test/token`).
    pub expires_in: Option<i64>,
    credentials: Result<ClientCredentials, ApiError>,
}

impl ClientRequest {
    /// Builds a request from parameters that were not sent as a form.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let form =
            Form::from_pairs(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let credentials = parse_client_credentials(&Uri::default(), &HeaderMap::new(), &form);
        Self { form, expires_in: None, credentials }
    }

    /// Returns the client credentials.
    ///
    /// # Errors
    /// Returns an error if they are missing, malformed or sent twice.
    pub fn credentials(&self) -> Result<&ClientCredentials, ApiError> {
        self.credentials.as_ref().map_err(Clone::clone)
    }

    /// Returns a required parameter.
    ///
    /// # Errors
    /// Returns `invalid_request` if it is missing.
    pub fn required(&self, name: &'static str, rule: &str) -> Result<&str, ApiError> {
        required(&self.form, name, rule)
    }
}

/// Returns a required parameter of a form, or `invalid_request`.
pub fn required<'a>(form: &'a Form, name: &'static str, rule: &str) -> Result<&'a str, ApiError> {
    form.get(name).ok_or_else(|| {
        let meant = form
            .closest_parameter(name)
            .map(|sent| format!("; {sent} was sent: did you mean {name}?"));
        ApiError::invalid_request(format!("{name} is missing{}", meant.unwrap_or_default()), rule)
            .at(name)
    })
}

impl<S: Sync> FromRequest<S> for ClientRequest {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let (Parts { uri, headers, .. }, form) = read_form(request).await?;
        let credentials = parse_client_credentials(&uri, &headers, &form);
        Ok(Self { form, expires_in: None, credentials })
    }
}

/// A form without client credentials, such as the forms of the pages.
pub struct FormBody(pub Form);

impl<S: Sync> FromRequest<S> for FormBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(read_form(request).await?.1))
    }
}

async fn read_form(request: Request) -> Result<(Parts, Form), ApiError> {
    require_form_content_type(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let mut request = Request::new(body);
    // The extensions carry the body limit.
    *request.extensions_mut() = std::mem::take(&mut parts.extensions);
    let body = read(request).await?;
    emit(|| Event::FormReceived { fields: Field::parameters(&body) });
    let form = Form::parse(&body)?;
    Ok((parts, form))
}

/// The parameters of a form in their original encoding, which is also that of a query.
pub struct RawForm(pub String);

impl<S: Sync> FromRequest<S> for RawForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        require_form_content_type(request.headers())?;
        let bytes = read(request).await?;
        // The form becomes part of a URL, so unencoded characters must not change how that URL is
        // parsed.
        let encoded = bytes.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#');
        if !encoded {
            return Err(FormError::Malformed.into());
        }
        Ok(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// Reads a body of at most `limits.max_body_bytes`.
pub(super) async fn read(request: Request) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::body_too_long(),
        _ => ApiError::invalid_request("the body ended prematurely", REQUEST_RULE).at("the body"),
    })
}

fn require_form_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let invalid = |reason: String| {
        ApiError::invalid_request(reason, "https://www.rfc-editor.org/rfc/rfc6749#appendix-B")
    };
    if headers.get_all(CONTENT_TYPE).iter().nth(1).is_some() {
        return Err(
            invalid("more than one Content-Type header was sent".to_owned()).at("Content-Type")
        );
    }
    if !has_media_type(headers, "application/x-www-form-urlencoded") {
        let found = Some(media_type(headers)).filter(|found| !found.is_empty());
        let found = found.unwrap_or("missing");
        let reason = format!("the Content-Type is {found}; send application/x-www-form-urlencoded");
        return Err(invalid(reason).at("Content-Type"));
    }
    Ok(())
}
