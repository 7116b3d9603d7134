//! The load: many connections, each with one request under way, from threads that serve nothing.

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

/// Who calls again and again, over a connection of its own.
pub trait Caller: Send + 'static {
    /// Make a call, or several that count as one. Says whether there was one left to make.
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

/// Callers who go on in the next round where they were.
pub struct Crowd<C>(RefCell<Vec<C>>);

impl<C: Caller> Crowd<C> {
    pub fn new(callers: Vec<C>) -> Self {
        Self(RefCell::new(callers))
    }

    /// Call for so long, or until there is nothing left to call.
    pub fn fire(&self, address: SocketAddr, time: Duration) -> anyhow::Result<Round> {
        let (callers, round) = fire_by(address, self.0.take(), time)?;
        self.0.replace(callers);
        Ok(round)
    }

    pub fn callers(&self) -> RefMut<'_, Vec<C>> {
        self.0.borrow_mut()
    }
}

/// Send for so long, or until the supply is used up.
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
    let (back, answered) = thread::scope(|scope| {
        // Both have to be started before either is waited for.
        let threads = [callers, others]
            .map(|some| scope.spawn(move || fire_from_here(address, some, started + time)));
        let mut together = (Vec::new(), 0);
        for thread in threads {
            let (some, answered) =
                thread.join().map_err(|_| anyhow::anyhow!("a load thread failed"))??;
            together.0.extend(some);
            together.1 += answered;
        }
        anyhow::Ok(together)
    })?;
    Ok((back, Round { answered, took: started.elapsed() }))
}

fn fire_from_here<C: Caller>(
    address: SocketAddr,
    callers: Vec<C>,
    until: Instant,
) -> anyhow::Result<(Vec<C>, usize)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut connections = JoinSet::new();
    for caller in callers {
        connections.spawn_on(call_again_and_again(address, caller, until), runtime.handle());
    }
    runtime.block_on(async {
        let (mut callers, mut all) = (Vec::new(), 0);
        while let Some(done) = connections.join_next().await {
            let (caller, answered) = done??;
            callers.push(caller);
            all += answered;
        }
        Ok((callers, all))
    })
}

async fn call_again_and_again<C: Caller>(
    address: SocketAddr,
    mut caller: C,
    until: Instant,
) -> anyhow::Result<(C, usize)> {
    let mut connection = Connection::open(address).await?;
    let mut answered = 0;
    while Instant::now() < until && caller.call(&mut connection).await? {
        answered += 1;
    }
    Ok((caller, answered))
}
