//! Creates the users of a TOML file at startup.

mod rules;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::LazyLock,
};

use anyhow::{Context, ensure};
use oauth_types::{Password, StandardClaims};
use serde::Deserialize;
use service_kit::{Profile, describe_toml_error};

use self::rules::checked;
use crate::{
    SecureRandom,
    domain::{
        Actor, Attributes, HashCost, SecretHash, User, hash_password_at, new_sub,
        normalize_password,
    },
    storage::UserStore,
    typed_json::JsonProblem,
};

const DEMO: &str = include_str!("demo-users.toml");
/// Names and password hashes of the demo users.
static DEMO_USERS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let demo = toml::from_str::<UsersFileToml>(DEMO).map(|parsed| parsed.users);
    let named = |user: UserToml| Some((user.username, user.password_hash?));
    demo.unwrap_or_default().into_iter().filter_map(named).collect()
});

/// The contents of a users file, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersFileToml {
    /// The users, whom C adds at the start if they do not exist.
    #[serde(default)]
    users: Vec<UserToml>,
}

/// An entry of `[[users]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserToml {
    /// The name to sign in with. Required.
    pub username: String,
    /// The user's `sub` in tokens. Generated if missing.
    pub sub: Option<String>,
    /// Plaintext password, for development.
    password: Option<Password>,
    /// Argon2id PHC string, so that the file contains no password.
    password_hash: Option<String>,
    /// Claims about the user (OpenID Connect Core §5.1).
    #[serde(default)]
    claims: StandardClaims,
    /// Any JSON by name, for custom claims.
    #[serde(default)]
    attributes: Attributes,
}

/// The users of a users file, with valid names and passwords.
#[derive(Default)]
pub struct UsersFile {
    pub users: Vec<UserToml>,
    /// What was parsed.
    pub text: String,
}

/// Creates the users of `file` that do not exist yet, with one query and one transaction. Existing
/// users are not changed.
///
/// # Errors
/// Returns an error if the database cannot be used.
pub async fn seed_users(
    file: UsersFile,
    store: &dyn UserStore,
    random: &SecureRandom,
    now: i64,
) -> anyhow::Result<()> {
    let names: Vec<String> = file.users.iter().map(|entry| entry.username.clone()).collect();
    let existing = store.users_by_username(&names).await?;
    let existing: BTreeSet<&str> = existing.iter().map(|user| &*user.username).collect();
    let missing = file.users.into_iter().filter(|entry| !existing.contains(&*entry.username));
    create_users(missing, store, random, HashCost::Recommended, now).await?;
    Ok(())
}

/// Creates users that do not exist, in one transaction, and returns them. `cost` is that of hashing
/// plain passwords.
///
/// # Errors
/// Returns an error if the database cannot be used.
pub async fn create_users(
    entries: impl IntoIterator<Item = UserToml>,
    store: &dyn UserStore,
    random: &SecureRandom,
    cost: HashCost,
    now: i64,
) -> anyhow::Result<Vec<User>> {
    let users = entries.into_iter().map(|entry| entry.into_user(random, cost));
    let users: Vec<User> = users.collect::<anyhow::Result<_>>()?;
    if !users.is_empty() {
        store.add_missing_users(users.clone(), Actor::System, now * 1_000).await?;
    }
    Ok(users)
}

/// Rejects a database that contains enabled demo users, because their passwords are public.
///
/// # Errors
/// Returns an error that names the demo users, or an error if the database cannot be used.
pub async fn ensure_no_demo_users(store: &dyn UserStore) -> anyhow::Result<()> {
    let names: Vec<String> = DEMO_USERS.keys().cloned().collect();
    let users = store.users_by_username(&names).await?;
    let known = users.into_iter().filter(|user| user.enabled && is_demo_hash(&user.password));
    let known: Vec<String> = known.map(|user| user.username).collect();
    ensure!(
        known.is_empty(),
        "the database contains demo users with public passwords: {}. Set other passwords with `user set-password`, \
         disable the users with `user disable`, or use another database",
        known.join(" ")
    );
    Ok(())
}

