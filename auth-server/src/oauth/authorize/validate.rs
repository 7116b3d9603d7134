use std::sync::Arc;

use form_urlencoded::Serializer;
use jsonwebtoken::jwk::JwkSet;
use oauth_types::{ErrorCode, Form, FormError, IdTokenClaims, OAuthError, Scope};

use super::{
    AuthorizationRequest, Prompt, ResponseMode, ResponseTarget,
    request_object::{check_algorithm, read_request_object},
};
use crate::{
    domain::{AllowedAccess, Client, Registry, TokenHash, UserLoginConfig, authorize_user_scopes},
    http::ApiError,
    keys::KeyRing,
    pages::ErrorKind,
    tokens::decode_id_token_hint,
};

/// Reads authorization requests against what is registered right now.
pub struct RequestParser<'a> {
    pub registry: &'a Registry,
    pub ring: &'a KeyRing,
    pub issuer: &'a str,
    /// In seconds since 1970.
    pub now: i64,
    /// C stands in for WeChat, whose token request does not repeat the redirect URI.
    pub wechat: bool,
    /// Fetched where the client publishes them, for a signed request.
    pub fetched_keys: Option<&'a JwkSet>,
    /// Set for a request that was pushed, which nobody could change on the way.
    pub pushed: Option<TokenHash>,
}

/// Why a request is not acted upon.
#[derive(Clone, Debug)]
pub enum AuthorizeError {
    /// Nobody can be trusted with an answer, so the user is told (RFC 6749 §4.1.2.1): the browser
    /// goes nowhere.
    Page(ErrorKind, String),
    /// The client is told.
    Redirect(Box<(ResponseTarget, OAuthError)>),
}

const AUTHORIZE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1";
const PKCE: &str = "https://www.rfc-editor.org/rfc/rfc7636#section-4.3";
const PROMPT: &str = "https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest";

