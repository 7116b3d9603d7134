use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch::Receiver;

use super::LISTED;
use crate::{app::App, flows::Flows};

/// So often a page is told of changes at most, however many there are.
const PAUSE: Duration = Duration::from_millis(200);

struct Listening {
    flows: Arc<Flows>,
    changes: Receiver<u64>,
    told: u64,
}

/// `GET /api/live`: server-sent events, each the list of the flows that have changed since the one
/// before. They end when the server is to stop.
pub async fn live(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = app.flows.watch();
    let listening = Listening { flows: app.flows, changes, told: 0 };
    let until = app.ending.cancelled_owned();
    Sse::new(stream::unfold(listening, next).take_until(until)).keep_alive(KeepAlive::default())
}

async fn next(mut listening: Listening) -> Option<(Result<Event, Infallible>, Listening)> {
    // The first list goes out at once: a page that was away misses nothing.
    if listening.told > 0 {
        listening.changes.changed().await.ok()?;
        tokio::time::sleep(PAUSE).await;
    }
    let change = *listening.changes.borrow_and_update();
    let changed = listening.flows.changed_since(listening.told, LISTED);
    listening.told = change.max(1);
    // A list of plain structures always turns into JSON.
    let event = Event::default().event("flows").json_data(changed).unwrap_or_default();
    Some((Ok(event), listening))
}