/// Returns whether this is the hash of a demo user. Compares the hashes, which takes no time. A
/// demo password behind another hash is rejected when it is presented.
fn is_demo_hash(password: &SecretHash) -> bool {
    DEMO_USERS.values().any(|phc| phc.as_bytes() == password.cache_key())
}

impl UsersFile {
    /// Reads `file`. Without a file, returns the demo users, and in production none.
    ///
    /// # Errors
    /// Returns an error that names every problem of the file.
    pub fn read(file: Option<&Path>, profile: Profile) -> anyhow::Result<Self> {
        let (name, text) = match file {
            None if profile.is_production() => (String::new(), String::new()),
            None => ("the demo users".to_owned(), DEMO.to_owned()),
            Some(file) => {
                let name = file.display().to_string();
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("failed to read the users file {name}"))?;
                (name, text)
            }
        };
        Ok(Self { users: parse(&name, &text, profile)?, text })
    }

    /// Checks contents that did not come from a file.
    ///
    /// # Errors
    /// Returns every problem, with a pointer into the contents.
    pub fn of(parsed: UsersFileToml, profile: Profile) -> Result<Self, Vec<JsonProblem>> {
        Ok(Self { users: checked(parsed, profile)?, text: String::new() })
    }

    /// Returns a problem for each user with a password of the demo. Blocking: it computes several
    /// slow hashes for each user.
    pub fn well_known_password_problems(&self) -> impl Iterator<Item = String> {
        let is_known = |user: &&UserToml| {
            let hash = user.password_hash.clone().map(SecretHash::Argon2id);
            hash.is_some_and(|hash| hash.is_of_well_known_secret())
        };
        self.users.iter().filter(is_known).map(|user| demo_password_problem(&user.username))
    }
}

fn demo_password_problem(username: &str) -> String {
    format!("user `{username}`: the password is a public demo password; set another one")
}

fn parse(name: &str, text: &str, profile: Profile) -> anyhow::Result<Vec<UserToml>> {
    let invalid = |error| anyhow::anyhow!("{name}: {}", describe_toml_error(text, &error));
    let parsed: UsersFileToml = toml::from_str(text).map_err(invalid)?;
    checked(parsed, profile)
        .map_err(|problems| anyhow::anyhow!("{name}: {}", JsonProblem::descriptions(&problems)))
}

impl UserToml {
    /// Returns the user with this `sub`, and a password that was hashed before.
    pub fn with_password(self, sub: String, password: SecretHash) -> User {
        User {
            sub,
            username: self.username,
            password,
            claims: self.claims.without_empty(),
            attributes: self.attributes,
            enabled: true,
            device_generation: 0,
        }
    }

    /// Returns the user. Blocking: it computes a slow hash if the entry has a plain password.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn into_user(mut self, random: &SecureRandom, cost: HashCost) -> anyhow::Result<User> {
        let password = match (self.password_hash.take(), self.password.take()) {
            (Some(phc), _) => SecretHash::Argon2id(phc),
            (None, password) => {
                let password = normalize_password(&password.context("the password is missing")?)?;
                hash_password_at(cost, password.expose(), random.bytes()?).map_err(|error| {
                    anyhow::anyhow!(
                        "user `{}`: failed to hash the password: {error}",
                        self.username
                    )
                })?
            }
        };
        let sub = match self.sub.take() {
            Some(sub) => sub,
            None => new_sub(random.bytes()?),
        };
        Ok(self.with_password(sub, password))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::{
        domain::{AuditQuery, computed_hashes, hash_password},
        storage::{Installation, SqliteStore, Store, StoreError},
    };

    #[test]
    fn demo_users_have_every_standard_claim() {
        for user in parse("demo", DEMO, Profile::Demo).unwrap() {
            let claims = serde_json::to_value(&user.claims).unwrap();
            for name in StandardClaims::NAMES {
                assert!(claims.get(name).is_some(), "{} has no {name}", user.username);
            }
        }
    }

