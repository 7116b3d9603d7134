//! The rules of a users file.

use std::collections::BTreeMap;

use service_kit::Profile;

use super::{UserToml, UsersFileToml, demo_password_problem, is_demo_hash};
use crate::{
    domain::{SecretHash, normalize_password, normalize_username, validate_password_hash},
    typed_json::JsonProblem,
};

const MAX_SUB_BYTES: usize = 255;

/// Checks the entries, and normalizes their names.
///
/// # Errors
/// Returns every problem, with a pointer into the contents.
pub(super) fn checked(
    mut parsed: UsersFileToml,
    profile: Profile,
) -> Result<Vec<UserToml>, Vec<JsonProblem>> {
    let mut problems = Vec::new();
    for (index, user) in parsed.users.iter_mut().enumerate() {
        let at = format!("/users/{index}");
        problems.extend(problem(user, profile).map(|problem| problem.below(&at)));
    }
    problems.extend(duplicate(&parsed.users));
    if !problems.is_empty() {
        return Err(problems);
    }
    for user in &mut parsed.users {
        // The names are valid.
        user.username = normalize_username(&user.username).unwrap_or_default();
    }
    Ok(parsed.users)
}

/// Returns the problem of a user entry, if any, with a pointer into it.
fn problem(user: &UserToml, profile: Profile) -> Option<JsonProblem> {
    let username = &user.username;
    let at = |member: &str, text: String, expected: &str| {
        let text = format!("user `{username}`: {text}");
        Some(JsonProblem::new(format!("/{member}"), text).expecting(expected))
    };
    if let Err(error) = normalize_username(username) {
        let text = format!("user {username:?}: {error}");
        return Some(JsonProblem::new("/username", text).expecting("a name as RFC 8265 has it"));
    }
    // Limits of the `sub` claim (OpenID Connect Core §2).
    let is_sub =
        |sub: &String| !sub.trim().is_empty() && sub.len() <= MAX_SUB_BYTES && sub.is_ascii();
    if user.sub.as_ref().is_some_and(|sub| !is_sub(sub)) {
        let text = format!("sub must have 1 to {MAX_SUB_BYTES} ASCII characters");
        return at("sub", text, "1 to 255 ASCII characters");
    }
    match (&user.password, &user.password_hash) {
        (Some(_), None) if profile.is_production() => {
            let text = "production rejects plain passwords; use password_hash".to_owned();
            at("password", text, "no such member")
        }
        (Some(password), None) => {
            let problem = normalize_password(password).err()?;
            at("password", problem.to_string(), "a password as RFC 8265 has it")
        }
        (None, Some(phc)) => match validate_password_hash(phc, profile.is_production()) {
            Err(problem) => {
                let text = format!("password_hash {problem}");
                at("password_hash", text, "an Argon2id hash as a PHC string")
            }
            Ok(())
                if profile.is_production() && is_demo_hash(&SecretHash::Argon2id(phc.clone())) =>
            {
                let text = demo_password_problem(username);
                Some(JsonProblem::new("/password_hash", text).expecting("another password"))
            }
            Ok(()) => None,
        },
        _ => {
            let text = "set either password or password_hash".to_owned();
            at("password", text, "a password, or `password_hash` in its place")
        }
    }
}

/// Returns the problem of two users with the same `sub`, which clients could not distinguish, or
/// with two spellings of one name.
fn duplicate(users: &[UserToml]) -> Option<JsonProblem> {
    let (mut subs, mut names) = (BTreeMap::new(), BTreeMap::new());
    users.iter().enumerate().find_map(|(index, user)| {
        let username = &user.username;
        let same_sub = user.sub.as_deref().and_then(|sub| subs.insert(sub, username));
        let same_name =
            normalize_username(username).ok().and_then(|name| names.insert(name, username));
        let problem = |first: &String, what, member: &str| {
            let text = format!("users `{first}` and `{username}` have the same {what}");
            JsonProblem::new(format!("/users/{index}/{member}"), text).expecting("another one")
        };
        let by_sub = same_sub.map(|first| problem(first, "sub", "sub"));
        by_sub.or_else(|| same_name.map(|first| problem(first, "name", "username")))
    })
}
