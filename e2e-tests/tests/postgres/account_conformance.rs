use service_a::accounts::{PostgresAccounts, conformance};
use test_support::postgres::shared;

struct Fresh {
    store: PostgresAccounts,
}

async fn fresh() -> Fresh {
    Fresh { store: PostgresAccounts::connect(&shared().fresh_database()).await.unwrap() }
}

conformance::suite!(fresh);
