use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt, stream};
use service_kit::CancellationToken;
use tokio::sync::watch::Receiver;

use super::MAX_LISTED_FLOWS;
use crate::flows::FlowStore;

/// The shortest time between two updates of one page.
const UPDATE_INTERVAL: Duration = Duration::from_millis(200);

struct Subscription {
    flows: Arc<FlowStore>,
    revisions: Receiver<u64>,
    /// The revision of the last update; 0 before the first.
    sent_revision: u64,
}

/// `GET /api/live`: server-sent events, each with the flows that changed since the previous one.
/// The stream ends when the server shuts down.
pub async fn live(
    State(flows): State<Arc<FlowStore>>,
    State(shutdown): State<CancellationToken>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let revisions = flows.subscribe();
    let subscription = Subscription { flows, revisions, sent_revision: 0 };
    let updates = stream::unfold(subscription, next_update);
    Sse::new(updates.take_until(shutdown.cancelled_owned())).keep_alive(KeepAlive::default())
}

async fn next_update(
    mut subscription: Subscription,
) -> Option<(Result<Event, Infallible>, Subscription)> {
    // The first update is sent at once, so that a page that reconnects has missed nothing.
    if subscription.sent_revision > 0 {
        subscription.revisions.changed().await.ok()?;
        tokio::time::sleep(UPDATE_INTERVAL).await;
    }
    let revision = *subscription.revisions.borrow_and_update();
    let changed = subscription.flows.changed_since(subscription.sent_revision, MAX_LISTED_FLOWS);
    subscription.sent_revision = revision.max(1);
    // Serializing plain structures cannot fail.
    let event = Event::default().event("flows").json_data(changed).unwrap_or_default();
    Some((Ok(event), subscription))
}
