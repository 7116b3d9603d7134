//! Emulates WeChat's login API, so that a team can develop against it without WeChat: its paths,
//! parameters and JSON, and its errors with status 200. Disabled by default and rejected in
//! production, because secrets and tokens appear in URLs.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Redirect, Response},
};
use form_urlencoded::Serializer;
use oauth_types::{AccessToken, AccessTokenClaims, ErrorCode, Form, OAuthError, TokenResponse};
use serde::Serialize;
use serde_json::{Map, Value, json};
use service_kit::RequestBody;

use crate::{
    http::{ApiError, ClientAddress, ClientRequest, NO_STORE, PageContext},
    oauth::token::{TokenContext, handle_token_request},
    oidc::{UserInfoContext, UserInfoError, userinfo_user},
};

/// WeChat's error for an authorization code that is unknown, used or expired.
const INVALID_CODE: (i64, &str) = (40_029, "invalid code");
/// WeChat's error for such a refresh token.
const INVALID_REFRESH_TOKEN: (i64, &str) = (40_030, "invalid refresh_token");

const ACCESS_TOKEN_PATH: &str = "/sns/oauth2/access_token";
const REFRESH_TOKEN_PATH: &str = "/sns/oauth2/refresh_token";
const USERINFO_PATH: &str = "/sns/userinfo";

/// Marks an authorization request whose token request does not repeat the redirect URI, because
/// WeChat's API has no such parameter.
const MARK: (&str, &str) = ("dialect", "wechat");

/// `GET /connect/oauth2/authorize` and `/connect/qrconnect`: translates WeChat's parameters and
/// redirects to `/oauth/authorize`.
pub async fn authorize(
    State(page): State<Arc<PageContext>>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = standard_query(&query.unwrap_or_default());
    Redirect::to(&page.url(&format!("/oauth/authorize?{query}"))).into_response()
}

/// Translates the query of an authorization request. A malformed one becomes empty.
pub fn standard_query(wechat: &str) -> String {
    let form = Form::parse(wechat.as_bytes()).unwrap_or_default();
    let mut standard = Serializer::new(String::new());
    standard.append_pair(MARK.0, MARK.1);
    for (name, value) in form.pairs() {
        match name {
            "appid" => standard.append_pair("client_id", value),
            "scope" => standard.append_pair("scope", scope(value)),
            other => standard.append_pair(other, value),
        };
    }
    standard.finish()
}

/// Translates a WeChat scope to OpenID Connect scopes.
fn scope(wechat: &str) -> &str {
    match wechat {
        "snsapi_base" => "openid",
        "snsapi_userinfo" | "snsapi_login" => "openid profile",
        other => other,
    }
}

/// `GET` or `POST /sns/oauth2/access_token`, with `appid`, `secret`, `code` and
/// `grant_type=authorization_code`. WeChat takes the parameters from the query or from a form.
pub async fn access_token(
    State(context): State<Arc<TokenContext>>,
    State(user_info): State<Arc<UserInfoContext>>,
    address: ClientAddress,
    RawQuery(query): RawQuery,
    RequestBody(body): RequestBody,
) -> Response {
    let form = parse_parameters(query, &body);
    let required = [
        ("appid", 41_002, "appid missing"),
        ("secret", 41_004, "appsecret missing"),
        ("code", 41_008, "missing code"),
    ];
    if let Some(error) = request_error(&form, "authorization_code", &required) {
        return error;
    }
    let names = [
        ("grant_type", "grant_type"),
        ("client_id", "appid"),
        ("client_secret", "secret"),
        ("code", "code"),
    ];
    let issued = handle_token_request(&context, address, Ok(standard(&form, names))).await;
    token_response(&user_info, issued, ACCESS_TOKEN_PATH).await
}

