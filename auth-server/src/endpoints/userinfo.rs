use axum::{
    Json,
    body::Body,
    extract::{FromRequest, Request, State},
    http::{HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use claims::{
    AccessToken, ErrorCode, OAuthError, StandardClaims,
    bearer::{self, Challenge},
};
use serde::Serialize;

use super::read_form::FormRequest;
use crate::{
    app::App,
    failure::{Failure, NO_STORE},
};

const REALM: &str = "gatepass";
const TOKEN_RULE: &str = "https://www.rfc-editor.org/rfc/rfc6750#section-2";
const ERROR_RULE: &str = "https://www.rfc-editor.org/rfc/rfc6750#section-3.1";

/// What a client is told of the user (OpenID Connect Core §5.3.2).
#[derive(Debug, Serialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    claims: StandardClaims,
}

/// `GET` and `POST /userinfo` (OpenID Connect Core §5.3): who is the user, as far as the token's scope allows.
pub async fn userinfo(State(app): State<App>, request: Request) -> Result<Response, Refused> {
    let token = token(&app, request).await?;
    let claims =
        app.find(&token).await.map_err(Failure::from)?.ok_or_else(|| Refused::token("it was not issued here"))?;
    if !claims.aud.contains(&app.issuer.issuer) {
        return Err(Refused::token("it is for another resource than userinfo"));
    }
    if claims.iss != app.issuer.issuer || app.clock.seconds() >= claims.exp {
        return Err(Refused::token("it has expired"));
    }
    if app.store.is_revoked(&claims.jti).await.map_err(Failure::from)? {
        return Err(Refused::token("it was revoked"));
    }
    if !claims.scope.contains("openid") {
        return Err(Refused::scope());
    }
    let user = app.store.user(&claims.sub).await.map_err(Failure::from)?.filter(|user| user.enabled);
    let user = user.ok_or_else(|| Refused::token("its user is no longer here"))?;
    let shown = UserInfo { claims: user.claims.for_scope(&claims.scope), sub: user.sub };
    Ok((NO_STORE, Json(shown)).into_response())
}

/// In the header, or in the form of a POST; never both, and never in the URL (RFC 6750 §2).
async fn token(app: &App, request: Request<Body>) -> Result<AccessToken, Refused> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION).iter();
    let in_header = headers.next().and_then(|value| bearer::parse(value.as_bytes()));
    if headers.next().is_some() {
        return Err(Refused::request("there is more than one Authorization header"));
    }
    let in_form = match request.method() {
        &Method::POST if request.headers().contains_key(header::CONTENT_TYPE) => {
            let form = FormRequest::from_request(request, app).await.map_err(Refused::Failed)?.form;
            form.get("access_token").map(AccessToken::new)
        }
        _ => None,
    };
    match (in_header, in_form) {
        (Some(_), Some(_)) => Err(Refused::request("the token stands in the header and in the body: use one of them")),
        (Some(Ok(token)), None) | (None, Some(token)) => Ok(token),
        (Some(Err(malformed)), None) => Err(Refused::request(malformed.to_string())),
        (None, None) => Err(Refused::NoToken),
    }
}

/// Why nothing is told.
#[derive(Debug)]
pub enum Refused {
    /// No token came, so no error is told (RFC 6750 §3.1).
    NoToken,
    Told(StatusCode, OAuthError),
    Failed(Failure),
}

impl Refused {
    fn token(reason: &str) -> Self {
        let error = OAuthError::new(ErrorCode::InvalidToken, format!("the token is not good here: {reason}"));
        Self::Told(StatusCode::UNAUTHORIZED, error.see(ERROR_RULE))
    }

    fn scope() -> Self {
        let error = OAuthError::new(ErrorCode::InsufficientScope, "userinfo needs the scope openid");
        Self::Told(StatusCode::FORBIDDEN, error.see(ERROR_RULE))
    }

    fn request(reason: impl AsRef<str>) -> Self {
        Self::Told(StatusCode::BAD_REQUEST, OAuthError::new(ErrorCode::InvalidRequest, reason).see(TOKEN_RULE))
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, NO_STORE, challenge(Challenge::new(REALM))).into_response(),
            Self::Told(status, error) => {
                let description = error.error_description.clone().unwrap_or_default();
                let said = challenge(Challenge::new(REALM).error(error.error.as_str(), &description));
                (status, NO_STORE, said, Json(error)).into_response()
            }
            Self::Failed(failure) => failure.into_response(),
        }
    }
}

fn challenge(challenge: Challenge) -> [(HeaderName, String); 1] {
    [(header::WWW_AUTHENTICATE, challenge.to_string())]
}
