use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{FromRequest, Request, State},
    http::{HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use oauth_types::{
    AccessToken, AccessTokenClaims, Claims, ErrorCode, Form, OAuthError, StandardClaims,
    bearer::{self, Challenge},
};
use serde::Serialize;

use super::{UserInfoContext, UserInfoError, userinfo_user};
use crate::{
    domain::{
        Algorithm, ClaimContext, ClaimTarget, Client, User, UserGrant, releasable_claims,
        released_claims,
    },
    http::{ApiError, FormBody, NO_STORE},
    keys::{KeyError, sign_jwt},
};

const REALM: &str = "gatepass";
const TOKEN_RULE: &str = "https://www.rfc-editor.org/rfc/rfc6750#section-2";
const ERROR_RULE: &str = "https://www.rfc-editor.org/rfc/rfc6750#section-3.1";

/// Claims about the user (OpenID Connect Core §5.3.2).
#[derive(Debug, Serialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    claims: StandardClaims,
    /// Claims that the operator defines.
    #[serde(flatten)]
    custom: Claims,
}

/// `GET` and `POST /userinfo` (OpenID Connect Core §5.3): returns the user's claims that the
/// token's scope includes.
pub async fn userinfo(
    State(context): State<Arc<UserInfoContext>>,
    request: Request,
) -> Result<Response, UserInfoRejection> {
    if let Some(token) = in_query(&context, &request) {
        let (_, info) = user_info(&context, &token).await?;
        let document = Document { avatar: info.claims.picture.clone(), info };
        return Ok((NO_STORE, Json(document)).into_response());
    }
    let token = token(request).await?;
    let (client, user_info) = user_info(&context, &token).await?;
    match signed_for(&client) {
        Some(algorithm) => Ok(signed(&context, algorithm, &client.client_id, &user_info).await?),
        None => Ok((NO_STORE, Json(user_info)).into_response()),
    }
}

/// Returns the claims that an access token releases, with its client.
async fn user_info(
    context: &UserInfoContext,
    token: &AccessToken,
) -> Result<(Arc<Client>, UserInfo), UserInfoRejection> {
    let (user, token, grant) = userinfo_user(context, token).await?;
    let client = client_of(context, &token).await?;
    let claims = standard_claims(&client, &user, &token, &grant);
    let custom = custom_claims(context, &client, &user, &token, &grant);
    Ok((client, UserInfo { claims, custom, sub: token.sub }))
}

/// Returns the client of the token. Its metadata document is fetched if it is not cached: otherwise
/// the claims would depend on which server responds.
async fn client_of(
    context: &UserInfoContext,
    token: &AccessTokenClaims,
) -> Result<Arc<Client>, UserInfoRejection> {
    let found = context.clients.find_existing(&token.client_id, None).await;
    found
        .map_err(ApiError::from)?
        .ok_or_else(|| UserInfoError::InvalidToken("its client no longer exists").into())
}

fn standard_claims(
    client: &Client,
    user: &User,
    token: &AccessTokenClaims,
    grant: &UserGrant,
) -> StandardClaims {
    let requested = grant.claims.narrowed_to(client);
    released_claims(&user.claims, &token.scope, &requested.userinfo)
}

fn custom_claims(
    context: &UserInfoContext,
    client: &Client,
    user: &User,
    token: &AccessTokenClaims,
    grant: &UserGrant,
) -> Claims {
    let registry = context.clients.registry.current();
    registry.claims().values(&ClaimContext {
        target: ClaimTarget::Userinfo,
        client,
        user: Some(user),
        consented: &releasable_claims(&registry, grant),
        scope: &token.scope,
        audience: None,
    })
}

fn signed_for(client: &Client) -> Option<Algorithm> {
    client.login.as_ref()?.userinfo_signed_response_alg
}

/// Returns the claims as a signed JWT with `iss` and `aud`, for clients that registered for it
/// (OpenID Connect Core §5.3.2).
async fn signed(
    context: &UserInfoContext,
    algorithm: Algorithm,
    client_id: &str,
    info: &UserInfo,
) -> Result<Response, ApiError> {
    context.keys.await_signing_key(algorithm).await?;
    let ring = context.keys.ring();
    let signed_claims = SignedUserInfo { iss: &context.issuer, aud: client_id, info };
    let jwt = sign_jwt("JWT", &signed_claims, ring.signing_key(algorithm).ok_or(KeyError)?)?;
    Ok((NO_STORE, [(header::CONTENT_TYPE, "application/jwt")], jwt).into_response())
}

