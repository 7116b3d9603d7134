use auth_server::storage::{PostgresStore, conformance};
use test_support::postgres::shared;

struct Fresh {
    store: PostgresStore,
}

async fn fresh() -> Fresh {
    Fresh { store: PostgresStore::connect(&shared().fresh_database()).await.unwrap() }
}

conformance::suite!(fresh);
