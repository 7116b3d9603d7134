use std::io::Read;

use anyhow::{Context, bail, ensure};
use clap::Args;
use oauth_types::ClientSecret;
use service_kit::{Profile, secret_weakness};

use crate::{
    SecureRandom,
    domain::{SecretHash, hash_password, new_secret, validate_password_hash},
};

/// Where the secret of a client comes from.
#[derive(Debug, Args)]
pub(super) struct SecretOptions {
    /// Read the secret from standard input instead of generating one
    #[arg(long)]
    secret_stdin: bool,
    /// Read the Argon2id hash of the secret from standard input, as a PHC string
    #[arg(long, conflicts_with = "secret_stdin")]
    secret_hash_stdin: bool,
    /// Accept a secret on standard input that is easy to guess
    #[arg(long, requires = "secret_stdin")]
    allow_weak_secret: bool,
}

/// A secret for a client. A generated one has to be printed, because C keeps only its hash.
pub(super) struct NewSecret {
    pub(super) hash: SecretHash,
    pub(super) generated: Option<ClientSecret>,
}

impl SecretOptions {
    /// Returns whether a secret or its hash comes from standard input.
    pub(super) fn is_given(&self) -> bool {
        self.secret_stdin || self.secret_hash_stdin
    }

    /// Generates the secret, or reads it.
    ///
    /// # Errors
    /// Returns an error if what is read is not a secret that can be used.
    pub(super) fn secret(
        &self,
        profile: Profile,
        random: &SecureRandom,
    ) -> anyhow::Result<NewSecret> {
        if self.secret_hash_stdin {
            let phc = line_from_stdin()?;
            validate_password_hash(&phc, profile.is_production())
                .map_err(|problem| anyhow::anyhow!("the hash on standard input {problem}"))?;
            return Ok(NewSecret { hash: SecretHash::Argon2id(phc), generated: None });
        }
        if !self.secret_stdin {
            let generated = new_secret(random.bytes()?);
            let hash = SecretHash::sha256(&generated);
            return Ok(NewSecret { hash, generated: Some(generated) });
        }
        let chosen = ClientSecret::new(line_from_stdin()?);
        ensure!(!chosen.expose().is_empty(), "the secret on standard input is empty");
        ensure!(
            chosen.expose().chars().all(|c| matches!(c, ' '..='~')),
            "the secret on standard input has a character that no client can send (RFC 6749 appendix A.2)"
        );
        let weakness = secret_weakness(chosen.expose());
        if let Some(problem) = weakness.filter(|_| !self.allow_weak_secret) {
            bail!(
                "the secret on standard input {problem}: omit --secret-stdin and C generates one, or add --allow-weak-secret"
            );
        }
        let hash = hash_password(chosen.expose(), random.bytes()?)
            .map_err(|error| anyhow::anyhow!("the secret: {error}"))?;
        Ok(NewSecret { hash, generated: None })
    }
}

fn line_from_stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("failed to read the secret from standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
