//! WeChat's OAuth 2.0: other names than the RFC's, no ID token, and errors in answers of status
//! 200.

use std::fmt::Display;

use clock::Clock;
use oauth_types::{AccessToken, ClientSecret, Issuer, parse_endpoint_url, printable};
use openidconnect::HttpRequest;
use serde::{Deserialize, de::DeserializeOwned};
use service_kit::http_client;
use url::Url;

use super::{CodeAnswer, LoginSecrets, Proven, ProviderFailure, Step, UserTokens, transport::Wire};
use crate::{
    accounts::{Identity, Profile},
    settings::ProviderSettings,
};

/// Codes that were used before, are too old, or were never good.
const GRANT_REFUSED: [i64; 3] = [40_029, 40_163, 42_003];

pub struct WeChatProvider {
    wire: Wire,
    issuer: String,
    appid: String,
    secret: ClientSecret,
    redirect_uri: String,
    scope: String,
    pub(super) authorization_url: Url,
    token_url: Url,
    userinfo_url: Url,
    clock: Clock,
}

/// The answer to a code. Every member may be missing: a refusal has the same status.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<AccessToken>,
    expires_in: Option<i64>,
    openid: Option<String>,
    unionid: Option<String>,
    errcode: Option<i64>,
}

#[derive(Deserialize)]
struct UserInfo {
    openid: Option<String>,
    unionid: Option<String>,
    nickname: Option<String>,
    headimgurl: Option<String>,
    errcode: Option<i64>,
}

impl WeChatProvider {
    pub(super) fn new(
        settings: &ProviderSettings,
        redirect_uri: &str,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let wrong = |setting: &str, problem: &dyn Display| {
            anyhow::anyhow!("the setting `{setting}`: {problem}")
        };
        let issuer = Issuer::new(settings.issuer.clone(), None);
        let issuer = issuer.map_err(|problem| wrong("issuer", &problem))?;
        // A page for a computer's browser shows a code to scan; inside of WeChat itself the person
        // only says yes.
        let page = if settings.scopes == "snsapi_login" {
            "/connect/qrconnect"
        } else {
            "/connect/oauth2/authorize"
        };
        let authorization_url = format!("{}{page}", issuer.identifier().trim_end_matches('/'));
        let url = |setting: &str, own: &Option<String>, default: &str| {
            parse_endpoint_url(own.as_deref().unwrap_or(default))
                .map_err(|problem| wrong(setting, &problem))
        };
        anyhow::ensure!(
            !settings.client_id.is_empty(),
            "the setting `client_id` is missing: WeChat's appid"
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
            wire: Wire { http: http_client(&settings.http())?, issuer: None },
            issuer: issuer.identifier().to_owned(),
            appid: settings.client_id.clone(),
            secret: settings.secret()?,
            redirect_uri: redirect_uri.to_owned(),
            scope: settings.scopes.clone(),
            clock: clock.clone(),
        })
    }

    /// The parameters stand in the order of WeChat's documentation, which warns of any other.
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

    /// WeChat does not name itself; whoever does is another.
    pub(super) fn answered_by(&self, iss: Option<&str>) -> Result<(), ProviderFailure> {
        match iss {
            Some(iss) if iss != self.issuer => {
                Err(ProviderFailure::MixUp("WeChat's answers have no `iss`".to_owned()))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn prove(&self, answer: &CodeAnswer) -> Result<Proven, ProviderFailure> {
        let tokens = self.exchange(&answer.code).await?;
        refused(Step::Token, tokens.errcode)?;
        let access_token =
            tokens.access_token.ok_or_else(|| missing(Step::Token, "access_token"))?;
        let openid = named(Step::Token, "openid", tokens.openid)?;
        let user = self.user_info(&access_token, &openid).await?;
        refused(Step::UserInfo, user.errcode)?;
        // A token of another person, put in place of this one's.
        if named(Step::UserInfo, "openid", user.openid)? != openid {
            return Err(ProviderFailure::Untrusted("the user info is another person's".to_owned()));
        }
        // One person has an openid in each app, and one unionid in all apps of an owner.
        let unionid = tokens.unionid.or(user.unionid).filter(|unionid| !unionid.is_empty());
        let profile =
            Profile { nickname: user.nickname, picture: user.headimgurl.map(secured), email: None };
        let identity = Identity { issuer: self.issuer.clone(), subject: unionid.unwrap_or(openid) };
        let expires_at =
            tokens.expires_in.map(|seconds| self.clock.seconds().saturating_add(seconds));
        let tokens = UserTokens { access_token, refresh_token: None, id_token: None, expires_at };
        Ok(Proven { identity, profile: profile.in_bounds(), sid: None, tokens })
    }

    async fn exchange(&self, code: &str) -> Result<TokenAnswer, ProviderFailure> {
        let query = [
            ("appid", self.appid.as_str()),
            ("secret", self.secret.expose()),
            ("code", code),
            ("grant_type", "authorization_code"),
        ];
        self.get(Step::Token, &self.token_url, &query).await
    }

    async fn user_info(
        &self,
        access_token: &AccessToken,
        openid: &str,
    ) -> Result<UserInfo, ProviderFailure> {
        let query =
            [("access_token", access_token.expose()), ("openid", openid), ("lang", "zh_CN")];
        self.get(Step::UserInfo, &self.userinfo_url, &query).await
    }

    /// The body counts, not its type: WeChat sends JSON as `text/plain`.
    async fn get<T: DeserializeOwned>(
        &self,
        step: Step,
        url: &Url,
        query: &[(&str, &str)],
    ) -> Result<T, ProviderFailure> {
        let mut url = url.clone();
        url.query_pairs_mut().extend_pairs(query);
        let unusable = |reason: String| ProviderFailure::Unusable(step, reason);
        let request = http::Request::get(url.as_str()).body(Vec::new());
        let request: HttpRequest =
            request.map_err(|_| unusable("its address cannot be asked".to_owned()))?;
        let answer = self.wire.send(request).await.map_err(|error| error.at(step))?;
        if !answer.status().is_success() {
            return Err(unusable(format!("status {}", answer.status().as_u16())));
        }
        serde_json::from_slice(answer.body())
            .map_err(|_| unusable("it is not the JSON that WeChat sends".to_owned()))
    }
}

/// An error in an answer of status 200. `errcode` 0 is none.
fn refused(step: Step, errcode: Option<i64>) -> Result<(), ProviderFailure> {
    match errcode {
        None | Some(0) => Ok(()),
        Some(code) if GRANT_REFUSED.contains(&code) => {
            Err(ProviderFailure::GrantRefused(step, format!("errcode {code}")))
        }
        Some(code) => Err(ProviderFailure::Unusable(step, format!("errcode {code}"))),
    }
}

fn named(step: Step, member: &str, value: Option<String>) -> Result<String, ProviderFailure> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| missing(step, member))
}

fn missing(step: Step, member: &str) -> ProviderFailure {
    ProviderFailure::Unusable(step, format!("`{}` is missing", printable(member)))
}

/// WeChat gives addresses of pictures in plain http, and serves the same ones over https.
fn secured(picture: String) -> String {
    match picture.strip_prefix("http://") {
        Some(rest) => format!("https://{rest}"),
        None => picture,
    }
}