    #[test]
    fn demo_passwords_match_their_hashes() {
        for (user, password) in parse("demo", DEMO, Profile::Demo).unwrap().iter().zip([
            "wonderland",
            "builder",
            "looking-glass",
        ]) {
            let hash = SecretHash::Argon2id(user.password_hash.clone().unwrap());
            assert!(hash.matches(password), "{}", user.username);
        }
    }

    #[test]
    fn production_rejects_demo_passwords_under_any_user_name() {
        let error = parse("users.toml", DEMO, Profile::Production).err().unwrap().to_string();
        assert!(
            error.contains("`alice`: the password is a public demo password")
                && error.contains("`bob`: the password is a public demo password"),
            "{error}"
        );
        let renamed = DEMO.replace("\"alice\"", "\"carol\"");
        assert!(
            parse("users.toml", &renamed, Profile::Production)
                .err()
                .unwrap()
                .to_string()
                .contains("`carol`")
        );
    }

    #[tokio::test]
    async fn start_computes_no_slow_hash_and_check_config_judges_every_password() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.toml");
        let entry = |username: &str, password: &str| {
            let SecretHash::Argon2id(phc) = hash_password(password, [7; 16]).unwrap() else {
                panic!("a PHC")
            };
            format!("[[users]]\nusername = \"{username}\"\npassword_hash = \"{phc}\"\n")
        };
        let users =
            [("alice", "wonderland"), ("carol", "builder"), ("dave", "a password of his own")];
        let users = users.map(|(username, password)| entry(username, password)).concat();
        std::fs::write(&file, users).unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        let before = computed_hashes();
        let (random, production) = (SecureRandom::seeded(1), Profile::Production);
        let read = || UsersFile::read(Some(&file), production).unwrap();
        seed_users(read(), &store, &random, 1).await.unwrap();
        ensure_no_demo_users(&store).await.unwrap();
        assert_eq!((computed_hashes(), store.users().await.unwrap().len()), (before, 3));
        let problems = read().well_known_password_problems().collect::<Vec<_>>().join(" ");
        assert!(problems.contains("`alice`") && problems.contains("`carol`"), "{problems}");
        assert!(!problems.contains("`dave`"), "{problems}");
    }

    #[tokio::test]
    async fn users_of_the_file_have_its_attributes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.toml");
        let text = |attributes: &str| {
            format!(
                "[[users]]\nusername = \"dave\"\npassword = \"of dave\"\n\
                 [users.attributes]\n{attributes}\n"
            )
        };
        std::fs::write(&file, text("roles = [\"auditor\"]\norg = { unit = 7 }")).unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        let random = SecureRandom::seeded(1);
        let read = UsersFile::read(Some(&file), Profile::Test).unwrap();
        seed_users(read, &store, &random, 1).await.unwrap();
        let dave = store.user_by_username("dave").await.unwrap().unwrap();
        let unit = ["org".to_owned(), "unit".to_owned()];
        assert_eq!(dave.attributes.get(&unit), Some(&serde_json::json!(7)));
        let large = text(&format!("note = \"{}\"", "x".repeat(4_096)));
        let error = parse("users.toml", &large, Profile::Test).err().unwrap().to_string();
        assert!(error.contains("bytes as JSON") && !error.contains("xxx"), "{error}");
    }

    /// Counts the calls of a database.
    struct CountingStore {
        store: SqliteStore,
        calls: AtomicUsize,
    }

    impl CountingStore {
        fn counted(&self) -> &SqliteStore {
            self.calls.fetch_add(1, Ordering::Relaxed);
            &self.store
        }
    }

    #[async_trait]
    impl UserStore for CountingStore {
        async fn update_installation(
            &self,
            fresh: [u8; 32],
            issuer: &str,
        ) -> Result<Installation, StoreError> {
            self.counted().update_installation(fresh, issuer).await
        }

        async fn users(&self) -> Result<Vec<User>, StoreError> {
            self.counted().users().await
        }

        async fn user(&self, sub: &str) -> Result<Option<User>, StoreError> {
            self.counted().user(sub).await
        }

        async fn user_by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
            self.counted().user_by_username(username).await
        }

        async fn users_by_username(&self, usernames: &[String]) -> Result<Vec<User>, StoreError> {
            self.counted().users_by_username(usernames).await
        }

        async fn add_missing_users(
            &self,
            users: Vec<User>,
            actor: Actor,
            at_millis: i64,
        ) -> Result<(), StoreError> {
            self.counted().add_missing_users(users, actor, at_millis).await
        }
    }

    #[tokio::test]
    async fn number_of_queries_does_not_grow_with_the_users() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("c.db")).await.unwrap();
        let store = CountingStore { store, calls: AtomicUsize::new(0) };
        let phc = DEMO_USERS.values().next().unwrap();
        let random = SecureRandom::seeded(1);
        let seed = async |count: usize| {
            let entry = |number| {
                format!("[[users]]\nusername = \"u{number}\"\npassword_hash = \"{phc}\"\n")
            };
            let text: String = (0..count).map(entry).collect();
            let users = parse("users.toml", &text, Profile::Test).unwrap();
            let file = UsersFile { users, text };
            seed_users(file, &store, &random, 1).await.unwrap();
            (store.calls.swap(0, Ordering::Relaxed), store.store.users().await.unwrap().len())
        };
        // A query, and a transaction if a user is missing.
        assert_eq!(seed(1).await, (2, 1));
        assert_eq!(seed(300).await, (2, 300));
        assert_eq!(seed(300).await, (1, 300));
        let query = AuditQuery { limit: 1_000, ..AuditQuery::default() };
        assert_eq!(store.store.audit(&query).await.unwrap().len(), 300);
    }

    #[test]
    fn error_of_a_users_file_quotes_no_password() {
        let error_of =
            |text: &str, profile| parse("users.toml", text, profile).err().unwrap().to_string();
        let plain = "[[users]]\nusername = \"a\"\npassword = \"s3cret\"\n";
        assert!(parse("users.toml", plain, Profile::Demo).is_ok());
        let error = error_of(plain, Profile::Production);
        assert!(error.contains("plain passwords") && !error.contains("s3cret"), "{error}");
        assert!(error_of("[[users]]\nusername = \"a\"\n", Profile::Demo).contains("set either"));
        let no_hash = "[[users]]\nusername = \"a\"\npassword_hash = \"x\"\n";
        assert!(error_of(no_hash, Profile::Demo).contains("PHC"));
        for password in ["s3cret", "20240117", "2024.0117", "2024-01-17", "[\"s3cret\"]"] {
            let broken = error_of(
                &format!("[[users]]\nusername = \"a\"\npassword = {password}\n"),
                Profile::Demo,
            );
            assert!(
                broken.contains("line 3") && !broken.contains("s3cret") && !broken.contains("2024"),
                "{broken}"
            );
        }
        for name in ["", " lead", "two\\nlines"] {
            let error = error_of(&plain.replace("\"a\"", &format!("\"{name}\"")), Profile::Demo);
            assert!(error.contains("the user name"), "{error}");
        }
        let spellings = format!("{plain}{}", plain.replace("\"a\"", "\"A\""));
        assert!(error_of(&spellings, Profile::Demo).contains("`a` and `A` have the same name"));
        let long = plain.replace("s3cret", &"s3cret".repeat(200));
        assert!(error_of(&long, Profile::Demo).contains("longer than 1024 bytes"));
        let with_sub = |sub: &str| format!("{plain}sub = \"{sub}\"\n");
        for sub in ["", " ", "ü", &"x".repeat(256)] {
            let error = error_of(&with_sub(sub), Profile::Demo);
            assert!(error.contains("`a`: sub must have 1 to 255 ASCII characters"), "{error}");
        }
        assert!(parse("users.toml", &with_sub(&"x".repeat(255)), Profile::Demo).is_ok());
        let twice = format!("{}{}", with_sub("1"), with_sub("1").replace("\"a\"", "\"b\""));
        assert!(error_of(&twice, Profile::Demo).contains("users `a` and `b` have the same sub"));
    }
}
