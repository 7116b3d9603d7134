use std::{io, sync::Arc};

use futures_util::future::try_join_all;
use service_kit::{
    CancellationToken, OutageSimulator, Server,
    tls::{DevCertificate, ServerCertificate, with_cert_reload},
};
use tokio::task::JoinHandle;

use crate::{
    background::{self, BackgroundTasks},
    control::{ControlContext, watch_seed_file},
};

/// What runs until the public listeners close.
pub(super) struct PublicListeners {
    /// Those of each issuer.
    pub tasks: Vec<BackgroundTasks>,
    pub outage: OutageSimulator,
    pub http: Option<Server>,
    pub tls: Option<Server>,
    /// The listeners that further issuers have of their own.
    pub further: Vec<Server>,
    pub control: Option<Server>,
    pub seed: Option<Arc<ControlContext>>,
    pub certificates: Option<ServerCertificate>,
    pub dev_certificate: Option<DevCertificate>,
}

impl PublicListeners {
    pub(super) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let audits: Vec<_> = self.tasks.iter().map(|tasks| tasks.audit.clone()).collect();
        let background =
            self.tasks.into_iter().map(|tasks| tokio::spawn(background::run(tasks, stop.clone())));
        let renewal = self
            .dev_certificate
            .map(|certificate| tokio::spawn(certificate.keep_renewed(stop.clone())));
        let seed = self.seed.map(|control| tokio::spawn(watch_seed_file(control, stop.clone())));
        let tasks = background.chain(renewal).chain(seed);
        let tasks = try_join_all(tasks.map(|task| fail_if_task_ends(task, &stop)));
        let further = self
            .further
            .into_iter()
            .map(|server| server.run_with_outages(&self.outage, stop.clone()));
        let further = try_join_all(further);
        let tls = async {
            match self.tls {
                Some(server) => {
                    with_cert_reload(server, self.certificates, &stop)
                        .run_with_outages(&self.outage, stop.clone())
                        .await
                }
                None => Ok(()),
            }
        };
        let http = async {
            match self.http {
                Some(server) => server.run_with_outages(&self.outage, stop.clone()).await,
                None => Ok(()),
            }
        };
        let control = async {
            match self.control {
                Some(server) => server.run(stop.clone()).await,
                None => Ok(()),
            }
        };
        let served = tokio::try_join!(http, tls, further, control, tasks);
        for audit in audits {
            audit.store_all_counts().await;
        }
        served?;
        Ok(())
    }
}

/// Fails if a background task fails, which stops C: without its tasks it would not notice disabled
/// clients. On shutdown, returns without waiting for the task.
async fn fail_if_task_ends(background: JoinHandle<()>, stop: &CancellationToken) -> io::Result<()> {
    tokio::select! {
        ended = background => ended.map_err(io::Error::other),
        () = stop.cancelled() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failed_background_task_stops_the_server() {
        let stop = CancellationToken::new();
        let broken = tokio::spawn(async { panic!("a bug") });
        assert!(fail_if_task_ends(broken, &stop).await.is_err());
    }

    #[tokio::test]
    async fn shutdown_does_not_wait_for_background_tasks() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(fail_if_task_ends(tokio::spawn(std::future::pending()), &stop).await.is_ok());
    }
}
