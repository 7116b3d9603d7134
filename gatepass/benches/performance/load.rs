//! The load: many connections, each with one request in flight, from threads of their own.

use std::{
    cell::{RefCell, RefMut},
    future::Future,
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

pub const CONNECTIONS: usize = 64;
/// Two, so that a single load thread is never the bottleneck.
const THREADS: usize = 2;

/// A supply of requests.
pub struct Supply {
    requests: Vec<Vec<u8>>,
    total: usize,
    taken: AtomicUsize,
}

/// The result of a round. A response other than 200 fails the whole run.
pub struct Round {
    responses: usize,
    elapsed: Duration,
}

impl Supply {
    /// The same request without limit.
    pub fn forever(request: Vec<u8>) -> Arc<Self> {
        Self::times(request, usize::MAX)
    }

    /// The same request `total` times.
    pub fn times(request: Vec<u8>, total: usize) -> Arc<Self> {
        Arc::new(Self { requests: vec![request], total, taken: AtomicUsize::new(0) })
    }

    /// Each request once.
    pub fn each_once(requests: Vec<Vec<u8>>) -> Arc<Self> {
        Arc::new(Self { total: requests.len(), requests, taken: AtomicUsize::new(0) })
    }

    fn next(&self) -> Option<&[u8]> {
        let index = self.taken.fetch_add(1, Ordering::Relaxed);
        (index < self.total).then(|| self.requests[index % self.requests.len()].as_slice())
    }
}

impl Round {
    /// Responses per second.
    #[expect(clippy::cast_precision_loss, reason = "a benchmark has fewer than 2^52 responses")]
    pub fn rate(&self) -> f64 {
        self.responses as f64 / self.elapsed.as_secs_f64()
    }
}

/// A client that calls repeatedly over its own connection.
pub trait Caller: Send + 'static {
    /// Makes a call, or several that count as one. Returns false if none is left.
    fn call(
        &mut self,
        connection: &mut Connection,
    ) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

impl Caller for Arc<Supply> {
    async fn call(&mut self, connection: &mut Connection) -> anyhow::Result<bool> {
        let Some(request) = self.next() else { return Ok(false) };
        connection.call(request).await?;
        Ok(true)
    }
}

/// Clients that keep their state between rounds.
pub struct ClientPool<C>(RefCell<Vec<C>>);

impl<C: Caller> ClientPool<C> {
    pub fn new(callers: Vec<C>) -> Self {
        Self(RefCell::new(callers))
    }

    /// Calls for this long, or until no call is left.
    pub fn fire(&self, address: SocketAddr, time: Duration) -> anyhow::Result<Round> {
        let (callers, round) = fire_by(address, self.0.take(), time)?;
        self.0.replace(callers);
        Ok(round)
    }

    pub fn clients(&self) -> RefMut<'_, Vec<C>> {
        self.0.borrow_mut()
    }
}

/// Sends for this long, or until the supply is used up.
pub fn fire(address: SocketAddr, supply: &Arc<Supply>, time: Duration) -> anyhow::Result<Round> {
    fire_by(address, vec![Arc::clone(supply); CONNECTIONS], time).map(|(_, round)| round)
}

fn fire_by<C: Caller>(
    address: SocketAddr,
    mut callers: Vec<C>,
    time: Duration,
) -> anyhow::Result<(Vec<C>, Round)> {
    let started = Instant::now();
    let others = callers.split_off(callers.len() / THREADS);
    let (back, responses) = thread::scope(|scope| {
        // Start both threads before joining either.
        let threads = [callers, others]
            .map(|some| scope.spawn(move || fire_on_this_thread(address, some, started + time)));
        let mut together = (Vec::new(), 0);
        for thread in threads {
            let (some, responses) =
                thread.join().map_err(|_| anyhow::anyhow!("a load thread failed"))??;
            together.0.extend(some);
            together.1 += responses;
        }
        anyhow::Ok(together)
    })?;
    Ok((back, Round { responses, elapsed: started.elapsed() }))
}

fn fire_on_this_thread<C: Caller>(
    address: SocketAddr,
    callers: Vec<C>,
    until: Instant,
) -> anyhow::Result<(Vec<C>, usize)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut connections = JoinSet::new();
    for caller in callers {
        connections.spawn_on(call_repeatedly(address, caller, until), runtime.handle());
    }
    runtime.block_on(async {
        let (mut callers, mut all) = (Vec::new(), 0);
        while let Some(done) = connections.join_next().await {
            let (caller, responses) = done??;
            callers.push(caller);
            all += responses;
        }
        Ok((callers, all))
    })
}

async fn call_repeatedly<C: Caller>(
    address: SocketAddr,
    mut caller: C,
    until: Instant,
) -> anyhow::Result<(C, usize)> {
    let mut connection = Connection::open(address).await?;
    let mut responses = 0;
    while Instant::now() < until && caller.call(&mut connection).await? {
        responses += 1;
    }
    Ok((caller, responses))
}