type Refused = (ErrorCode, String, &'static str);

impl RequestParser<'_> {
    /// Read a query string, or a form body, which may say the same.
    ///
    /// # Errors
    /// [`AuthorizeError`], which says who is told.
    pub fn read(&self, encoded: &[u8]) -> Result<AuthorizationRequest, AuthorizeError> {
        let unreadable =
            |error: FormError| AuthorizeError::Page(ErrorKind::InvalidRequest, error.to_string());
        let (form, doubled) = Form::parse_with_duplicates(encoded).map_err(unreadable)?;
        if let Some(name) =
            doubled.iter().find(|name| matches!(name.as_str(), "client_id" | "redirect_uri"))
        {
            let text = format!("the parameter {name} was sent more than once");
            return Err(AuthorizeError::Page(ErrorKind::InvalidRequest, text));
        }
        // 1. Who asks, and where would an answer go? Before that is sure, nothing goes anywhere.
        let (client, login) = self.client(&form)?;
        let is_signed = form.get("request").is_some();
        let (form, signature) = match form.get("request") {
            Some(object) => self.signed(object, &form, &client, &login),
            None => (form, Ok(())),
        };
        let (redirect_uri, named) = redirect_uri(&form, &login)?;
        let named_redirect_uri = named && !(self.wechat && form.get("dialect") == Some("wechat"));
        let response_mode =
            form.get("response_mode").map_or(Some(ResponseMode::Query), ResponseMode::parse);
        let response_target = ResponseTarget {
            client_name: client.display_name().to_owned(),
            redirect_uri,
            response_mode: response_mode.unwrap_or_default(),
            state: form.get("state").map(str::to_owned),
        };
        // 2. What is asked? From here on the client is told what is wrong.
        let asked = Asked {
            form: &form,
            doubled: &doubled,
            client: &client,
            login: &login,
            response_mode,
            signature,
        };
        match self.validate(&asked) {
            Ok(rest) => Ok(AuthorizationRequest {
                client,
                response_target,
                named_redirect_uri,
                allowed: rest.allowed,
                nonce: form.get("nonce").map(str::to_owned),
                code_challenge: rest.code_challenge,
                prompt: rest.prompt,
                max_age: rest.max_age,
                login_hint: form.get("login_hint").map(str::to_owned),
                hint: rest.hint,
                ui_locales: form.get("ui_locales").map(str::to_owned),
                pushed: self.pushed,
                // Its signature was good, or the request would have been refused.
                signed: is_signed
                    .then(|| Serializer::new(String::new()).extend_pairs(form.pairs()).finish()),
            }),
            Err((code, description, rule)) => {
                let error = OAuthError::new(code, description).with_error_uri(rule);
                Err(AuthorizeError::Redirect(Box::new((response_target, error))))
            }
        }
    }

    /// The parameters of a signed request, or those beside it and what is wrong with its signature.
    fn signed(
        &self,
        object: &str,
        form: &Form,
        client: &Client,
        login: &UserLoginConfig,
    ) -> (Form, Result<(), &'static str>) {
        let keys = login.jwks.as_ref().or(self.fetched_keys);
        let read = || read_request_object(object, &client.client_id, keys, self.issuer, self.now);
        match check_algorithm(object, login.request_object_signing_alg.as_deref())
            .and_then(|()| read())
        {
            Ok(signed) => (signed, Ok(())),
            Err(why) => (form.clone(), Err(why)),
        }
    }

    fn client(&self, form: &Form) -> Result<(Arc<Client>, UserLoginConfig), AuthorizeError> {
        let tell = |text: &str| AuthorizeError::Page(ErrorKind::UnknownClient, text.to_owned());
        let client_id = form.get("client_id").ok_or_else(|| tell("client_id is missing"))?;
        let unknown = || tell("the client_id is not that of a client that may send users here");
        let client = self.registry.client(client_id).ok_or_else(unknown)?;
        Ok((Arc::clone(client), client.login.clone().ok_or_else(unknown)?))
    }

    /// Every check has its line, in the order in which it applies.
    fn validate(&self, asked: &Asked<'_>) -> Result<Rest, Refused> {
        refuse_doubled(asked)?;
        check_signature(asked)?;
        refuse_foreign_request_uri(asked)?;
        self.check_pushed(asked)?;
        check_grant(asked)?;
        check_response_type(asked)?;
        check_response_mode(asked)?;
        let code_challenge = check_pkce(asked)?;
        let prompt = check_prompt(asked)?;
        let max_age = check_max_age(asked)?;
        let hint = self.check_id_token_hint(asked)?;
        let allowed = self.check_scope(asked)?;
        Ok(Rest { allowed, code_challenge, prompt, max_age, hint })
    }

    /// RFC 9126 §6.
    fn check_pushed(&self, asked: &Asked<'_>) -> Result<(), Refused> {
        if asked.login.require_pushed_authorization_requests && self.pushed.is_none() {
            let text = "this client has to push its authorization requests".to_owned();
            return Err((
                ErrorCode::InvalidRequest,
                text,
                "https://www.rfc-editor.org/rfc/rfc9126#section-6",
            ));
        }
        Ok(())
    }

    fn check_scope(&self, asked: &Asked<'_>) -> Result<AllowedAccess, Refused> {
        const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-3.3";
        let scope = asked.form.get("scope").ok_or_else(|| {
            (
                ErrorCode::InvalidScope,
                "scope is missing: say what the user is to be asked for".to_owned(),
                RULE,
            )
        })?;
        let scope: Scope =
            scope.parse().map_err(|error| refused(ErrorCode::InvalidScope, error, RULE))?;
        let resources: Vec<&str> = asked.form.all("resource").collect();
        authorize_user_scopes(asked.client, self.registry, &scope, &resources).map_err(|refusal| {
            let ApiError { error, .. } = refusal.into();
            (error.error, error.error_description.unwrap_or_default(), RULE)
        })
    }

    /// The client's idea of who is signed in: an ID token of ours, also one that has expired
    /// (OpenID Connect Core §3.1.2.1).
    fn check_id_token_hint(&self, asked: &Asked<'_>) -> Result<Option<IdTokenClaims>, Refused> {
        let Some(hint) = asked.form.get("id_token_hint") else { return Ok(None) };
        let hinted = decode_id_token_hint(hint, self.ring, self.issuer).ok_or_else(|| {
            (
                ErrorCode::InvalidRequest,
                "the id_token_hint is not an ID token of this server".to_owned(),
                PROMPT,
            )
        })?;
        Ok(Some(hinted))
    }
}

struct Asked<'a> {
    form: &'a Form,
    doubled: &'a [String],
    client: &'a Client,
    login: &'a UserLoginConfig,
    response_mode: Option<ResponseMode>,
    /// Of a signed request.
    signature: Result<(), &'static str>,
}

struct Rest {
    allowed: AllowedAccess,
    code_challenge: Option<String>,
    prompt: Prompt,
    max_age: Option<i64>,
    hint: Option<IdTokenClaims>,
}

fn redirect_uri(form: &Form, login: &UserLoginConfig) -> Result<(String, bool), AuthorizeError> {
    let tell = |text: &str| Err(AuthorizeError::Page(ErrorKind::RedirectUri, text.to_owned()));
    match (form.get("redirect_uri"), &login.redirect_uris[..]) {
        (Some(asked), _) if login.allows_redirect_to(asked) => Ok((asked.to_owned(), true)),
        (Some(_), _) => tell("the redirect_uri is not one that is registered for this client"),
        (None, [only]) => Ok((only.clone(), false)),
        (None, _) => tell("redirect_uri is missing, and the client has not registered just one"),
    }
}