/// `GET` or `POST /sns/oauth2/refresh_token`, with `appid`, `refresh_token` and
/// `grant_type=refresh_token`. WeChat requires no secret here; C requires it from confidential
/// clients.
pub async fn refresh_token(
    State(context): State<Arc<TokenContext>>,
    State(user_info): State<Arc<UserInfoContext>>,
    address: ClientAddress,
    RawQuery(query): RawQuery,
    RequestBody(body): RequestBody,
) -> Response {
    let form = parse_parameters(query, &body);
    let required =
        [("appid", 41_002, "appid missing"), ("refresh_token", 41_003, "refresh_token missing")];
    if let Some(error) = request_error(&form, "refresh_token", &required) {
        return error;
    }
    let names = [
        ("grant_type", "grant_type"),
        ("client_id", "appid"),
        ("client_secret", "secret"),
        ("refresh_token", "refresh_token"),
    ];
    let issued = handle_token_request(&context, address, Ok(standard(&form, names))).await;
    token_response(&user_info, issued, REFRESH_TOKEN_PATH).await
}

/// Returns WeChat's error for a missing parameter or another grant type.
fn request_error(
    form: &Form,
    grant_type: &str,
    required: &[(&str, i64, &str)],
) -> Option<Response> {
    let missing = required.iter().find(|(name, ..)| form.get(name).is_none());
    if let Some((_, errcode, errmsg)) = missing {
        return Some(wechat_error(*errcode, errmsg));
    }
    (form.get("grant_type") != Some(grant_type)).then(|| wechat_error(40_002, "invalid grant_type"))
}

