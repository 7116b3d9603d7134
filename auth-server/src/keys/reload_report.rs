use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::storage::{RunningServers, ServerId, Store, StoreError};

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
    pub async fn begin(store: &dyn Store, id: ServerId) -> Result<Self, StoreError> {
        let servers = store.running_servers();
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
