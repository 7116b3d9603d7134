use std::sync::Arc;

use serde_json::Value;

use super::{
    AuthServerSettings,
    issuers::{FurtherIssuer, further_issuers},
};
use crate::{
    SecureRandom,
    clients::{ClientRules, ClientsFile, ClientsFileToml, FileError, LoadedClientsFile},
    domain::{CustomClaim, Looseness},
    seed::{MAX_SEED_BYTES, SeedDocument},
    typed_json::{JsonProblem, typed},
    users::seed::{UsersFile, UsersFileToml},
    watched_file::WatchedFile,
};

/// Maximum number of entries of one kind in a seed.
const MAX_SEED_ENTRIES: usize = 10_000;

/// Clients, resources, users and claims, read once for everything that the start does with them:
/// from the seed, or from the files of clients and users and the settings.
pub struct ConfiguredFiles {
    pub clients: Result<LoadedClientsFile, FileError>,
    pub users: anyhow::Result<UsersFile>,
    pub claims: Vec<CustomClaim>,
    /// Rules that do not apply, of the settings and of the seed.
    pub looseness: Looseness,
    /// The seed that all of it comes from, if there is one, or why it cannot be used.
    pub seed: Result<Option<ConfiguredSeed>, String>,
}

/// A seed of the settings.
pub struct ConfiguredSeed {
    pub document: SeedDocument,
    /// Where it was read, unless the setting holds it.
    pub file: Option<WatchedFile>,
    /// The issuers that it has besides the one of the settings.
    pub issuers: Vec<FurtherIssuer>,
    /// Whether it is that of such an issuer.
    pub is_of_further_issuer: bool,
}

impl ConfiguredSeed {
    /// Returns the seed of a server whose files and settings define the same.
    pub fn of_files(document: SeedDocument) -> Self {
        Self { document, file: None, issuers: Vec::new(), is_of_further_issuer: false }
    }

    pub(super) fn of_further_issuer(document: SeedDocument) -> Self {
        Self { document, file: None, issuers: Vec::new(), is_of_further_issuer: true }
    }
}

impl ConfiguredFiles {
    /// Returns the contents of a seed. Their rules are those of the files.
    ///
    /// # Errors
    /// Returns an error that names the part of the seed at fault.
    pub fn of_seed(
        document: &SeedDocument,
        settings: &AuthServerSettings,
        random: &SecureRandom,
    ) -> Result<Self, JsonProblem> {
        let invalid = |text: String| JsonProblem::new("", text);
        if document.longest() > MAX_SEED_ENTRIES {
            return Err(invalid("the seed has too many entries".to_owned())
                .expecting(format!("at most {MAX_SEED_ENTRIES} of a kind")));
        }
        if document.bytes() > MAX_SEED_BYTES {
            return Err(invalid("the seed is too long".to_owned())
                .expecting(format!("at most {MAX_SEED_BYTES} bytes")));
        }
        let own = settings.issuer();
        let is_other = |named: &&str| *named != own && !settings.has_late_issuer();
        if let Some(named) = document.issuer().filter(is_other) {
            let text = format!("the seed is for the issuer `{named}`, and this server is `{own}`");
            return Err(JsonProblem::new("/issuer", text).expecting("that issuer, or no member"));
        }
        // A wrong name in the settings is reported where they are checked.
        let of_settings = &settings.control.looseness;
        let of_settings =
            if Looseness::parse(of_settings).is_ok() { &of_settings[..] } else { &[] };
        let named: Vec<String> = of_settings.iter().chain(document.looseness()).cloned().collect();
        let looseness = Looseness::parse(&named).map_err(|(index, problem)| {
            JsonProblem::new(
                format!("/looseness/{}", index.saturating_sub(of_settings.len())),
                problem,
            )
        })?;
        let rules =
            ClientRules { looseness: Arc::new(looseness.clone()), ..settings.client_rules() };
        let parsed: ClientsFileToml = typed(document.clients_file())?;
        let clients =
            ClientsFile::of("the seed", parsed, &rules, random).map_err(|error| match error {
                FileError::Unsound { problems, .. } => JsonProblem::joined(problems),
                other => invalid(other.to_string()),
            })?;
        let parsed: UsersFileToml = typed(document.users_file())?;
        let users = UsersFile::of(parsed, settings.profile).map_err(JsonProblem::joined)?;
        let claims = typed(Value::from(document.claims().to_vec())).map_err(|problem| {
            JsonProblem { pointer: format!("/claims{}", problem.pointer), ..problem }
        })?;
        Ok(Self {
            clients: Ok(LoadedClientsFile::without_file(clients)),
            users: Ok(users),
            claims,
            looseness,
            seed: Ok(None),
        })
    }

    /// Removes the issuers that the seed has besides the one of the settings.
    pub fn take_further_issuers(&mut self) -> Vec<FurtherIssuer> {
        match &mut self.seed {
            Ok(Some(seed)) => std::mem::take(&mut seed.issuers),
            _ => Vec::new(),
        }
    }

    pub fn read(settings: &AuthServerSettings, random: &SecureRandom) -> Self {
        match Self::read_seed(settings, random) {
            Ok(Some(files)) => files,
            Ok(None) => Self::read_files(settings, random),
            // Nothing else is wrong, so that the error is the only one.
            Err(problem) => Self {
                clients: Ok(LoadedClientsFile::without_file(ClientsFile::default())),
                users: Ok(UsersFile::default()),
                claims: Vec::new(),
                looseness: Looseness::default(),
                seed: Err(problem),
            },
        }
    }

    fn read_files(settings: &AuthServerSettings, random: &SecureRandom) -> Self {
        let AuthServerSettings { clients_file, users_file, profile, .. } = settings;
        Self {
            clients: LoadedClientsFile::read(clients_file.clone(), settings.client_rules(), random),
            users: UsersFile::read(users_file.as_deref(), *profile),
            claims: settings.claims.clone(),
            looseness: settings.looseness(),
            seed: Ok(None),
        }
    }

    fn read_seed(
        settings: &AuthServerSettings,
        random: &SecureRandom,
    ) -> Result<Option<Self>, String> {
        let Some(setting) = settings.control.seed_setting()? else { return Ok(None) };
        for (other, is_set) in [
            ("clients_file", settings.clients_file.is_some()),
            ("users_file", settings.users_file.is_some()),
            ("claims", !settings.claims.is_empty()),
        ] {
            if is_set {
                return Err(format!("{other}: is set, and the seed has its own; use only one"));
            }
        }
        let named = |problem: JsonProblem| format!("{setting}: {problem}");
        let (text, file) =
            settings.control.read_seed().map_err(|error| format!("{setting}: {error}"))?;
        let document = SeedDocument::from_text(&text).map_err(named)?;
        let files = Self::of_seed(&document, settings, random).map_err(named)?;
        let issuers = further_issuers(&document, settings, random).map_err(named)?;
        let seed = ConfiguredSeed { document, file, issuers, is_of_further_issuer: false };
        Ok(Some(Self { seed: Ok(Some(seed)), ..files }))
    }
}
