use crate::{
    AuthServerSettings, SecureRandom,
    clients::ClientsFile,
    control::error::ControlError,
    domain::{CustomClaims, Looseness},
    seed::SeedDocument,
    settings::ConfiguredFiles,
    users::seed::UsersFile,
};

/// What a seed must satisfy: the rules of files and settings.
pub struct SeedRules {
    pub settings: AuthServerSettings,
    pub random: SecureRandom,
    /// Whether the issuer is one besides that of the settings, which C itself serves below its
    /// path.
    pub is_of_further_issuer: bool,
}

/// A seed that satisfies the rules.
pub struct Checked {
    pub clients: ClientsFile,
    pub users: UsersFile,
    pub claims: CustomClaims,
    pub looseness: Looseness,
}

impl SeedRules {
    /// Checks a seed as the start checks files and settings.
    ///
    /// # Errors
    /// Returns every problem of the first part that has any. A pointer leads into the seed.
    pub(super) fn check(&self, document: &SeedDocument) -> Result<Checked, ControlError> {
        let files = ConfiguredFiles::of_seed(document, &self.settings, &self.random)?;
        self.settings.check_claims(&files)?;
        let checked = match self.is_of_further_issuer {
            true => self.settings.check_apart_from_pages(&files),
            false => self.settings.check(&files),
        };
        checked.map_err(|problem| ControlError::invalid(problem).at(""))?;
        let clients = files.clients.map_err(|error| ControlError::internal(&error))?.contents;
        let users = files.users.map_err(|error| ControlError::internal(&error))?;
        let claims =
            CustomClaims::new(files.claims).with_scopes(self.settings.claim_scopes.clone());
        Ok(Checked { clients, users, claims, looseness: files.looseness })
    }
}
