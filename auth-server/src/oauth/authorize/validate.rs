//! Validation of authorization requests. `validate` identifies the client and its redirect URI, to
//! which the errors of all other parameters are sent.

mod error;
mod openid;
mod parameters;
mod pkce;
mod request_object;

use std::{borrow::Cow, sync::Arc};

use form_urlencoded::Serializer;
use jsonwebtoken::jwk::JwkSet;
use oauth_types::{ErrorCode, Form, FormError, OAuthError};

use self::parameters::ParsedRequest;
use super::{
    AuthorizationRequest, ResponseMode, ResponseTarget,
    request_object::{SingleUse, check_algorithm, read_request_object},
};
use crate::{
    domain::{Client, Registry, TokenHash, UserLoginConfig},
    keys::KeyRing,
    pages::ErrorKind,
};

pub use self::error::{AuthorizeError, ErrorRedirect};

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

pub use pkce::is_s256_challenge;

pub(super) const PARAMETERS: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-3.1";
const AUTHORIZE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1";

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
            client: client.clone(),
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
}

fn page_error(kind: ErrorKind, text: impl AsRef<str>, rule: &str) -> AuthorizeError {
    let error = OAuthError::new(ErrorCode::InvalidRequest, text).with_error_uri(rule);
    AuthorizeError::Page(kind, error)
}
