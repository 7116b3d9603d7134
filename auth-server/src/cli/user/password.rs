use std::{
    collections::BTreeSet,
    io::{IsTerminal, Read, Write, stderr, stdin},
};

use anyhow::{Context, bail, ensure};
use oauth_types::Password;
use service_kit::{Profile, cli::translated, platform::HiddenInput};
use zeroize::Zeroizing;

use crate::{
    SecureRandom,
    domain::{SecretHash, hash_password, is_well_known, normalize_password},
};

/// Minimum password length in characters (NIST SP 800-63B §3.1.1.2).
const MIN_LENGTH: usize = 8;
const MIN_DISTINCT_CHARACTERS: usize = 4;
/// Passwords of sufficient length that attackers try first.
const COMMON: [&str; 28] = [
    "1234567890",
    "123456789",
    "12345678",
    "123123123",
    "1q2w3e4r",
    "1qaz2wsx",
    "abcd1234",
    "administrator",
    "baseball",
    "changeme",
    "computer",
    "football",
    "iloveyou",
    "letmein1",
    "passw0rd",
    "password",
    "password!",
    "password1",
    "password123",
    "princess",
    "qwerty123",
    "qwertyui",
    "qwertyuiop",
    "starwars",
    "sunshine",
    "superman",
    "trustno1",
    "welcome1",
];

/// Reads a new password from standard input, at a terminal twice and without showing it. Returns
/// its hash.
pub(super) fn new_password(
    username: &str,
    profile: Profile,
    random: &SecureRandom,
) -> anyhow::Result<SecretHash> {
    let (text, whence) = match stdin().is_terminal() {
        true => (typed_twice(username)?, "the password"),
        false => (line_from_stdin()?, "the password on standard input"),
    };
    let password = normalize_password(&Password::new(text.as_str()))?;
    ensure!(
        password.expose().chars().count() >= MIN_LENGTH,
        "{whence} has fewer than {MIN_LENGTH} characters"
    );
    let is_rejected = profile.is_production();
    if let Some(problem) = weakness(password.expose(), username).filter(|_| is_rejected) {
        bail!("{whence} {problem}; profile = \"production\" rejects it, choose another");
    }
    hash_password(password.expose(), random.bytes()?)
        .map_err(|error| anyhow::anyhow!("the password: {error}"))
}

fn line_from_stdin() -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    stdin().read_to_string(&mut text).context("failed to read the password from standard input")?;
    Ok(without_line_end(&text))
}

fn typed_twice(username: &str) -> anyhow::Result<Zeroizing<String>> {
    let hidden = HiddenInput::begin().context("failed to hide the password")?;
    let first = typed(&format!("Password for {username}: "))?;
    let second = typed("The same password again: ")?;
    drop(hidden);
    ensure!(first == second, "the two passwords differ");
    Ok(first)
}

fn typed(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    write!(stderr(), "{}", translated(prompt))?;
    let mut line = Zeroizing::new(Vec::new());
    for byte in stdin().lock().bytes() {
        match byte.context("failed to read the password")? {
            b'\n' => break,
            HiddenInput::INTERRUPT => {
                writeln!(stderr())?;
                bail!("interrupted")
            }
            byte => line.push(byte),
        }
    }
    // The line end that was typed is hidden too.
    writeln!(stderr())?;
    Ok(without_line_end(std::str::from_utf8(&line).context("the password is not UTF-8")?))
}

/// The line break ends the line. It is not part of the password, unlike spaces before it.
fn without_line_end(line: &str) -> Zeroizing<String> {
    Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Returns why a password is easy to guess. A sign-in with a demo password fails in production even
/// if it is right.
fn weakness(password: &str, username: &str) -> Option<String> {
    let lowercase = password.to_lowercase();
    let distinct: BTreeSet<char> = password.chars().collect();
    if is_well_known(password) {
        Some("is a public demo password".to_owned())
    } else if COMMON.contains(&lowercase.as_str()) {
        Some("is one of the most common ones".to_owned())
    } else if lowercase == username.to_lowercase() {
        Some("is the user name".to_owned())
    } else if distinct.len() < MIN_DISTINCT_CHARACTERS {
        Some(format!("has fewer than {MIN_DISTINCT_CHARACTERS} different characters"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_easy_to_guess_are_found() {
        for (password, reason) in [
            ("wonderland", "demo password"),
            ("looking-glass", "demo password"),
            ("Password123", "most common"),
            ("Zoe.Zola", "the user name"),
            ("abababab", "different characters"),
        ] {
            let found = weakness(password, "zoe.zola").unwrap();
            assert!(found.contains(reason), "{password}: {found}");
        }
        assert_eq!(weakness("a password of her own", "zoe.zola"), None);
    }
}
