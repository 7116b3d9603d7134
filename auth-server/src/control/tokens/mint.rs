use std::sync::Arc;

use oauth_types::{Audience, ErrorCode, Scope};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    flaw::{Flaw, FlawTarget, parse_flaws},
    request::{MintRequest, TokenKind},
};
use crate::{
    control::{ControlError, named_client::client_named, named_user::user_named},
    domain::{
        Algorithm, AllowedAccess, AuditEvent, AuditRecord, Client, GrantError, GrantedAccess,
        Outcome, Registry, Resource, TokenFormat, User, UserLoginConfig, authorize_scopes,
        authorize_user_scopes, narrow_grant,
    },
    http::ClientAddress,
    oauth::{authorize::AuthorizationContext, token::TokenContext},
};

/// A request for a token, with the client and the user that it names.
pub struct Mint<'a> {
    pub context: &'a TokenContext,
    pub request: &'a MintRequest,
    pub registry: Arc<Registry>,
    pub client: Arc<Client>,
    pub user: Option<User>,
    pub flaws: Vec<Flaw>,
    pub address: ClientAddress,
    pub authorization: &'a AuthorizationContext,
    /// In seconds since 1970.
    pub now: i64,
}

/// The response to `POST /control/tokens`.
#[derive(Serialize)]
pub struct MintedToken {
    pub token: String,
    /// The header of a JWT.
    pub header: Option<Map<String, Value>>,
    /// The claims of a JWT, or those that the server stores with an opaque access token.
    pub claims: Option<Map<String, Value>>,
    /// The rules that a client would have had to follow to get the token.
    pub bypassed: Vec<&'static str>,
}

impl<'a> Mint<'a> {
    /// Looks up the client and the user.
    ///
    /// # Errors
    /// Returns an error if the request contradicts itself, or names what does not exist.
    pub async fn new(
        context: &'a TokenContext,
        request: &'a MintRequest,
        address: ClientAddress,
        authorization: &'a AuthorizationContext,
    ) -> Result<Self, ControlError> {
        request.check()?;
        let flaws = parse_flaws(&request.flaws, request.token)?;
        // The server makes keys of the other algorithms, but not a secret.
        if request.algorithm == Some(Algorithm::HS256)
            && context.keys.ring().signing_key(Algorithm::HS256).is_none()
        {
            let text = "this server has no secret with which it signs";
            return Err(ControlError::invalid(text)
                .at("/algorithm")
                .expecting("ES256, EdDSA, Ed25519 or RS256"));
        }
        let client = client_named(&context.clients, &request.client_id)?;
        let audience = request.audience.iter().flat_map(Audience::iter);
        context.clients.registry.accept_unregistered(None, audience.map(str::to_owned));
        let registry = context.clients.registry.current();
        let user = match &request.user {
            Some(name) => Some(user_named(&*context.store, name).await?),
            None => None,
        };
        let now = context.clock.seconds();
        Ok(Self { context, request, registry, client, user, flaws, address, authorization, now })
    }

    /// Returns the one flaw of the signature.
    pub fn signature_flaw(&self) -> Option<Flaw> {
        self.flaws_of(FlawTarget::Signature).next()
    }

    pub fn flaws_of(&self, target: FlawTarget) -> impl Iterator<Item = Flaw> {
        self.flaws.iter().copied().filter(move |flaw| flaw.target() == target)
    }

    pub fn has(&self, flaw: Flaw) -> bool {
        self.flaws.contains(&flaw)
    }

    /// Returns the `typ` of a JWT that regularly has this one. The flaw `wrong_typ` is wrong
    /// compared with the regular one, whatever the request demands.
    pub fn typ<'b>(&'b self, regular: &'b str) -> &'b str {
        let demanded = self.request.typ.as_deref().filter(|_| !self.has(Flaw::WrongTyp));
        demanded.unwrap_or(regular)
    }

    /// Returns the access of an access token: what the client would get, if it could, and otherwise
    /// what the request demands.
    pub fn access(&self) -> GrantedAccess {
        match self.regular_access() {
            Ok((granted, access)) if self.is_demanded(&granted) => access,
            other => self.demanded_access(other.ok().map(|(_, access)| access.audience)),
        }
    }

    /// Returns whether a scope has all that the request demands: unknown ones would be ignored.
    pub fn is_demanded(&self, granted: &Scope) -> bool {
        let demanded = self.request.scope.as_ref();
        demanded.is_none_or(|demanded| {
            demanded.is_empty() == granted.is_empty()
                && demanded.iter().all(|token| granted.contains(token))
        })
    }

    /// Returns the scope and the access that the rules of the grant allow.
    fn regular_access(&self) -> Result<(Scope, GrantedAccess), GrantError> {
        let (client, registry) = (&*self.client, &*self.registry);
        let named: Vec<&str> = self.request.audience.iter().flat_map(Audience::iter).collect();
        let scope = self.request.scope.as_ref();
        let issuer = &self.context.issuer.issuer;
        match &self.user {
            None => {
                let access = authorize_scopes(client, registry, scope, &named)?;
                Ok((access.scope.clone(), access))
            }
            Some(user) => {
                let allowed = self.user_access()?;
                let granted = allowed.scope.clone();
                let grant = super::user_grant::unstored_grant(self, user, allowed);
                let access = narrow_grant(client, registry, issuer, &grant, None, &[])?;
                Ok((granted, access))
            }
        }
    }

