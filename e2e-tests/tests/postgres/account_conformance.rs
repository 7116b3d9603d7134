use service_a::accounts::{PostgresAccounts, conformance};
use test_support::postgres::shared;

struct Fresh {
    store: PostgresAccounts,
}

async fn fresh() -> Fresh {
    Fresh { store: PostgresAccounts::connect(&shared().fresh_database()).await.unwrap() }
}

conformance::suite!(fresh);

#[tokio::test]
async fn last_failed_login_of_each_provider_is_kept() {
    let url = shared().fresh_database();
    let store = PostgresAccounts::connect(&url).await.unwrap();
    let inspect = async || PostgresAccounts::inspect(&url).await;
    conformance::last_failed_login_of_each_provider_is_kept(&store, inspect).await;
}
