use anyhow::bail;

use crate::storage::StoreError;

/// More concurrent changes than that do not come from people.
const ATTEMPTS: usize = 10;

/// Runs a command that reads, changes and stores something. Runs it again if that was changed
/// since it was read.
pub(super) async fn retry_if_changed(
    command: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for _ in 0..ATTEMPTS {
        match command().await {
            Err(error) if is_changed_since_read(&error) => {}
            result => return result,
        }
    }
    bail!(StoreError::ChangedSinceRead)
}

fn is_changed_since_read(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::ChangedSinceRead))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn attempts(fail: impl Fn(usize) -> anyhow::Result<()>) -> (usize, bool) {
        let attempts = Cell::new(0);
        let command = async || {
            attempts.set(attempts.get() + 1);
            fail(attempts.get())
        };
        let result = retry_if_changed(command).await;
        (attempts.get(), result.is_ok())
    }

    #[tokio::test]
    async fn command_is_repeated_only_after_a_concurrent_change() {
        let changed = || Err(StoreError::ChangedSinceRead.into());
        assert_eq!(attempts(|_| Ok(())).await, (1, true));
        assert_eq!(attempts(|at| if at < 3 { changed() } else { Ok(()) }).await, (3, true));
        assert_eq!(attempts(|_| changed()).await, (ATTEMPTS, false));
        assert_eq!(attempts(|_| Err(anyhow::anyhow!("other"))).await, (1, false));
    }
}
