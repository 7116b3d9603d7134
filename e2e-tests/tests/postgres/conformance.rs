use auth_server::store::{PostgresStore, conformance};

use crate::cluster::shared;

struct Fresh {
    store: PostgresStore,
}

async fn fresh() -> Fresh {
    Fresh { store: PostgresStore::connect(&shared().fresh_database()).await.unwrap() }
}

conformance::suite!(fresh);
