use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::{digest, rand};

/// Source of random bytes: the system generator, or in tests a seed.
#[derive(Clone, Default)]
pub struct SecureRandom(Option<Arc<AtomicU64>>);

/// The system random number generator failed. Nothing is issued then.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system random number generator failed")]
pub struct SecureRandomError;

impl SecureRandom {
    pub fn system() -> Self {
        Self(None)
    }

    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(AtomicU64::new(seed))))
    }

    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], SecureRandomError> {
        let mut bytes = [0; N];
        match &self.0 {
            None => rand::fill(&mut bytes).map_err(|_| SecureRandomError)?,
            Some(seed) => {
                for chunk in bytes.chunks_mut(32) {
                    let next = seed.fetch_add(1, Ordering::SeqCst).to_be_bytes();
                    chunk.copy_from_slice(
                        &digest::digest(&digest::SHA256, &next).as_ref()[..chunk.len()],
                    );
                }
            }
        }
        Ok(bytes)
    }
}
