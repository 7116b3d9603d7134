use anyhow::Context;
use clap::Args;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use service_kit::cli::print_line;

use crate::{
    AuthServerSettings,
    domain::{AuditQuery, AuditRecord},
    server::open_existing_store,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only of this client
    #[arg(long)]
    client: Option<String>,
    /// Only of this user
    #[arg(long)]
    sub: Option<String>,
    /// Only of this token
    #[arg(long)]
    jti: Option<String>,
    /// From this moment on, as 2026-01-31T12:00:00Z
    #[arg(long, value_parser = millis)]
    since: Option<i64>,
    /// Up to this moment
    #[arg(long, value_parser = millis)]
    until: Option<i64>,
    /// At most so many records
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, settings: AuthServerSettings) -> anyhow::Result<()> {
    let query = AuditQuery {
        client_id: arguments.client,
        sub: arguments.sub,
        jti: arguments.jti,
        since_millis: arguments.since,
        until_millis: arguments.until,
        limit: arguments.limit,
    };
    let records = open_existing_store(&settings).await?.audit(&query).await?;
    records.iter().try_for_each(|record| {
        print_line(if arguments.json { serde_json::to_string(record)? } else { line(record) })
    })
}

fn line(record: &AuditRecord) -> String {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{}  {:<13} {:<8}  client={}{}  jti={}  scope=\"{}\"  from={}{}",
        rfc3339(record.at_millis),
        record.event.as_str(),
        record.outcome.as_str(),
        shown(&record.client_id),
        record.sub.as_ref().map(|sub| format!("  sub={sub}")).unwrap_or_default(),
        shown(&record.jti),
        record.scope.as_deref().unwrap_or_default(),
        record.address,
        record.error.as_ref().map(|error| format!("  error={error}")).unwrap_or_default(),
    )
}

pub(super) fn rfc3339(millis: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| millis.to_string())
}

fn millis(text: &str) -> anyhow::Result<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).context("write it as 2026-01-31T12:00:00Z")?;
    Ok(i64::try_from(time.unix_timestamp_nanos() / 1_000_000)?)
}
