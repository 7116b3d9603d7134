//! WeChat's variant of OAuth 2.0: other parameter names, no ID token, and errors with status 200.

use std::{collections::BTreeMap, fmt::Display};

use clock::Clock;
use oauth_types::{
    AccessToken, ClientSecret, Issuer, lifetime_seconds, parse_endpoint_url, printable,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use service_kit::http_client;
use url::Url;

use super::{
    AuthenticatedUser, CodeResponse, LoginSecrets, ProviderError, ProviderRequest, UserAccessToken,
    UserTokens, transport::Transport,
};
use crate::{
    accounts::{Identity, Profile},
    login_checks::bounded,
    settings::ProviderSettings,
};

/// `errcode` values for a used, expired or unknown code.
const INVALID_GRANT: [i64; 3] = [40_029, 40_163, 42_003];

/// `errcode` values for a busy system and an exceeded rate limit.
const UNAVAILABLE: [i64; 2] = [-1, 45_011];

pub struct WeChatProvider {
    transport: Transport,
    pub(super) issuer: String,
    appid: String,
    secret: ClientSecret,
    redirect_uri: String,
    scope: String,
    pub(super) authorization_url: Url,
    token_url: Url,
    userinfo_url: Url,
    clock: Clock,
}

/// Token response. Every member is optional, because error responses have the same status.
#[derive(Deserialize)]
struct TokenResponse {
    access_token: Option<AccessToken>,
    expires_in: Option<Value>,
    openid: Option<String>,
    unionid: Option<String>,
    errcode: Option<i64>,
}

#[derive(Deserialize)]
struct UserInfo {
    openid: Option<String>,
    unionid: Option<String>,
    #[serde(default, deserialize_with = "unneeded")]
    nickname: Option<String>,
    #[serde(default, deserialize_with = "unneeded")]
    headimgurl: Option<String>,
    errcode: Option<i64>,
}

/// Reads a member that a login does not need: a value of another type counts as absent.
fn unneeded<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

impl WeChatProvider {
    pub(super) fn new(
        settings: &ProviderSettings,
        redirect_uri: &str,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let invalid = |setting: &str, problem: &dyn Display| {
            anyhow::anyhow!("the setting `{setting}`: {problem}")
        };
        settings.response_mode()?;
        let issuer = Issuer::new(settings.issuer.clone(), None);
        let issuer = issuer.map_err(|problem| invalid("issuer", &problem))?;
        // In a desktop browser the page displays a QR code to scan; inside WeChat the user only
        // confirms.
        let path = if settings.scopes == "snsapi_login" {
            "/connect/qrconnect"
        } else {
            "/connect/oauth2/authorize"
        };
        let authorization_url = format!("{}{path}", issuer.identifier().trim_end_matches('/'));
        let url = |setting: &str, value: &Option<String>, default: &str| {
            parse_endpoint_url(value.as_deref().unwrap_or(default))
                .map_err(|problem| invalid(setting, &problem))
        };
        anyhow::ensure!(
            !settings.client_id.is_empty(),
            "the setting `client_id` is missing; set it to WeChat's appid"
        );
        Ok(Self {
            authorization_url: url(
                "authorization_url",
                &settings.authorization_url,
                &authorization_url,
            )?,
            token_url: url(
                "token_url",
                &settings.token_url,
                "https://api.weixin.qq.com/sns/oauth2/access_token",
            )?,
            userinfo_url: url(
                "userinfo_url",
                &settings.userinfo_url,
                "https://api.weixin.qq.com/sns/userinfo",
            )?,
            transport: Transport::new(http_client(&settings.http())?, None),
            issuer: issuer.identifier().to_owned(),
            appid: settings.client_id.clone(),
            secret: settings.secret()?,
            redirect_uri: redirect_uri.to_owned(),
            scope: settings.scopes.clone(),
            clock: clock.clone(),
        })
    }

    /// Builds the URL with the parameters in the order that WeChat's documentation demands.
    pub(super) fn authorization_url(&self, secrets: &LoginSecrets) -> Url {
        let mut url = self.authorization_url.clone();
        url.query_pairs_mut()
            .append_pair("appid", &self.appid)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", &self.scope)
            .append_pair("state", secrets.state.expose());
        url.set_fragment(Some("wechat_redirect"));
        url
    }

    /// WeChat sends no `iss`. A response with another issuer is from another provider.
    pub(super) fn check_response_issuer(&self, iss: Option<&str>) -> Result<(), ProviderError> {
        match iss {
            Some(iss) if iss != self.issuer => Err(ProviderError::MixUp(format!(
                "`iss` is {}, not WeChat's issuer identifier ({})",
                bounded(iss),
                self.issuer
            ))),
            _ => Ok(()),
        }
    }

    pub(super) async fn authenticate(
        &self,
        response: &CodeResponse,
    ) -> Result<AuthenticatedUser, ProviderError> {
        let tokens = self.redeem_code(&response.code).await?;
        check_errcode(ProviderRequest::Token, tokens.errcode)?;
        let access_token =
            tokens.access_token.ok_or_else(|| missing(ProviderRequest::Token, "access_token"))?;
        let openid = required(ProviderRequest::Token, "openid", tokens.openid)?;
        let user = self.user_info(&access_token, &openid).await?;
        check_errcode(ProviderRequest::UserInfo, user.errcode)?;
        // The token of another user was substituted.
        if required(ProviderRequest::UserInfo, "openid", user.openid)? != openid {
            return Err(ProviderError::Untrusted(
                "UserInfo: `openid` differs from that of the token response".to_owned(),
            ));
        }
        // A user has one openid per app, and one unionid for all apps of a developer.
        let unionid = tokens.unionid.or(user.unionid).filter(|unionid| !unionid.is_empty());
        let profile = Profile {
            nickname: user.nickname,
            picture: user.headimgurl.map(with_https),
            email: None,
        };
        let identity = Identity { issuer: self.issuer.clone(), subject: unionid.unwrap_or(openid) };
        let now = self.clock.seconds();
        let lifetime = tokens.expires_in.as_ref().and_then(lifetime_seconds);
        let expires_at = lifetime.map(|seconds| now.saturating_add_unsigned(seconds));
        let tokens = UserTokens {
            userinfo: UserAccessToken { access_token, expires_at },
            resources: BTreeMap::new(),
            refresh_token: None,
            id_token: None,
        };
        Ok(AuthenticatedUser { identity, profile: profile.sanitized(), sid: None, tokens })
    }

    async fn redeem_code(&self, code: &str) -> Result<TokenResponse, ProviderError> {
        let query = [
            ("appid", self.appid.as_str()),
            ("secret", self.secret.expose()),
            ("code", code),
            ("grant_type", "authorization_code"),
        ];
        self.get(ProviderRequest::Token, &self.token_url, &query).await
    }

    async fn user_info(
        &self,
        access_token: &AccessToken,
        openid: &str,
    ) -> Result<UserInfo, ProviderError> {
        let query =
            [("access_token", access_token.expose()), ("openid", openid), ("lang", "zh_CN")];
        self.get(ProviderRequest::UserInfo, &self.userinfo_url, &query).await
    }

    /// Ignores the content type, because WeChat sends JSON as `text/plain`.
    async fn get<T: DeserializeOwned>(
        &self,
        kind: ProviderRequest,
        url: &Url,
        query: &[(&str, &str)],
    ) -> Result<T, ProviderError> {
        let mut url = url.clone();
        url.query_pairs_mut().extend_pairs(query);
        let invalid = |reason: &str| ProviderError::InvalidResponse(kind, reason.to_owned());
        let response = self.transport.get(url.as_str(), None, kind).await?;
        if !response.status.is_success() {
            return Err(ProviderError::status(kind, response.status));
        }
        response.json().map_err(|_| invalid("not a JSON response of WeChat"))
    }
}

/// Detects an error response. `errcode` 0 means success.
fn check_errcode(request: ProviderRequest, errcode: Option<i64>) -> Result<(), ProviderError> {
    match errcode {
        None | Some(0) => Ok(()),
        Some(code) if INVALID_GRANT.contains(&code) => {
            Err(ProviderError::InvalidGrant(request, format!("errcode {code}")))
        }
        Some(code) if UNAVAILABLE.contains(&code) => {
            Err(ProviderError::Unavailable(request, format!("errcode {code}")))
        }
        Some(code) => Err(ProviderError::InvalidResponse(request, format!("errcode {code}"))),
    }
}

fn required(
    request: ProviderRequest,
    member: &str,
    value: Option<String>,
) -> Result<String, ProviderError> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| missing(request, member))
}

fn missing(request: ProviderRequest, member: &str) -> ProviderError {
    ProviderError::InvalidResponse(request, format!("`{}` is missing", printable(member)))
}

/// WeChat sends http URLs of pictures, and serves them over https too.
fn with_https(picture: String) -> String {
    match picture.strip_prefix("http://") {
        Some(rest) => format!("https://{rest}"),
        None => picture,
    }
}
