//! Argon2id in memory that goes back to the system after each hash.

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{
        Error, Result,
        phc::{Output, ParamsString, Salt},
    },
};
use aws_lc_rs::constant_time;

/// The size of the reservation for the memory of a hash, in KiB, which is the size of a block.
///
/// glibc's allocator maps an allocation of more than 32 MiB by itself and unmaps it when it is
/// freed. It keeps smaller ones for the thread that freed them, once it has seen one of their size:
/// 19 MiB for each thread that has ever hashed. The pages beyond those that the hash fills are
/// never touched, so they take no memory.
const RESERVED_BLOCKS: usize = 33 * 1_024;

/// The work that computing a hash takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashCost {
    /// The crate's defaults: 19 MiB, 2 passes, as OWASP recommends.
    Recommended,
    /// The least that the algorithm allows, for passwords that are no secrets: those of a seed,
    /// which the control API exports.
    Least,
}

impl HashCost {
    fn params(self) -> Result<Params> {
        match self {
            Self::Recommended => Ok(Params::default()),
            Self::Least => Ok(Params::new(Params::MIN_M_COST, Params::MIN_T_COST, 1, None)?),
        }
    }
}

/// Hashes a secret.
pub(super) fn hash(secret: &str, salt: &[u8], cost: HashCost) -> Result<PasswordHash> {
    let hasher = Argon2::new(Algorithm::Argon2id, Version::default(), cost.params()?);
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(hasher.params())?,
        salt: Some(Salt::new(salt)?),
        hash: Some(compute(&hasher, secret, salt, Params::DEFAULT_OUTPUT_LEN)?),
    })
}

/// Returns whether the secret has this hash. Compares in constant time.
pub(super) fn matches(hash: &PasswordHash, secret: &str) -> bool {
    recompute(hash, secret).is_ok_and(|(expected, found)| {
        constant_time::verify_slices_are_equal(expected.as_bytes(), found.as_bytes()).is_ok()
    })
}

/// Returns the output of `hash`, and that of `secret` with the same parameters.
fn recompute(hash: &PasswordHash, secret: &str) -> Result<(Output, Output)> {
    let (Some(salt), Some(expected)) = (&hash.salt, hash.hash) else {
        return Err(Error::PasswordInvalid);
    };
    let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
    let version = hash.version.map(Version::try_from).transpose()?.unwrap_or_default();
    let hasher = Argon2::new(algorithm, version, Params::try_from(hash)?);
    let found = compute(&hasher, secret, salt, expected.len())?;
    Ok((expected, found))
}

fn compute(hasher: &Argon2<'_>, secret: &str, salt: &[u8], output_len: usize) -> Result<Output> {
    #[cfg(test)]
    COMPUTED.with(|computed| computed.set(computed.get() + 1));
    let blocks = hasher.params().block_count();
    let mut memory = Vec::with_capacity(blocks.max(RESERVED_BLOCKS));
    memory.resize(blocks, Block::default());
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..output_len).ok_or(Error::OutputSize)?;
    hasher.hash_password_into_with_memory(secret.as_bytes(), salt, output, &mut memory[..])?;
    Ok(Output::new(output)?)
}

#[cfg(test)]
thread_local! {
    static COMPUTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Returns how many hashes this thread has computed.
#[cfg(test)]
pub fn computed_hashes() -> usize {
    COMPUTED.with(std::cell::Cell::get)
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};

    use super::*;

    #[test]
    fn hashes_are_those_of_the_crate() {
        let own = hash("a secret", &[7; 16], HashCost::Recommended).unwrap();
        let other = Argon2::default().hash_password_with_salt(b"a secret", &[7; 16]).unwrap();
        assert_eq!(own.to_string(), other.to_string());
        assert!(Argon2::default().verify_password(b"a secret", &own).is_ok());
        assert!(matches(&own, "a secret") && !matches(&own, "another"));
        let least = hash("a secret", &[7; 16], HashCost::Least).unwrap();
        assert!(least.to_string().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{least}");
        assert!(matches(&least, "a secret") && !matches(&least, "another"));
        let weaker = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQxMjM0NTY$";
        let params = Params::new(8, 1, 1, None).unwrap();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let weak = weak.hash_password_with_salt(b"a secret", b"somesalt123456").unwrap();
        assert!(weak.to_string().starts_with(weaker), "{weak}");
        assert!(matches(&weak, "a secret") && !matches(&weak, "another"));
    }
}
