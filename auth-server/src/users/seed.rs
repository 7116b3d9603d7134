//! Creates the users of a TOML file at startup.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, ensure};
use oauth_types::{Password, StandardClaims};
use serde::Deserialize;
use service_kit::{Profile, describe_toml_error};

use crate::{
    SecureRandom,
    domain::{
        Actor, SecretHash, User, hash_password, new_sub, normalize_password, normalize_username,
        validate_password_hash,
    },
    storage::{AuditedChange, Store, StoreError},
};

const DEMO: &str = include_str!("demo-users.toml");
const LONGEST_SUB: usize = 255;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersFileToml {
    #[serde(default)]
    users: Vec<UserToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserToml {
    username: String,
    /// Generated if missing.
    sub: Option<String>,
    /// Plaintext password, for development.
    password: Option<Password>,
    /// Argon2id PHC string, so that the file contains no password.
    password_hash: Option<String>,
    #[serde(default)]
    claims: StandardClaims,
}

/// Creates the users of `file` that do not exist yet. Without a file, creates the demo users,
/// except in production. Existing users are not changed.
///
/// # Errors
/// Returns an error if the file or the database cannot be used.
pub async fn seed_users(
    file: Option<&Path>,
    profile: Profile,
    store: &dyn Store,
    entropy: &SecureRandom,
    now: i64,
) -> anyhow::Result<()> {
    for entry in read(file, profile)? {
        if store.user_by_username(&entry.username).await?.is_some() {
            continue;
        }
        let user = entry.into_user(entropy)?;
        match store.apply(AuditedChange::add_user(user, Actor::System, now * 1_000)).await {
            // Another server has created the user at the same time.
            Err(StoreError::UserExists(_)) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Rejects a database that contains enabled demo users, because their passwords are public.
///
/// # Errors
/// Returns an error that names the demo users, or an error if the database cannot be used.
pub async fn refuse_demo_users(store: &dyn Store) -> anyhow::Result<()> {
    let mut known = Vec::new();
    for UserToml { username, .. } in read(None, Profile::Demo)? {
        let user = store.user_by_username(&username).await?.filter(|user| user.enabled);
        if user.is_some_and(|user| is_demo_hash(&user.password)) {
            known.push(username);
        }
    }
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
    let demo = toml::from_str::<UsersFileToml>(DEMO).map(|parsed| parsed.users);
    let hashes = demo.unwrap_or_default().into_iter().filter_map(|user| user.password_hash);
    hashes.into_iter().any(|phc| phc.as_bytes() == password.cache_key())
}

/// Returns a problem for each user of `file` with a password of the demo. Blocking: it computes
/// several slow hashes for each user.
pub fn well_known_password_problems(file: Option<&Path>) -> Vec<String> {
    let users = file.and_then(|file| read(Some(file), Profile::Production).ok());
    let is_known = |user: &UserToml| {
        let hash = user.password_hash.clone().map(SecretHash::Argon2id);
        hash.is_some_and(|hash| hash.is_of_well_known_secret())
    };
    let known = users.unwrap_or_default().into_iter().filter(is_known);
    known.map(|UserToml { username, .. }| demo_password_problem(&username)).collect()
}

fn demo_password_problem(username: &str) -> String {
    format!("user `{username}`: the password is a public demo password; set another one")
}

/// Validates the users of `file` without creating them.
///
/// # Errors
/// Returns an error if the file cannot be used.
pub fn check_users(file: Option<&Path>, profile: Profile) -> anyhow::Result<()> {
    read(file, profile).map(drop)
}

fn read(file: Option<&Path>, profile: Profile) -> anyhow::Result<Vec<UserToml>> {
    match file {
        None if profile.is_production() => Ok(Vec::new()),
        None => parse("the demo users", DEMO, profile),
        Some(file) => {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("failed to read the users file {name}"))?;
            parse(&name, &text, profile)
        }
    }
}

fn parse(name: &str, text: &str, profile: Profile) -> anyhow::Result<Vec<UserToml>> {
    let refused = |error| anyhow::anyhow!("{name}: {}", describe_toml_error(text, &error));
    let mut parsed: UsersFileToml = toml::from_str(text).map_err(refused)?;
    let entry_problems = parsed.users.iter().filter_map(|user| problem(user, profile));
    let problems: Vec<_> = entry_problems.chain(duplicate(&parsed.users)).collect();
    ensure!(problems.is_empty(), "{name}: {}", problems.join("; "));
    for user in &mut parsed.users {
        user.username = normalize_username(&user.username)?;
    }
    Ok(parsed.users)
}

/// Returns the problem of a user entry, if any.
fn problem(user: &UserToml, profile: Profile) -> Option<String> {
    let username = &user.username;
    if let Err(error) = normalize_username(username) {
        return Some(format!("user {username:?}: {error}"));
    }
    // Limits of the `sub` claim (OpenID Connect Core §2).
    if user
        .sub
        .as_ref()
        .is_some_and(|sub| sub.trim().is_empty() || sub.len() > LONGEST_SUB || !sub.is_ascii())
    {
        return Some(format!(
            "user `{username}`: sub must have 1 to {LONGEST_SUB} ASCII characters"
        ));
    }
    match (&user.password, &user.password_hash) {
        (Some(_), None) if profile.is_production() => Some(format!(
            "user `{username}`: production rejects plain passwords; use password_hash"
        )),
        (Some(password), None) => {
            normalize_password(password).err().map(|error| format!("user `{username}`: {error}"))
        }
        (None, Some(phc)) => match validate_password_hash(phc, profile.is_production()) {
            Err(problem) => Some(format!("user `{username}`: password_hash {problem}")),
            Ok(())
                if profile.is_production() && is_demo_hash(&SecretHash::Argon2id(phc.clone())) =>
            {
                Some(demo_password_problem(username))
            }
            Ok(()) => None,
        },
        _ => Some(format!("user `{username}`: set either password or password_hash")),
    }
}

/// Returns the problem of two users with the same `sub`, which clients could not distinguish, or
/// with two spellings of one name.
fn duplicate(users: &[UserToml]) -> Option<String> {
    let (mut subs, mut names) = (BTreeMap::new(), BTreeMap::new());
    users.iter().find_map(|user| {
        let username = &user.username;
        let same_sub = user.sub.as_deref().and_then(|sub| subs.insert(sub, username));
        let same_name =
            normalize_username(username).ok().and_then(|name| names.insert(name, username));
        let problem =
            |first: &String, what| format!("users `{first}` and `{username}` have the same {what}");
        let by_sub = same_sub.map(|first| problem(first, "sub"));
        by_sub.or_else(|| same_name.map(|first| problem(first, "name")))
    })
}

impl UserToml {
    fn into_user(self, entropy: &SecureRandom) -> anyhow::Result<User> {
        let password = match (self.password_hash, self.password) {
            (Some(phc), _) => SecretHash::Argon2id(phc),
            (None, password) => {
                let password = normalize_password(&password.context("the password is missing")?)?;
                hash_password(password.expose(), entropy.bytes()?).map_err(|error| {
                    anyhow::anyhow!(
                        "user `{}`: failed to hash the password: {error}",
                        self.username
                    )
                })?
            }
        };
        let sub = match self.sub {
            Some(sub) => sub,
            None => new_sub(entropy.bytes()?),
        };
        Ok(User {
            sub,
            username: self.username,
            password,
            claims: self.claims.without_empty(),
            enabled: true,
            device_generation: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::computed_hashes,
        storage::{SqliteStore, UserStore},
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
        for (user, password) in
            parse("demo", DEMO, Profile::Demo).unwrap().iter().zip(["wonderland", "builder"])
        {
            let hash = SecretHash::Argon2id(user.password_hash.clone().unwrap());
            assert!(hash.matches(password), "{}", user.username);
        }
    }

    #[test]
    fn production_rejects_demo_passwords_under_any_user_name() {
        let refusal = parse("users.toml", DEMO, Profile::Production).err().unwrap().to_string();
        assert!(
            refusal.contains("`alice`: the password is a public demo password")
                && refusal.contains("`bob`: the password is a public demo password"),
            "{refusal}"
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
        let (entropy, production) = (SecureRandom::seeded(1), Profile::Production);
        seed_users(Some(&file), production, &store, &entropy, 1).await.unwrap();
        refuse_demo_users(&store).await.unwrap();
        check_users(Some(&file), production).unwrap();
        assert_eq!((computed_hashes(), store.users().await.unwrap().len()), (before, 3));
        let problems = well_known_password_problems(Some(&file)).join(" ");
        assert!(problems.contains("`alice`") && problems.contains("`carol`"), "{problems}");
        assert!(!problems.contains("`dave`"), "{problems}");
    }

    #[test]
    fn error_of_a_users_file_quotes_no_password() {
        let refused =
            |text: &str, profile| parse("users.toml", text, profile).err().unwrap().to_string();
        let plain = "[[users]]\nusername = \"a\"\npassword = \"s3cret\"\n";
        assert!(parse("users.toml", plain, Profile::Demo).is_ok());
        let refusal = refused(plain, Profile::Production);
        assert!(refusal.contains("plain passwords") && !refusal.contains("s3cret"), "{refusal}");
        assert!(refused("[[users]]\nusername = \"a\"\n", Profile::Demo).contains("set either"));
        let no_hash = "[[users]]\nusername = \"a\"\npassword_hash = \"x\"\n";
        assert!(refused(no_hash, Profile::Demo).contains("PHC"));
        for password in ["s3cret", "20240117", "2024.0117", "2024-01-17", "[\"s3cret\"]"] {
            let broken = refused(
                &format!("[[users]]\nusername = \"a\"\npassword = {password}\n"),
                Profile::Demo,
            );
            assert!(
                broken.contains("line 3") && !broken.contains("s3cret") && !broken.contains("2024"),
                "{broken}"
            );
        }
        for name in ["", " lead", "two\\nlines"] {
            let refusal = refused(&plain.replace("\"a\"", &format!("\"{name}\"")), Profile::Demo);
            assert!(refusal.contains("the user name"), "{refusal}");
        }
        let spellings = format!("{plain}{}", plain.replace("\"a\"", "\"A\""));
        assert!(refused(&spellings, Profile::Demo).contains("`a` and `A` have the same name"));
        let long = plain.replace("s3cret", &"s3cret".repeat(200));
        assert!(refused(&long, Profile::Demo).contains("longer than 1024 bytes"));
        let with_sub = |sub: &str| format!("{plain}sub = \"{sub}\"\n");
        for sub in ["", " ", "ü", &"x".repeat(256)] {
            let refusal = refused(&with_sub(sub), Profile::Demo);
            assert!(refusal.contains("`a`: sub must have 1 to 255 ASCII characters"), "{refusal}");
        }
        assert!(parse("users.toml", &with_sub(&"x".repeat(255)), Profile::Demo).is_ok());
        let twice = format!("{}{}", with_sub("1"), with_sub("1").replace("\"a\"", "\"b\""));
        assert!(refused(&twice, Profile::Demo).contains("users `a` and `b` have the same sub"));
    }
}
