//! Emulates WeChat's login API, so that a team can develop against it without WeChat: its paths,
//! parameters and JSON, and its errors with status 200. Disabled by default and rejected in
//! production, because secrets and tokens appear in URLs.

use crate::oauth::token::TokenContext;
use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use form_urlencoded::Serializer;
use oauth_types::{AccessToken, AccessTokenClaims, ErrorCode, Form, TokenResponse};
use serde::Serialize;
use serde_json::{Map, Value, json};
use service_kit::RequestBody;
use std::sync::Arc;

use crate::http::ClientRequest;
use crate::{
    http::{ApiError, ClientAddress, NO_STORE},
    oauth::token::handle_token_request,
    oidc::{UserInfoContext, UserInfoError, userinfo_user},
};

/// Marks an authorization request whose token request does not repeat the redirect URI, because
/// WeChat's API has no such parameter.
const MARK: (&str, &str) = ("dialect", "wechat");

/// `GET /connect/oauth2/authorize` and `/connect/qrconnect`: translates WeChat's parameters and
/// redirects to `/oauth/authorize`.
pub async fn authorize(RawQuery(query): RawQuery) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let mut standard = Serializer::new(String::new());
    standard.append_pair(MARK.0, MARK.1);
    for (name, value) in form.pairs() {
        match name {
            "appid" => standard.append_pair("client_id", value),
            "scope" => standard.append_pair("scope", scope(value)),
            other => standard.append_pair(other, value),
        };
    }
    Redirect::to(&format!("/oauth/authorize?{}", standard.finish())).into_response()
}

/// Translates a WeChat scope to OpenID Connect scopes.
fn scope(wechat: &str) -> &str {
    match wechat {
        "snsapi_base" => "openid",
        "snsapi_userinfo" | "snsapi_login" => "openid profile",
        other => other,
    }
}

/// `GET /sns/oauth2/access_token?appid=…&secret=…&code=…&grant_type=authorization_code`
pub async fn access_token(
    State(context): State<Arc<TokenContext>>,
    State(user_info): State<Arc<UserInfoContext>>,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let request = standard(
        query,
        [
            ("grant_type", "grant_type"),
            ("client_id", "appid"),
            ("client_secret", "secret"),
            ("code", "code"),
        ],
    );
    answer(&user_info, handle_token_request(&context, address, Ok(request)).await).await
}

/// `GET /sns/oauth2/refresh_token?appid=…&grant_type=refresh_token&refresh_token=…`. WeChat
/// requires no secret here; C requires it from confidential clients.
pub async fn refresh_token(
    State(context): State<Arc<TokenContext>>,
    State(user_info): State<Arc<UserInfoContext>>,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let request = standard(
        query,
        [
            ("grant_type", "grant_type"),
            ("client_id", "appid"),
            ("client_secret", "secret"),
            ("refresh_token", "refresh_token"),
        ],
    );
    answer(&user_info, handle_token_request(&context, address, Ok(request)).await).await
}

/// Translates WeChat's parameters to a standard token request.
fn standard<const N: usize>(
    query: Option<String>,
    names: [(&'static str, &str); N],
) -> ClientRequest {
    let form = parse_query(query);
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
        let refusal = ApiError::invalid_request(
            "the body is not a JSON object",
            "https://www.rfc-editor.org/rfc/rfc8259",
        );
        return refusal.into_response();
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
        Ok(answer) => (NO_STORE, Json(answer)).into_response(),
        Err(failure) => failure.into_response(),
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

async fn answer(context: &UserInfoContext, issued: Result<TokenResponse, ApiError>) -> Response {
    let issued = match issued {
        Ok(issued) => issued,
        Err(failure) => {
            return wechat_error(
                wechat_error_code(failure.error.error),
                &failure.error.to_string(),
            );
        }
    };
    let Ok((user, AccessTokenClaims { scope, .. })) =
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
        openid: &user.sub,
        unionid: &user.sub,
        scope: if scope.contains("profile") { "snsapi_userinfo" } else { "snsapi_base" },
    };
    (NO_STORE, Json(token)).into_response()
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
    let (user, AccessTokenClaims { scope, .. }) = match found {
        Ok(found) => found,
        Err(UserInfoError::Store(_)) => return wechat_error(-1, "system error"),
        Err(_) => {
            return wechat_error(
                40_001,
                "invalid credential, access_token is invalid or not latest",
            );
        }
    };
    if user.sub != openid {
        return wechat_error(40_003, "invalid openid");
    }
    let claims = user.claims.for_scope(&scope);
    let sex = match claims.gender.as_deref() {
        Some("male") => 1,
        Some("female") => 2,
        _ => 0,
    };
    let profile = json!({
        "openid": user.sub,
        "unionid": user.sub,
        "nickname": claims.nickname.unwrap_or_default(),
        "sex": sex,
        "province": "",
        "city": "",
        "country": "",
        "headimgurl": claims.picture.unwrap_or_default(),
        "privilege": [],
    });
    (NO_STORE, Json(profile)).into_response()
}

/// Parses the query. A malformed query counts as empty and leads to WeChat's error for a missing
/// parameter.
fn parse_query(query: Option<String>) -> Form {
    Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default()
}

/// Returns an error as WeChat does: in the body, with status 200.
fn wechat_error(errcode: i64, errmsg: &str) -> Response {
    (NO_STORE, Json(json!({ "errcode": errcode, "errmsg": errmsg }))).into_response()
}

fn wechat_error_code(error: ErrorCode) -> i64 {
    match error {
        ErrorCode::InvalidGrant => 40_029,
        ErrorCode::InvalidClient => 40_125,
        ErrorCode::UnsupportedGrantType => 40_002,
        ErrorCode::TemporarilyUnavailable => 45_011,
        ErrorCode::ServerError => -1,
        _ => 41_008,
    }
}
