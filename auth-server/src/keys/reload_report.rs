use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::storage::{RunningServers, ServerId, StoreError};

/// How often a server reports that it runs. Less than the five seconds after which another server
/// considers it ended.
const REPORT_PERIOD: Duration = Duration::from_secs(1);
/// Older than every revision.
const NOTHING_LOADED: i64 = -1;

/// Tells the other servers on the database which revision this one has loaded, so that no key signs
/// before this server publishes it.
pub(super) struct ReloadReports {
    /// `None` if this server is the only one.
    servers: Option<Arc<dyn RunningServers>>,
    id: ServerId,
    last: Mutex<(i64, Instant)>,
}

impl ReloadReports {
    /// Reports a server that loads its keys next.
    pub async fn begin(
        servers: Option<Arc<dyn RunningServers>>,
        id: ServerId,
    ) -> Result<Self, StoreError> {
        if let Some(servers) = &servers {
            servers.report(id, NOTHING_LOADED).await?;
        }
        Ok(Self { servers, id, last: Mutex::new((NOTHING_LOADED, Instant::now())) })
    }

    /// Reports the loaded revision, if it has changed or the last report is a second old. `None`
    /// stands for a reload that failed, after which the server publishes what it did before.
    pub async fn report(&self, loaded: Option<i64>) -> Result<(), StoreError> {
        let Some(servers) = &self.servers else { return Ok(()) };
        let (last, reported_at) = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let revision = loaded.unwrap_or(last);
        if revision == last && reported_at.elapsed() < REPORT_PERIOD {
            return Ok(());
        }
        servers.report(self.id, revision).await?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (revision, Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    #[derive(Default)]
    struct Reported(Mutex<Vec<i64>>);

    #[async_trait]
    impl RunningServers for Reported {
        async fn report(&self, _: ServerId, revision: i64) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(revision);
            Ok(())
        }

        async fn have_loaded(&self, _: i64) -> Result<bool, StoreError> {
            Ok(true)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn server_reports_each_loaded_revision_and_that_it_runs() {
        let reported = Arc::new(Reported::default());
        let servers: Arc<dyn RunningServers> = Arc::<Reported>::clone(&reported);
        let reports = ReloadReports::begin(Some(servers), ServerId([1; 16])).await.unwrap();
        for loaded in [None, Some(7), Some(7), None] {
            reports.report(loaded).await.unwrap();
        }
        assert_eq!(*reported.0.lock().unwrap(), [-1, 7]);
        tokio::time::advance(REPORT_PERIOD).await;
        // The reload failed, and the server publishes the keys that it loaded before.
        reports.report(None).await.unwrap();
        reports.report(Some(8)).await.unwrap();
        assert_eq!(*reported.0.lock().unwrap(), [-1, 7, 7, 8]);
    }
}