    /// `regular` is the audience of the part of the scope that the client may have.
    fn demanded_access(&self, regular: Option<Audience>) -> GrantedAccess {
        let audience = self.request.audience.clone().or(regular).unwrap_or_else(|| {
            let own = self.client.default_resource.as_ref();
            let own = own.or_else(|| self.client.resources.first());
            Audience::new([own.unwrap_or(&self.context.issuer.issuer)])
        });
        let resource = audience.iter().find_map(|one| self.registry.resource(one));
        let is_opaque = resource.is_some_and(|one| one.token_format == TokenFormat::Opaque);
        GrantedAccess {
            scope: self.request.scope.clone().unwrap_or_else(|| self.client.scopes.clone()),
            profile: resource.map(Resource::token_profile).unwrap_or_default(),
            format: if is_opaque { TokenFormat::Opaque } else { self.client.token_format },
            audience,
        }
    }

    /// Returns the rules that a request of the client would have broken. `ttl` is the lifetime that
    /// it would have got, in seconds.
    pub fn bypassed(&self, scope: &Scope, has_audience: bool, ttl: u32) -> Vec<&'static str> {
        let is_enabled = self.client.enabled && self.user.as_ref().is_none_or(|user| user.enabled);
        let is_longer = self.request.expires_in.is_some_and(|seconds| seconds > i64::from(ttl));
        let error = self.grant_error().map(|error| error.code());
        let has_scope = scope.iter().all(|token| self.client.scopes.contains(token));
        let rules = [
            ("grant", self.has_grant()),
            ("scope", has_scope && error != Some(ErrorCode::InvalidScope)),
            ("audience", has_audience && error != Some(ErrorCode::InvalidTarget)),
            ("redirect_uri", self.has_redirect_uri()),
            ("pkce", self.has_pkce()),
            ("lifetime", !is_longer),
            ("disabled", is_enabled),
        ];
        rules.into_iter().filter(|(_, is_kept)| !is_kept).map(|(rule, _)| rule).collect()
    }

    /// Returns why the client could not request this scope at these resources.
    fn grant_error(&self) -> Option<GrantError> {
        let error = match self.request.token {
            TokenKind::Access => self.regular_access().err(),
            TokenKind::Code | TokenKind::Refresh => self.user_access().err(),
            // The scope of an ID token is that of a request for any resource.
            TokenKind::Id | TokenKind::Logout => None,
        };
        // Without a scope, the token has those of the client.
        error.filter(|error| *error != GrantError::NoDefaultScope)
    }

    /// Returns what an authorization request of the client would be granted.
    pub fn user_access(&self) -> Result<AllowedAccess, GrantError> {
        let named: Vec<&str> = self.request.audience.iter().flat_map(Audience::iter).collect();
        let (client, registry) = (&*self.client, &*self.registry);
        let issuer = &self.context.issuer.issuer;
        authorize_user_scopes(client, registry, issuer, self.request.scope.as_ref(), &named)
    }

    /// Returns whether the client could request a token for this audience, which must be one.
    pub fn is_own_audience(&self, audience: &Audience) -> bool {
        audience.iter().count() == 1 && audience.iter().all(|one| self.is_own_resource(one))
    }

    pub fn is_own_resource(&self, identifier: &str) -> bool {
        let is_userinfo = self.user.is_some() && identifier == self.context.issuer.issuer;
        is_userinfo || self.client.has_resource(identifier)
    }

    fn has_grant(&self) -> bool {
        let client = &*self.client;
        let may_use = |grant| client.allows_grant_type(grant);
        if self.user.is_none() {
            return !client.is_public() && may_use("client_credentials");
        }
        let can_refresh = self.request.token != TokenKind::Refresh || may_use("refresh_token");
        client.login.is_some() && may_use("authorization_code") && can_refresh
    }

    /// Returns whether an authorization request with this redirect URI would be accepted. Without
    /// one, the client must have registered a single one.
    fn has_redirect_uri(&self) -> bool {
        let (Some(login), TokenKind::Code) = (&self.client.login, self.request.token) else {
            return true;
        };
        match &self.request.redirect_uri {
            Some(uri) => login.allows_redirect_to(uri),
            None => login.redirect_uris.len() == 1,
        }
    }

    fn has_pkce(&self) -> bool {
        let needs_it = |login: &UserLoginConfig| login.require_pkce || login.public;
        self.request.token != TokenKind::Code
            || self.request.code_challenge.is_some()
            || !self.client.login.as_ref().is_some_and(needs_it)
    }

    /// Returns the audit record of what is issued.
    pub fn record(&self, event: AuditEvent) -> AuditRecord {
        let outcome = if event == AuditEvent::Token { Outcome::Issued } else { Outcome::Succeeded };
        let mut record = self.context.audit.record(event, outcome, self.address);
        record.client_id = Some(self.client.client_id.clone());
        record.sub = self.user.as_ref().map(|user| user.sub.clone());
        record
    }
}
