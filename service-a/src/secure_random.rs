use aws_lc_rs::rand;

/// Random bytes from the system generator. Passed as an argument, like the clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SecureRandom;

/// The system random number generator failed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system random number generator failed")]
pub struct SecureRandomError;

impl SecureRandom {
    /// Returns `N` random bytes.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn bytes<const N: usize>(self) -> Result<[u8; N], SecureRandomError> {
        let mut bytes = [0; N];
        rand::fill(&mut bytes).map_err(|_| SecureRandomError)?;
        Ok(bytes)
    }
}
