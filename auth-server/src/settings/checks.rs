use oauth_types::same_resource;

use super::{AuthServerSettings, ConfiguredFiles};
use crate::{domain::OPENID_SCOPES, typed_json::JsonProblem};

/// Why an issuer with a path excludes user login: the proxy that serves C under the path removes it
/// before it forwards a request, so the links of C's pages would lack it.
pub const PATH_AND_PAGES: &str = "it has a path, which the links of the sign-in pages would lack; use an issuer without a path, or \
                                  disable user login (no [clients.login], registration.enabled = false)";

impl AuthServerSettings {
    /// Validates the settings that must be valid in every profile.
    ///
    /// # Errors
    /// Returns the first invalid setting and what is wrong with it.
    pub fn check(&self, files: &ConfiguredFiles) -> Result<(), String> {
        if let Err(problem) = &files.seed {
            return Err(problem.clone());
        }
        if self.has_late_issuer() {
            return self.check_without_issuer(files);
        }
        if self.issuer.path() != "/" && self.has_user_login(files) {
            return Err(format!("issuer: {PATH_AND_PAGES}"));
        }
        self.check_apart_from_pages(files)
    }

    /// Validates the settings, except that pages can be served. Where C itself serves an issuer
    /// below a path, its links have that path.
    pub(crate) fn check_apart_from_pages(&self, files: &ConfiguredFiles) -> Result<(), String> {
        if self.issuer.query().is_some() || self.issuer.fragment().is_some() {
            return Err(
                "issuer: has a query or a fragment, which RFC 8414 section 2 forbids".to_owned()
            );
        }
        if !self.issuer.username().is_empty() || self.issuer.password().is_some() {
            return Err("issuer: has a user name or a password, which everyone would read in \
                        tokens and metadata"
                .to_owned());
        }
        if self.tokens.access_token_ttl_seconds == 0 {
            return Err(
                "tokens.access_token_ttl_seconds: is 0; an access token needs at least 1 second"
                    .to_owned(),
            );
        }
        if !(1..=60).contains(&self.tokens.authorization_code_ttl_seconds) {
            return Err(format!(
                "tokens.authorization_code_ttl_seconds: is {}; an authorization code lasts 1 to 60 seconds",
                self.tokens.authorization_code_ttl_seconds
            ));
        }
        if self.audit_retention_days == 0 {
            return Err("audit_retention_days: is 0; audit records need at least 1 day".to_owned());
        }
        if self.listen.is_empty() && self.tls_listen.is_empty() {
            return Err("listen: is empty, as is `tls_listen`; C needs one of them".to_owned());
        }
        self.check_resource_ttls(files)?;
        self.database_url()?;
        // `sqlite` too chooses a file, which the control API would not use.
        let chooses_database =
            self.database_url.as_ref().is_some_and(|url| !url.expose().is_empty());
        self.control.check(chooses_database)?;
        if self.database_timeout_millis == 0 {
            return Err(
                "database_timeout_millis: is 0; a query needs at least 1 millisecond".to_owned()
            );
        }
        self.check_claims(files).map_err(|problem| match self.control.seed_setting() {
            Ok(Some(seed)) => format!("{seed}: {problem}"),
            _ => problem.description,
        })?;
        self.proxies.check()?;
        self.hosts()?;
        self.registration.check()?;
        self.keys.check()
    }
    /// Checks the settings as far as they do not depend on the issuer.
    fn check_without_issuer(&self, files: &ConfiguredFiles) -> Result<(), String> {
        if !self.control.is_on() {
            return Err(
                "issuer: is `late`, and the control API, which sets it, is off; set control.listen"
                    .to_owned(),
            );
        }
        Self { issuer: Self::default().issuer, ..self.clone() }.check(files)
    }

    fn has_user_login(&self, files: &ConfiguredFiles) -> bool {
        let in_file = files
            .clients
            .as_ref()
            .is_ok_and(|file| file.contents.clients.iter().any(|client| client.login.is_some()));
        self.registration.enabled || self.client_id_metadata_documents.enabled || in_file
    }

    /// Keys are published for as long as the longest access token can live, so a resource can only
    /// shorten the lifetime.
    fn check_resource_ttls(&self, files: &ConfiguredFiles) -> Result<(), String> {
        let longest = self.tokens.access_token_ttl_seconds;
        // Another problem of the file is reported where it is read.
        let Ok(file) = &files.clients else { return Ok(()) };
        for resource in &file.contents.resources {
            if let Some(own) = resource.access_token_ttl_seconds.filter(|own| *own > longest) {
                let place = if self.control.has_seed() { "the seed" } else { "clients_file" };
                return Err(format!(
                    "{place}: the access_token_ttl_seconds of `{}` is {own}, but at most tokens.access_token_ttl_seconds = {longest}",
                    resource.identifier
                ));
            }
        }
        Ok(())
    }

    /// Checks the custom claims, and that their scopes and resources exist.
    ///
    /// # Errors
    /// Returns the first problem, with a pointer to the part of the claims in a seed.
    pub(crate) fn check_claims(&self, files: &ConfiguredFiles) -> Result<(), JsonProblem> {
        if files.claims.is_empty() && self.claim_scopes.is_empty() {
            return Ok(());
        }
        // Another problem of the file is reported where it is read.
        let Ok(file) = &files.clients else { return Ok(()) };
        let resources = &file.contents.resources;
        let is_served = |scope: &str| {
            OPENID_SCOPES.contains(&scope)
                || resources.iter().any(|resource| resource.scopes.contains(scope))
        };
        if let Some(scope) = self.claim_scopes.iter().find(|scope| is_served(scope)) {
            let text = format!(
                "claim_scopes: `{scope}` is a scope of OpenID Connect or of a resource in \
                 clients_file already; remove it here"
            );
            return Err(JsonProblem::new("", text));
        }
        for (index, claim) in files.claims.iter().enumerate() {
            let at = format!("/claims/{index}");
            claim.check().map_err(|problem| problem.below(&at))?;
            let is_known = |scope: &str| is_served(scope) || self.claim_scopes.contains(scope);
            if let Some(scope) = claim.scope.as_deref().filter(|scope| !is_known(scope)) {
                let text = format!(
                    "claims: `{}`: scope: `{scope}` is neither a scope of OpenID Connect nor of a \
                     resource in [[resources]]; if it only carries claims, add it to claim_scopes",
                    claim.name
                );
                return Err(JsonProblem::new(at + "/scope", text).expecting("a known scope"));
            }
            let is_known = |own: &&String| {
                resources.iter().any(|resource| same_resource(&resource.identifier, own))
            };
            if let Some(resource) = claim.resource.as_ref().filter(|own| !is_known(own)) {
                let text = format!(
                    "claims: `{}`: resource: `{resource}` is not in [[resources]]; add it there",
                    claim.name
                );
                let expected = "the identifier of one of the resources";
                return Err(JsonProblem::new(at + "/resource", text).expecting(expected));
            }
        }
        Ok(())
    }
}
