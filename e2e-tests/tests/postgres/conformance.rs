use auth_server::store::{PostgresStore, conformance};
use postgres_cluster::shared;

struct Fresh {
    store: PostgresStore,
}

async fn fresh() -> Fresh {
    Fresh { store: PostgresStore::connect(&shared().fresh_database()).await.unwrap() }
}

conformance::suite!(fresh);
