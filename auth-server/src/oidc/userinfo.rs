use axum::{
    Json,
    body::Body,
    extract::{FromRequest, Request, State},
    http::{HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use oauth_types::{
    AccessToken, ErrorCode, Form, OAuthError, StandardClaims,
    bearer::{self, Challenge},
};
use serde::Serialize;

use super::{NotTold, user_of};
use crate::http::FormRequest;
use crate::{
    domain::Algorithm,
    http::{Failure, NO_STORE},
    keys::{KeyError, sign_jwt},
    state::App,
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

/// `GET` and `POST /userinfo` (OpenID Connect Core §5.3): who is the user, as far as the token's
/// scope allows.
pub async fn userinfo(State(app): State<App>, request: Request) -> Result<Response, Refused> {
    if let Some(token) = in_query(&app, &request) {
        let (user, token) = user_of(&app, &token).await?;
        let claims = user.claims.for_scope(&token.scope);
        let shown =
            Document { avatar: claims.picture.clone(), info: UserInfo { claims, sub: token.sub } };
        return Ok((NO_STORE, Json(shown)).into_response());
    }
    let token = token(&app, request).await?;
    let (user, token) = user_of(&app, &token).await?;
    let shown = UserInfo { claims: user.claims.for_scope(&token.scope), sub: token.sub };
    match signed_for(&app, &token.client_id) {
        Some(algorithm) => Ok(signed(&app, algorithm, &token.client_id, &shown).await?),
        None => Ok((NO_STORE, Json(shown)).into_response()),
    }
}

fn signed_for(app: &App, client_id: &str) -> Option<Algorithm> {
    app.registry.current().client(client_id)?.login.as_ref()?.userinfo_signed_response_alg
}

/// For a client that has asked for it: what is told carries who tells it, and to whom (OpenID
/// Connect Core §5.3.2).
async fn signed(
    app: &App,
    algorithm: Algorithm,
    client_id: &str,
    info: &UserInfo,
) -> Result<Response, Failure> {
    app.keys.have(algorithm, &*app.store, app.clock.seconds()).await?;
    let ring = app.keys.ring();
    let told = SignedUserInfo { iss: &app.issuer.issuer, aud: client_id, info };
    let jwt = sign_jwt("JWT", &told, ring.of(algorithm).ok_or(KeyError)?)?;
    Ok((NO_STORE, [(header::CONTENT_TYPE, "application/jwt")], jwt).into_response())
}

#[derive(Serialize)]
struct SignedUserInfo<'a> {
    iss: &'a str,
    aud: &'a str,
    #[serde(flatten)]
    info: &'a UserInfo,
}

/// `GET /userinfo?access_token=…`, as the source document asks. Only where a setting allows it: a
/// token in a URL stands in every log on the way (RFC 6750 §5.3).
fn in_query(app: &App, request: &Request) -> Option<AccessToken> {
    let query = request.uri().query().filter(|_| app.userinfo_in_query)?;
    Form::parse(query.as_bytes()).ok()?.get("access_token").map(AccessToken::new)
}

/// The document's answer: `nickname` and `avatar`, and what else is known.
#[derive(Debug, Serialize)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(flatten)]
    info: UserInfo,
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
        (Some(_), Some(_)) => {
            Err(Refused::request("the token stands in the header and in the body: use one of them"))
        }
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
    fn request(reason: impl AsRef<str>) -> Self {
        Self::Told(
            StatusCode::BAD_REQUEST,
            OAuthError::new(ErrorCode::InvalidRequest, reason).with_error_uri(TOKEN_RULE),
        )
    }
}

impl From<NotTold> for Refused {
    fn from(why: NotTold) -> Self {
        let (status, code) = match why {
            NotTold::Store(error) => return Self::Failed(error.into()),
            NotTold::Scope => (StatusCode::FORBIDDEN, ErrorCode::InsufficientScope),
            NotTold::Void(_) => (StatusCode::UNAUTHORIZED, ErrorCode::InvalidToken),
        };
        Self::Told(status, OAuthError::new(code, why.to_string()).with_error_uri(ERROR_RULE))
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
            Self::NoToken => {
                (StatusCode::UNAUTHORIZED, NO_STORE, challenge(&Challenge::new(REALM)))
                    .into_response()
            }
            Self::Told(status, error) => {
                let description = error.error_description.clone().unwrap_or_default();
                let said =
                    challenge(&Challenge::new(REALM).error(error.error.as_str(), &description));
                (status, NO_STORE, said, Json(error)).into_response()
            }
            Self::Failed(failure) => failure.into_response(),
        }
    }
}

fn challenge(challenge: &Challenge) -> [(HeaderName, String); 1] {
    [(header::WWW_AUTHENTICATE, challenge.to_string())]
}