fn refuse_doubled(asked: &Asked<'_>) -> Result<(), Refused> {
    match asked.doubled.first() {
        Some(name) => {
            let text = format!("the parameter {name} was sent more than once");
            Err((
                ErrorCode::InvalidRequest,
                text,
                "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
            ))
        }
        None => Ok(()),
    }
}

fn check_signature(asked: &Asked<'_>) -> Result<(), Refused> {
    const RULE: &str = "https://www.rfc-editor.org/rfc/rfc9101#section-6";
    let refuse = |why: &str| {
        (ErrorCode::InvalidRequestObject, format!("the request object cannot be used: {why}"), RULE)
    };
    asked.signature.map_err(refuse)
}

/// RFC 9101 §5.2.3: to fetch what a stranger names would let them reach whatever this server
/// reaches.
fn refuse_foreign_request_uri(asked: &Asked<'_>) -> Result<(), Refused> {
    const RULE: &str = "https://openid.net/specs/openid-connect-core-1_0.html#JWTRequests";
    if asked.form.get("request_uri").is_some() {
        let text = "only a request_uri that this server has given is served".to_owned();
        return Err((ErrorCode::RequestUriNotSupported, text, RULE));
    }
    Ok(())
}

/// A client that has registered for other grants alone gets no code (RFC 7591 §2).
fn check_grant(asked: &Asked<'_>) -> Result<(), Refused> {
    if asked.client.allows_grant_type("authorization_code") {
        return Ok(());
    }
    let text = "this client has not registered for the grant authorization_code".to_owned();
    Err((ErrorCode::UnauthorizedClient, text, "https://www.rfc-editor.org/rfc/rfc7591#section-2"))
}

fn check_response_type(asked: &Asked<'_>) -> Result<(), Refused> {
    match asked.form.get("response_type") {
        Some("code") => Ok(()),
        None => Err((ErrorCode::InvalidRequest, "response_type is missing: send code".to_owned(), AUTHORIZE)),
        Some(_) => Err((
            ErrorCode::UnsupportedResponseType,
            "only response_type=code is served: an access token in the redirect would stay in the browser's history"
                .to_owned(),
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.2",
        )),
    }
}

fn check_response_mode(asked: &Asked<'_>) -> Result<(), Refused> {
    const RULE: &str =
        "https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html#ResponseModes";
    match asked.response_mode {
        Some(_) => Ok(()),
        None => Err((
            ErrorCode::InvalidRequest,
            "the response_mode is not one of: query form_post".to_owned(),
            RULE,
        )),
    }
}

/// RFC 7636, as RFC 9700 §2.1.1 asks for it: S256 alone, and always from a client without a secret.
fn check_pkce(asked: &Asked<'_>) -> Result<Option<String>, Refused> {
    let refuse = |text: &str| Err((ErrorCode::InvalidRequest, text.to_owned(), PKCE));
    match (asked.form.get("code_challenge"), asked.form.get("code_challenge_method")) {
        (None, Some(_)) => refuse("code_challenge_method came without a code_challenge"),
        (None, None) if asked.login.public => {
            refuse("code_challenge is missing: a public client has to use PKCE")
        }
        (None, None) => Ok(None),
        (Some(_), None | Some("plain")) => refuse(
            "code_challenge_method=plain is not served, and is meant where none is sent: send S256",
        ),
        (Some(challenge), Some("S256")) if is_sha256(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some("S256")) => refuse("the code_challenge is not a SHA-256 in base64url"),
        (Some(_), Some(_)) => refuse("the code_challenge_method is not known: send S256"),
    }
}

fn is_sha256(challenge: &str) -> bool {
    challenge.len() == 43
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn check_prompt(asked: &Asked<'_>) -> Result<Prompt, Refused> {
    let prompt = asked.form.get("prompt").map(Prompt::parse).unwrap_or_default();
    if prompt.contradicts_itself() {
        return Err((
            ErrorCode::InvalidRequest,
            "prompt=none does not go with another prompt".to_owned(),
            PROMPT,
        ));
    }
    Ok(prompt)
}

fn check_max_age(asked: &Asked<'_>) -> Result<Option<i64>, Refused> {
    let parse = |text: &str| text.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
    match asked.form.get("max_age").map(parse) {
        Some(None) => Err((
            ErrorCode::InvalidRequest,
            "max_age is not a number of seconds".to_owned(),
            PROMPT,
        )),
        Some(seconds) => Ok(seconds),
        None => Ok(None),
    }
}

fn refused(code: ErrorCode, error: impl std::fmt::Display, rule: &'static str) -> Refused {
    (code, error.to_string(), rule)
}
