use std::io::{Write, stderr};

use anyhow::Context;
use clap::Args;
use service_kit::cli::{print_line, translated};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::user::sub_of;
use crate::{
    AuthServerSettings,
    domain::{AuditEvent, AuditQuery, AuditRecord},
    server::open_existing_store,
};

/// Each record has a time, an event, an outcome and an actor: `cli`, `system`, `client:CLIENT_ID`,
/// `user:SUB`, or `-` for a caller that was not authenticated.
///
/// Administrative actions are events too: `client_add`, `client_rotate_secret`, `client_disable`,
/// `client_remove`, `user_add`, `user_set_password`, `user_disable`, `keys_install`,
/// `keys_publish`, `keys_activate`, `keys_rotate`, `keys_withdraw`. Edits of the clients file are
/// not recorded.
///
/// `members` are the names of the metadata members that the server replaced, when a client
/// registers itself.
///
/// A sign-in that fails names the user if there is one of the typed name, and never the name. One
/// that a rate limit rejects, before the user is looked up, names none.
///
/// Of several rejections of one kind, for callers that are not authenticated, the first is a record
/// of its own. The others are counted: `count` is their number within about a minute, and the time
/// is that of the last one. A count without client, user or address stands for several of them.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only records about this client
    #[arg(long, allow_hyphen_values = true)]
    client: Option<String>,
    /// Only records about this user
    #[arg(long, allow_hyphen_values = true)]
    sub: Option<String>,
    /// Only records about the user who signs in with this name
    #[arg(long, value_name = "USERNAME", conflicts_with = "sub")]
    user: Option<String>,
    /// Only records of this event
    #[arg(long, value_parser = event)]
    event: Option<AuditEvent>,
    /// Only records about this access token
    #[arg(long, allow_hyphen_values = true)]
    jti: Option<String>,
    /// Only records from this time on, e.g. 2026-01-31T12:00:00Z
    #[arg(long, value_parser = millis)]
    since: Option<i64>,
    /// Only records up to this time
    #[arg(long, value_parser = millis)]
    until: Option<i64>,
    /// Maximum number of records
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, settings: AuthServerSettings) -> anyhow::Result<()> {
    let store = open_existing_store(&settings).await?;
    let sub = match &arguments.user {
        Some(username) => Some(sub_of(&*store, username).await?),
        None => arguments.sub,
    };
    let query = AuditQuery {
        client_id: arguments.client,
        sub,
        event: arguments.event,
        jti: arguments.jti,
        since_millis: arguments.since,
        until_millis: arguments.until,
        // One more shows whether there are more.
        limit: arguments.limit.saturating_add(1),
    };
    let mut records = store.audit(&query).await?;
    let limit = usize::try_from(arguments.limit)?;
    let has_more = records.len() > limit;
    records.truncate(limit);
    records.iter().try_for_each(|record| {
        print_line(if arguments.json { serde_json::to_string(record)? } else { line(record) })
    })?;
    if has_more {
        // Programs read the records from standard output.
        let note = format!("only the newest {limit} records: there are more, see --limit");
        writeln!(stderr(), "{}", translated(&note))?;
    }
    Ok(())
}

fn event(text: &str) -> anyhow::Result<AuditEvent> {
    AuditEvent::parse(text).with_context(|| {
        let known = AuditEvent::ALL.map(AuditEvent::as_str);
        format!("unknown event; known are {}", known.join(", "))
    })
}

fn line(record: &AuditRecord) -> String {
    let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let optional = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("  {name}={value}")).unwrap_or_default()
    };
    format!(
        "{}  {:<13} {:<9}  actor={}  client={}{}{}  jti={}  scope=\"{}\"{}  from={}{}{}",
        rfc3339(record.at_millis),
        record.event.as_str(),
        record.outcome.as_str(),
        or_dash(&record.actor.as_ref().map(ToString::to_string)),
        or_dash(&record.client_id),
        optional("sub", &record.sub),
        optional("kid", &record.kid),
        or_dash(&record.jti),
        record.scope.as_deref().unwrap_or_default(),
        optional("members", &record.members),
        or_dash(&record.address),
        optional("error", &record.error),
        if record.count > 1 { format!("  count={}", record.count) } else { String::new() },
    )
}

pub(super) fn rfc3339(millis: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| millis.to_string())
}

fn millis(text: &str) -> anyhow::Result<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .context("not an RFC 3339 time, e.g. 2026-01-31T12:00:00Z")?;
    Ok(i64::try_from(time.unix_timestamp_nanos() / 1_000_000)?)
}
