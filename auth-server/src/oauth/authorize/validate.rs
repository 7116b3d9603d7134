use std::{borrow::Cow, sync::Arc};

use form_urlencoded::Serializer;
use jsonwebtoken::jwk::JwkSet;
use oauth_types::{ErrorCode, Form, FormError, IdTokenClaims, OAuthError, Scope};

use super::{
    AuthorizationRequest, Prompt, ResponseMode, ResponseTarget,
    request_object::{SingleUse, check_algorithm, read_request_object},
};
use crate::{
    domain::{
        AllowedAccess, ClaimsParameter, Client, Registry, TokenHash, UserLoginConfig,
        authorize_user_scopes,
    },
    keys::KeyRing,
    pages::ErrorKind,
    tokens::{ACR, decode_id_token_hint},
};

/// Parses authorization requests and validates them against the current client registry.
pub struct RequestParser<'a> {
    pub registry: &'a Registry,
    /// The client that the request names, if it is known.
    pub client: Option<&'a Arc<Client>>,
    pub ring: &'a KeyRing,
    pub issuer: &'a str,
    /// Unix time in seconds.
    pub now: i64,
    /// Accepts WeChat requests, whose token request does not repeat the redirect URI.
    pub wechat: bool,
    /// The client's published keys, fetched to verify a signed request.
    pub fetched_keys: Option<&'a JwkSet>,
    /// Set for a pushed request.
    pub pushed: Option<TokenHash>,
    /// The parameters come from storage. A signed request was verified before it was stored.
    pub is_stored: bool,
}

/// Why an authorization request was rejected, and where the error is reported.
#[derive(Clone, Debug)]
pub enum AuthorizeError {
    /// The client or its redirect URI is not verified, so the user gets an error page and the
    /// browser is not redirected (RFC 6749 §4.1.2.1).
    Page(ErrorKind, OAuthError),
    /// The client gets the error through its redirect URI.
    Redirect(Box<ErrorRedirect>),
}

/// An error for the client.
#[derive(Clone, Debug)]
pub struct ErrorRedirect {
    pub client: Arc<Client>,
    pub to: ResponseTarget,
    pub error: OAuthError,
    /// The request object of the request, which the error uses up.
    pub single_use: Option<SingleUse>,
}

const PARAMETERS: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-3.1";
const AUTHORIZE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1";
const PKCE: &str = "https://www.rfc-editor.org/rfc/rfc7636#section-4.3";
const PROMPT: &str = "https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest";