#[derive(Serialize)]
struct SignedUserInfo<'a> {
    iss: &'a str,
    aud: &'a str,
    #[serde(flatten)]
    info: &'a UserInfo,
}

/// Returns the access token of the query string, if the settings allow it. Off by default, because
/// URLs are logged (RFC 6750 §5.3).
fn in_query(context: &UserInfoContext, request: &Request) -> Option<AccessToken> {
    let query = request.uri().query().filter(|_| context.token_in_query)?;
    Form::parse(query.as_bytes()).ok()?.get("access_token").map(AccessToken::new)
}

/// Response to a request with the token in the query: repeats `picture` as `avatar`.
#[derive(Debug, Serialize)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(flatten)]
    info: UserInfo,
}

/// Extracts the access token from the `Authorization` header or the form body. Rejects requests
/// that use both (RFC 6750 §2).
async fn token(request: Request<Body>) -> Result<AccessToken, UserInfoRejection> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION).iter();
    let in_header = headers.next().and_then(|value| bearer::parse(value.as_bytes()));
    if headers.next().is_some() {
        return Err(UserInfoRejection::request("more than one Authorization header was sent"));
    }
    let in_form = match request.method() {
        &Method::POST if request.headers().contains_key(header::CONTENT_TYPE) => {
            let form =
                FormBody::from_request(request, &()).await.map_err(UserInfoRejection::Failed)?.0;
            form.get("access_token").map(AccessToken::new)
        }
        _ => None,
    };
    match (in_header, in_form) {
        (Some(_), Some(_)) => Err(UserInfoRejection::request(
            "the access token is in the header and in the body: use one of them",
        )),
        (Some(Ok(token)), None) | (None, Some(token)) => Ok(token),
        (Some(Err(malformed)), None) => Err(UserInfoRejection::request(malformed.to_string())),
        (None, None) => Err(UserInfoRejection::NoToken),
    }
}

/// Why a userinfo request was rejected.
#[derive(Debug)]
pub enum UserInfoRejection {
    /// No access token was sent. The challenge contains no error code (RFC 6750 §3.1).
    NoToken,
    OAuth(StatusCode, OAuthError),
    Failed(ApiError),
}

impl UserInfoRejection {
    fn request(reason: impl AsRef<str>) -> Self {
        Self::OAuth(
            StatusCode::BAD_REQUEST,
            OAuthError::new(ErrorCode::InvalidRequest, reason).with_error_uri(TOKEN_RULE),
        )
    }
}

impl From<UserInfoError> for UserInfoRejection {
    fn from(why: UserInfoError) -> Self {
        let (status, code) = match why {
            UserInfoError::Store(error) => return Self::Failed(error.into()),
            UserInfoError::InsufficientScope => {
                (StatusCode::FORBIDDEN, ErrorCode::InsufficientScope)
            }
            UserInfoError::InvalidToken(_) => (StatusCode::UNAUTHORIZED, ErrorCode::InvalidToken),
        };
        Self::OAuth(status, OAuthError::new(code, why.to_string()).with_error_uri(ERROR_RULE))
    }
}

impl From<ApiError> for UserInfoRejection {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for UserInfoRejection {
    fn into_response(self) -> Response {
        match self {
            Self::NoToken => {
                (StatusCode::UNAUTHORIZED, NO_STORE, challenge(&Challenge::new(REALM)))
                    .into_response()
            }
            Self::OAuth(status, error) => {
                let description = error.error_description.clone().unwrap_or_default();
                let www_authenticate =
                    challenge(&Challenge::new(REALM).error(error.error.as_str(), &description));
                (status, NO_STORE, www_authenticate, Json(error)).into_response()
            }
            Self::Failed(error) => error.into_response(),
        }
    }
}

fn challenge(challenge: &Challenge) -> [(HeaderName, String); 1] {
    [(header::WWW_AUTHENTICATE, challenge.to_string())]
}
