use sqlx::PgConnection;

use crate::{
    accounts::{StoreError, Visitor},
    random_id::Digest,
};

/// Wait until nobody else is deciding about this visitor's name or address, until the transaction
/// ends. There may be no row yet that two could meet at: the numbers that stand for the names are
/// what they meet at.
pub(super) async fn claim(
    connection: &mut PgConnection,
    visitor: &Visitor,
) -> Result<(), StoreError> {
    let identity = &visitor.identity;
    let name = number(&format!("identity {} {}", identity.issuer, identity.subject));
    let address =
        visitor.profile.email.as_ref().map(|email| number(&format!("email {}", email.key())));
    let mut numbers: Vec<i64> = address.into_iter().chain([name]).collect();
    // In one order for all, so that two never wait for each other.
    numbers.sort_unstable();
    for number in numbers {
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(number)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Two names with one number wait for each other without need, and no more than that.
fn number(name: &str) -> i64 {
    let Digest(hash) = Digest::of(name);
    i64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
}