type ParameterError = (ErrorCode, String, &'static str);

impl RequestParser<'_> {
    /// Parses and validates a query string or form body.
    ///
    /// # Errors
    /// Returns [`AuthorizeError`], which determines whether the user or the client gets the error.
    pub fn read(&self, encoded: &[u8]) -> Result<AuthorizationRequest, AuthorizeError> {
        let unreadable =
            |error: FormError| page_error(ErrorKind::InvalidRequest, error.to_string(), PARAMETERS);
        let (form, duplicates) = Form::parse_with_duplicates(encoded).map_err(unreadable)?;
        if let Some(name) =
            duplicates.iter().find(|name| matches!(name.as_str(), "client_id" | "redirect_uri"))
        {
            let text = format!("the parameter {name} was sent more than once");
            return Err(page_error(ErrorKind::InvalidRequest, text, PARAMETERS));
        }
        // 1. Identify the client and the redirect URI. Until both are verified, nothing is
        // redirected.
        let (client, login) = self.client(&form)?;
        let is_signed = form.get("request").is_some();
        let (form, signature) = match form.get("request") {
            Some(object) => self.signed(object, &form, &client, &login),
            None => (form, Ok(None)),
        };
        let (redirect_uri, named) = self.redirect_uri(&form, &client, &login)?;
        let named_redirect_uri = named && !(self.wechat && form.get("dialect") == Some("wechat"));
        let response_mode =
            form.get("response_mode").map_or(Some(ResponseMode::Query), ResponseMode::parse);
        let response_target = ResponseTarget {
            client_name: client.display_name().to_owned(),
            redirect_uri,
            approved: client.approved,
            response_mode: response_mode.unwrap_or_default(),
            state: form.get("state").map(str::to_owned),
        };
        // 2. Validate the other parameters. From here on, errors go to the client.
        let request = ParsedRequest {
            form: &form,
            duplicates: &duplicates,
            client: &client,
            login: &login,
            response_mode,
            signature: signature.as_ref().map(|_| ()).map_err(AsRef::as_ref),
            is_signed,
        };
        match self.validate(&request) {
            Ok(validated) => Ok(AuthorizationRequest {
                client,
                response_target,
                named_redirect_uri,
                allowed: validated.allowed,
                nonce: form.get("nonce").map(str::to_owned),
                code_challenge: validated.code_challenge,
                prompt: validated.prompt,
                max_age: validated.max_age,
                login_hint: form.get("login_hint").map(str::to_owned),
                claims: validated.claims,
                hint: validated.hint,
                ui_locales: form.get("ui_locales").map(str::to_owned),
                pushed: self.pushed,
                single_use: signature.ok().flatten(),
                // The signature was verified above; otherwise `validate` has failed.
                signed: is_signed
                    .then(|| Serializer::new(String::new()).extend_pairs(form.pairs()).finish()),
            }),
            Err((code, description, rule)) => {
                let error = OAuthError::new(code, description).with_error_uri(rule);
                let (to, single_use) = (response_target, signature.ok().flatten());
                let redirect = ErrorRedirect { client, to, error, single_use };
                Err(AuthorizeError::Redirect(Box::new(redirect)))
            }
        }
    }

    /// Returns the parameters of a signed request. If the signature is invalid, returns the
    /// parameters outside the request object and the reason.
    fn signed(
        &self,
        object: &str,
        form: &Form,
        client: &Client,
        login: &UserLoginConfig,
    ) -> (Form, Result<Option<SingleUse>, Cow<'static, str>>) {
        let keys = login.jwks.as_ref().or(self.fetched_keys);
        let read = || read_request_object(object, &client.client_id, keys, self.issuer, self.now);
        match check_algorithm(object, login.request_object_signing_alg.as_deref())
            .and_then(|()| read())
        {
            Ok(signed) => (signed.parameters, Ok(Some(signed.single_use))),
            Err(why) => (form.clone(), Err(why)),
        }
    }

    fn client(&self, form: &Form) -> Result<(Arc<Client>, UserLoginConfig), AuthorizeError> {
        const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1";
        let missing = || page_error(ErrorKind::UnknownClient, "client_id is missing", AUTHORIZE);
        let client_id = form.get("client_id").ok_or_else(missing)?;
        let unknown = || {
            let text = "the client_id is unknown, or the client has no user login";
            page_error(ErrorKind::UnknownClient, text, RULE)
        };
        let is_named = |client: &&Arc<Client>| client.client_id == client_id;
        let client = self.client.filter(is_named).ok_or_else(unknown)?;
        Ok((Arc::clone(client), client.login.clone().ok_or_else(unknown)?))
    }

    /// Returns the redirect URI, and whether the request names it.
    fn redirect_uri(
        &self,
        form: &Form,
        client: &Client,
        login: &UserLoginConfig,
    ) -> Result<(String, bool), AuthorizeError> {
        const COMPARISON: &str = "https://www.rfc-editor.org/rfc/rfc9700#section-4.1.3";
        const REQUIRED: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2.3";
        let reject = |text: &str, rule: &str| Err(page_error(ErrorKind::RedirectUri, text, rule));
        match (form.get("redirect_uri"), &login.redirect_uris[..]) {
            (Some(uri), _) if self.registry.allows_redirect_to(client, login, uri) => {
                Ok((uri.to_owned(), true))
            }
            (Some(_), _) => {
                reject("the redirect_uri is not registered for this client", COMPARISON)
            }
            (None, [only]) => Ok((only.clone(), false)),
            (None, _) => reject(
                "redirect_uri is missing: it is required unless exactly one is registered",
                REQUIRED,
            ),
        }
    }

    /// Runs every check in order of precedence.
    fn validate(&self, request: &ParsedRequest<'_>) -> Result<ValidatedParameters, ParameterError> {
        reject_duplicates(request)?;
        check_signature(request)?;
        self.check_signed(request)?;
        reject_unknown_request_uri(request)?;
        self.check_pushed(request)?;
        check_grant(request)?;
        check_response_type(request)?;
        check_response_mode(request)?;
        let code_challenge = self.check_pkce(request)?;
        let prompt = check_prompt(request)?;
        let max_age = check_max_age(request)?;
        let hint = self.check_id_token_hint(request)?;
        let claims = check_claims(request)?;
        let allowed = self.check_scope(request)?;
        Ok(ValidatedParameters { allowed, claims, code_challenge, prompt, max_age, hint })
    }

    /// Requires a pushed request if the client registered that (RFC 9126 §6).
    fn check_pushed(&self, request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
        if request.login.require_pushed_authorization_requests && self.pushed.is_none() {
            let text = "this client must use pushed authorization requests".to_owned();
            return Err((
                ErrorCode::InvalidRequest,
                text,
                "https://www.rfc-editor.org/rfc/rfc9126#section-6",
            ));
        }
        Ok(())
    }

    /// Requires a signed request if the client registered that (RFC 9101 §10.5).
    fn check_signed(&self, request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
        let is_signed = request.is_signed || self.is_stored;
        if request.login.require_signed_request_object && !is_signed {
            let text = "this client must sign its authorization requests: send request".to_owned();
            return Err((
                ErrorCode::InvalidRequest,
                text,
                "https://www.rfc-editor.org/rfc/rfc9101#section-10.5",
            ));
        }
        Ok(())
    }

    /// Validates PKCE (RFC 7636) as RFC 9700 §2.1.1 requires: only S256, and mandatory for public
    /// clients and those that require it. WeChat's clients know no PKCE.
    fn check_pkce(&self, request: &ParsedRequest<'_>) -> Result<Option<String>, ParameterError> {
        let is_wechat = self.wechat && request.form.get("dialect") == Some("wechat");
        let refuse = |text: &str| Err((ErrorCode::InvalidRequest, text.to_owned(), PKCE));
        match (request.form.get("code_challenge"), request.form.get("code_challenge_method")) {
            (None, None) if request.login.require_pkce && !request.login.public && !is_wechat => {
                refuse("code_challenge is missing: this client must use PKCE")
            }
            _ => check_code_challenge(request),
        }
    }

    fn check_scope(&self, request: &ParsedRequest<'_>) -> Result<AllowedAccess, ParameterError> {
        const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-3.3";
        let scope = request.form.get("scope").map(str::parse::<Scope>).transpose();
        let scope = scope.map_err(|error| parameter_error(ErrorCode::InvalidScope, error, RULE))?;
        let resources: Vec<&str> = request.form.all("resource").collect();
        let (client, registry) = (request.client, self.registry);
        authorize_user_scopes(client, registry, self.issuer, scope.as_ref(), &resources)
            .map_err(|error| (error.code(), error.to_string(), error.rule()))
    }

    /// Decodes the `id_token_hint`. Expired ID tokens of this server are accepted (OpenID Connect
    /// Core §3.1.2.1).
    fn check_id_token_hint(
        &self,
        request: &ParsedRequest<'_>,
    ) -> Result<Option<IdTokenClaims>, ParameterError> {
        let Some(hint) = request.form.get("id_token_hint") else { return Ok(None) };
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

fn page_error(kind: ErrorKind, text: impl AsRef<str>, rule: &str) -> AuthorizeError {
    let error = OAuthError::new(ErrorCode::InvalidRequest, text).with_error_uri(rule);
    AuthorizeError::Page(kind, error)
}

struct ParsedRequest<'a> {
    form: &'a Form,
    duplicates: &'a [String],
    client: &'a Client,
    login: &'a UserLoginConfig,
    response_mode: Option<ResponseMode>,
    /// Result of verifying the request object.
    signature: Result<(), &'a str>,
    is_signed: bool,
}

struct ValidatedParameters {
    allowed: AllowedAccess,
    claims: ClaimsParameter,
    code_challenge: Option<String>,
    prompt: Prompt,
    max_age: Option<i64>,
    hint: Option<IdTokenClaims>,
}

fn reject_duplicates(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    match request.duplicates.first() {
        Some(name) => {
            let text = format!("the parameter {name} was sent more than once");
            Err((ErrorCode::InvalidRequest, text, PARAMETERS))
        }
        None => Ok(()),
    }
}

fn check_signature(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    const RULE: &str = "https://www.rfc-editor.org/rfc/rfc9101#section-6";
    let refuse = |why: &str| {
        (ErrorCode::InvalidRequestObject, format!("the request object cannot be used: {why}"), RULE)
    };
    request.signature.map_err(refuse)
}

/// Rejects a `request_uri` that this server did not issue. Fetching it would allow server-side
/// request forgery (RFC 9101 §5.2.3).
fn reject_unknown_request_uri(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    const RULE: &str = "https://openid.net/specs/openid-connect-core-1_0.html#JWTRequests";
    if request.form.get("request_uri").is_some() {
        let text = "only request_uri values that this server has issued are supported".to_owned();
        return Err((ErrorCode::RequestUriNotSupported, text, RULE));
    }
    Ok(())
}

/// Rejects a client that did not register the authorization code grant (RFC 7591 §2).
fn check_grant(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    if request.client.allows_grant_type("authorization_code") {
        return Ok(());
    }
    let text = "this client has not registered for the grant authorization_code".to_owned();
    Err((ErrorCode::UnauthorizedClient, text, "https://www.rfc-editor.org/rfc/rfc7591#section-2"))
}

fn check_response_type(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    match request.form.get("response_type") {
        Some("code") => Ok(()),
        None => Err((ErrorCode::InvalidRequest, "response_type is missing: send code".to_owned(), AUTHORIZE)),
        Some(_) => Err((
            ErrorCode::UnsupportedResponseType,
            "only response_type=code is supported: an access token in the redirect would stay in the browser's history"
                .to_owned(),
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.2",
        )),
    }
}

fn check_response_mode(request: &ParsedRequest<'_>) -> Result<(), ParameterError> {
    const RULE: &str =
        "https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html#ResponseModes";
    match request.response_mode {
        Some(_) => Ok(()),
        None => Err((
            ErrorCode::InvalidRequest,
            "the response_mode is not one of: query form_post".to_owned(),
            RULE,
        )),
    }
}

fn check_code_challenge(request: &ParsedRequest<'_>) -> Result<Option<String>, ParameterError> {
    let refuse = |text: &str| Err((ErrorCode::InvalidRequest, text.to_owned(), PKCE));
    match (request.form.get("code_challenge"), request.form.get("code_challenge_method")) {
        (None, Some(_)) => refuse("code_challenge_method was sent without code_challenge"),
        (None, None) if request.login.public => {
            refuse("code_challenge is missing: a public client must use PKCE")
        }
        (None, None) => Ok(None),
        (Some(_), None | Some("plain")) => {
            refuse("code_challenge_method=plain, the default, is not supported: send S256")
        }
        (Some(challenge), Some("S256")) if is_sha256(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some("S256")) => {
            refuse("the code_challenge is not a base64url-encoded SHA-256 hash")
        }
        (Some(_), Some(_)) => refuse("the code_challenge_method is unknown: send S256"),
    }
}

fn is_sha256(challenge: &str) -> bool {
    challenge.len() == 43
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn check_prompt(request: &ParsedRequest<'_>) -> Result<Prompt, ParameterError> {
    let prompt = request.form.get("prompt").map(Prompt::parse).unwrap_or_default();
    if prompt.contradicts_itself() {
        return Err((
            ErrorCode::InvalidRequest,
            "prompt=none cannot be combined with another prompt".to_owned(),
            PROMPT,
        ));
    }
    Ok(prompt)
}

fn check_max_age(request: &ParsedRequest<'_>) -> Result<Option<i64>, ParameterError> {
    let parse = |text: &str| text.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
    match request.form.get("max_age").map(parse) {
        Some(None) => Err((
            ErrorCode::InvalidRequest,
            "max_age is not a number of seconds".to_owned(),
            PROMPT,
        )),
        Some(seconds) => Ok(seconds),
        None => Ok(None),
    }
}

/// Parses the `claims` parameter. An essential `acr` that C does not reach fails the request
/// (OpenID Connect Core §5.5.1.1).
fn check_claims(request: &ParsedRequest<'_>) -> Result<ClaimsParameter, ParameterError> {
    const RULE: &str = "https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter";
    const ACR_RULE: &str = "https://openid.net/specs/openid-connect-core-1_0.html#acrSemantics";
    let Some(text) = request.form.get("claims") else { return Ok(ClaimsParameter::default()) };
    let claims = ClaimsParameter::parse(text)
        .map_err(|problem| (ErrorCode::InvalidRequest, problem.to_owned(), RULE))?;
    if claims.essential_acr.as_ref().is_some_and(|values| values.iter().all(|acr| acr != ACR)) {
        let text = format!("claims: the essential acr cannot be met; this server has only {ACR}");
        return Err((ErrorCode::AccessDenied, text, ACR_RULE));
    }
    Ok(ClaimsParameter { requested: claims.requested.narrowed_to(request.client), ..claims })
}

fn parameter_error(
    code: ErrorCode,
    error: impl std::fmt::Display,
    rule: &'static str,
) -> ParameterError {
    (code, error.to_string(), rule)
}
