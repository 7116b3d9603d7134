//! The load: many connections, each with one request under way, from threads that serve nothing.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::connection::Connection;

const CONNECTIONS: usize = 64;
/// Two, so that one of them is never what both sides wait for.
const THREADS: usize = 2;

/// The requests that are sent.
pub struct Supply {
    requests: Vec<Vec<u8>>,
    total: usize,
    taken: AtomicUsize,
}

/// What came of it. One answer that is not 200 fails the whole run.
pub struct Round {
    answered: usize,
    took: Duration,
}

impl Supply {
    /// The same request without end.
    pub fn forever(request: Vec<u8>) -> Arc<Self> {
        Self::times(request, usize::MAX)
    }

    /// The same request so many times.
    pub fn times(request: Vec<u8>, total: usize) -> Arc<Self> {
        Arc::new(Self { requests: vec![request], total, taken: AtomicUsize::new(0) })
    }

    /// Each of these once.
    pub fn each_once(requests: Vec<Vec<u8>>) -> Arc<Self> {
        Arc::new(Self { total: requests.len(), requests, taken: AtomicUsize::new(0) })
    }

    fn next(&self) -> Option<&[u8]> {
        let place = self.taken.fetch_add(1, Ordering::Relaxed);
        (place < self.total).then(|| self.requests[place % self.requests.len()].as_slice())
    }
}

impl Round {
    /// Answers in a second.
    #[expect(clippy::cast_precision_loss, reason = "a benchmark answers less than 2^52 requests")]
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

/// Send for so long, or until the supply is used up.
pub fn fire(address: SocketAddr, supply: &Arc<Supply>, time: Duration) -> anyhow::Result<Round> {
    let started = Instant::now();
    let answered: anyhow::Result<usize> = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(|| fire_from_here(address, supply, started + time)));
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a load thread failed"))?).sum()
    });
    Ok(Round { answered: answered?, took: started.elapsed() })
}

fn fire_from_here(address: SocketAddr, supply: &Arc<Supply>, until: Instant) -> anyhow::Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS / THREADS {
        connections.spawn_on(call_again_and_again(address, Arc::clone(supply), until), runtime.handle());
    }
    runtime.block_on(async {
        let mut answered = 0;
        while let Some(done) = connections.join_next().await {
            answered += done??;
        }
        Ok(answered)
    })
}

async fn call_again_and_again(address: SocketAddr, supply: Arc<Supply>, until: Instant) -> anyhow::Result<usize> {
    let mut connection = Connection::open(address).await?;
    let mut answered = 0;
    while Instant::now() < until {
        let Some(request) = supply.next() else { break };
        connection.call(request).await?;
        answered += 1;
    }
    Ok(answered)
}
