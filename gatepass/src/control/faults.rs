use clap::{Args, Subcommand};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use service_kit::cli::print_line;

use super::ControlTarget;

/// The options of `gatepass faults`.
#[derive(Debug, Args)]
pub(crate) struct FaultsArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an endpoint fail, and print the id of the fault
    Add(Box<AddArguments>),
    /// Print the faults as JSON
    List(ControlTarget),
    /// Delete all faults
    Clear(ControlTarget),
}

#[derive(Debug, Args)]
struct AddArguments {
    /// The endpoint, such as `jwks`, `token` or `userinfo`
    on: String,
    /// Only for requests of this client
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// How often. Without it, until the fault is deleted
    #[arg(long)]
    times: Option<u32>,
    /// Answer with this status
    #[arg(long)]
    status: Option<u16>,
    /// The body of that answer
    #[arg(long)]
    body: Option<String>,
    /// Answer so many milliseconds later
    #[arg(long, value_name = "MILLISECONDS")]
    delay_ms: Option<u64>,
    /// Answer with this OAuth error code
    #[arg(long, value_name = "CODE")]
    oauth_error: Option<String>,
    /// End the connection after so many bytes of the body
    #[arg(long, value_name = "BYTES")]
    truncate: Option<usize>,
    /// Answer with a body that is not JSON
    #[arg(long)]
    garbage: bool,
    /// End the connection
    #[arg(long)]
    close: bool,
    /// Answer with a key set without the keys that sign now
    #[arg(long)]
    stale_keys: bool,
    #[command(flatten)]
    target: ControlTarget,
}

/// Adds, lists or deletes faults.
///
/// # Errors
/// Returns the error of the control API.
pub(crate) fn faults(arguments: &FaultsArguments) -> anyhow::Result<()> {
    const PATH: &str = "/control/faults";
    match &arguments.command {
        Command::Add(add) => {
            let fault =
                add.target.call(Method::POST, PATH, Some(&add.fault()), StatusCode::CREATED)?;
            print_line(fault["id"].to_string())?;
        }
        Command::List(target) => {
            let list = target.call(Method::GET, PATH, None, StatusCode::OK)?;
            print_line(serde_json::to_string_pretty(&list["faults"])?)?;
        }
        Command::Clear(target) => {
            target.call(Method::DELETE, PATH, None, StatusCode::NO_CONTENT)?;
        }
    }
    Ok(())
}

impl AddArguments {
    fn fault(&self) -> Value {
        let client = self.client.as_ref().map(|id| json!({ "client_id": id }));
        let flag = |is_set: bool| is_set.then_some(true);
        let action = given([
            ("status", json!(self.status)),
            ("body", json!(self.body)),
            ("delay_ms", json!(self.delay_ms)),
            ("oauth_error", json!(self.oauth_error)),
            ("truncate", json!(self.truncate)),
            ("garbage", json!(flag(self.garbage))),
            ("close", json!(flag(self.close))),
            ("stale_keys", json!(flag(self.stale_keys))),
        ]);
        given([
            ("on", json!(self.on)),
            ("match", json!(client)),
            ("times", json!(self.times)),
            ("do", action),
        ])
    }
}

/// Returns the members that have a value.
fn given<const N: usize>(members: [(&str, Value); N]) -> Value {
    let set = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(set.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