/// Translates WeChat's parameters to a standard token request.
fn standard<const N: usize>(form: &Form, names: [(&'static str, &str); N]) -> ClientRequest {
    ClientRequest::from_pairs(
        names.map(|(name, wechat)| (name, form.get(wechat).unwrap_or_default().to_owned())),
    )
}

/// `POST /oauth2/token`: accepts a token request with a JSON body (non-standard). The response is
/// that of `/oauth/token`.
pub async fn json_token(
    State(context): State<Arc<TokenContext>>,
    address: ClientAddress,
    RequestBody(body): RequestBody,
) -> Response {
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        let error = ApiError::invalid_request(
            "the body is not a JSON object",
            "https://www.rfc-editor.org/rfc/rfc8259",
        );
        return error.into_response();
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let names = [
        "grant_type",
        "client_id",
        "client_secret",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "resource",
    ];
    let request = ClientRequest::from_pairs(names.map(|name| (name, text(name))));
    match handle_token_request(&context, address, Ok(request)).await {
        Ok(response) => (NO_STORE, Json(response)).into_response(),
        Err(error) => error.into_response(),
    }
}

/// WeChat's token response.
#[derive(Serialize)]
struct WechatToken<'a> {
    access_token: &'a str,
    expires_in: u64,
    refresh_token: &'a str,
    openid: &'a str,
    unionid: &'a str,
    scope: &'static str,
}

/// Renders the response of the token endpoint. `invalid_grant` is WeChat's error for the grant.
async fn token_response(
    context: &UserInfoContext,
    issued: Result<TokenResponse, ApiError>,
    path: &str,
) -> Response {
    let issued = match issued {
        Ok(issued) => issued,
        Err(error) => return error_response(&error.error, path),
    };
    // The subject of the token, which is pairwise for a client with pairwise subjects.
    let Ok((_, AccessTokenClaims { sub, scope, .. }, _)) =
        userinfo_user(context, &issued.access_token).await
    else {
        return wechat_error(40_003, "invalid openid");
    };
    let token = WechatToken {
        access_token: issued.access_token.expose(),
        expires_in: issued.expires_in.unwrap_or_default(),
        refresh_token: issued
            .refresh_token
            .as_ref()
            .map(oauth_types::RefreshToken::expose)
            .unwrap_or_default(),
        openid: &sub,
        unionid: &sub,
        scope: if scope.contains("profile") { "snsapi_userinfo" } else { "snsapi_base" },
    };
    wechat_response(&token)
}

/// `GET /sns/userinfo?access_token=…&openid=…`
pub async fn userinfo(
    State(context): State<Arc<UserInfoContext>>,
    RawQuery(query): RawQuery,
) -> Response {
    let form = parse_query(query);
    let Some(access_token) = form.get("access_token").map(AccessToken::new) else {
        return wechat_error(41_001, "access_token missing");
    };
    let Some(openid) = form.get("openid") else {
        return wechat_error(41_009, "missing openid");
    };
    let found = userinfo_user(&context, &access_token).await;
    let (user, AccessTokenClaims { sub, scope, .. }, _) = match found {
        Ok(found) => found,
        Err(error) => {
            let is_failure = matches!(error, UserInfoError::Store(_));
            let code = if is_failure { ErrorCode::ServerError } else { ErrorCode::InvalidToken };
            let (errcode, errmsg) = wechat_code(code, USERINFO_PATH);
            return wechat_error(errcode, errmsg);
        }
    };
    if sub != openid {
        return wechat_error(40_003, "invalid openid");
    }
    let claims = user.claims.for_scope(&scope);
    let sex = match claims.gender.as_deref() {
        Some("male") => 1,
        Some("female") => 2,
        _ => 0,
    };
    let profile = json!({
        "openid": sub,
        "unionid": sub,
        "nickname": claims.nickname.unwrap_or_default(),
        "sex": sex,
        "province": "",
        "city": "",
        "country": "",
        "headimgurl": claims.picture.unwrap_or_default(),
        "privilege": [],
    });
    wechat_response(&profile)
}

/// Parses the query. A malformed query counts as empty and leads to WeChat's error for a missing
/// parameter.
fn parse_query(query: Option<String>) -> Form {
    Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default()
}

/// Parses the form of a POST, or the query.
fn parse_parameters(query: Option<String>, body: &[u8]) -> Form {
    if body.is_empty() { parse_query(query) } else { Form::parse(body).unwrap_or_default() }
}

/// Returns whether WeChat's APIs are below this path. Errors of the others are standard.
pub fn is_wechat_api(path: &str) -> bool {
    path.starts_with("/sns/")
}

/// Returns the response of one of WeChat's APIs for an OAuth error.
pub fn error_response(error: &OAuthError, path: &str) -> Response {
    let (errcode, errmsg) = wechat_code(error.error, path);
    wechat_error(errcode, &format!("{errmsg}: {error}"))
}

/// Returns the error code and text of WeChat that correspond to an OAuth error.
fn wechat_code(code: ErrorCode, path: &str) -> (i64, &'static str) {
    match code {
        ErrorCode::InvalidGrant if path == REFRESH_TOKEN_PATH => INVALID_REFRESH_TOKEN,
        ErrorCode::InvalidGrant => INVALID_CODE,
        ErrorCode::InvalidToken => {
            (40_001, "invalid credential, access_token is invalid or not latest")
        }
        ErrorCode::InvalidClient => (40_125, "invalid appsecret"),
        ErrorCode::UnauthorizedClient | ErrorCode::InvalidScope => (48_001, "api unauthorized"),
        ErrorCode::TemporarilyUnavailable => (45_011, "api minute-quota reach limit"),
        ErrorCode::ServerError => (-1, "system error"),
        _ => (40_035, "invalid parameter"),
    }
}

/// Returns an error as WeChat does: in the body, with status 200.
fn wechat_error(errcode: i64, errmsg: &str) -> Response {
    wechat_response(&json!({ "errcode": errcode, "errmsg": errmsg }))
}

/// Sends JSON as WeChat does: as `text/plain` without a charset. Libraries for WeChat expect that:
/// they read the text as Latin-1 first and correct the nickname afterwards.
fn wechat_response(body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    ([(CONTENT_TYPE, "text/plain")], NO_STORE, text).into_response()
}
