use aws_lc_rs::rand;

/// Where randomness comes from: the machine. It is handed down like the clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entropy;

/// The machine has no randomness to give. Nobody is logged in then.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct NoEntropy;

impl Entropy {
    /// # Errors
    /// When the system gives none.
    pub fn bytes<const N: usize>(self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        rand::fill(&mut bytes).map_err(|_| NoEntropy)?;
        Ok(bytes)
    }
}
