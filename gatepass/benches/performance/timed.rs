use std::time::Instant;

use crate::{connection::Connection, load::Caller};

/// Returns the time since `started`, in microseconds.
pub fn micros_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6
}

/// A client that records the duration of each call.
pub struct Timed<C> {
    caller: C,
    millis: Vec<f64>,
}

impl<C> Timed<C> {
    pub fn new(caller: C) -> Self {
        Self { caller, millis: Vec::new() }
    }

    /// Returns the durations since the last call, in milliseconds.
    pub fn take(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.millis)
    }
}

impl<C: Caller> Caller for Timed<C> {
    async fn call(&mut self, connection: &mut Connection) -> anyhow::Result<bool> {
        let started = Instant::now();
        let called = self.caller.call(connection).await?;
        self.millis.push(started.elapsed().as_secs_f64() * 1e3);
        Ok(called)
    }
}
