//! `gatepass doctor`: checks all servers of the demo, with its settings and those of the
//! environment on top.

use std::{net::ToSocketAddrs, path::PathBuf, time::Duration};

use ::doctor::{Change, Checks, Diagnosis, DoctorArguments, Report};
use anyhow::Context;
use auth_server::doctor::Asked;
use clap::Args;
use clock::Clock;
use service_b::ServiceBSettings;
use service_kit::{Settings, Sources, load, local_connect_address};
use tokio::{net::TcpStream, time::timeout};

use crate::{StackSettings, stack::Addresses};

/// A server on this machine accepts a connection sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const ENVIRONMENT_OF_B: &str = "GATEPASS__SERVICE_B__";

/// The options of `gatepass doctor`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    output: DoctorArguments,
    /// The data folder of the running demo
    #[arg(long, value_name = "FOLDER", default_value = "gatepass-data")]
    data_dir: PathBuf,
}

/// The servers to check.
#[derive(Clone, Debug)]
pub struct DoctorTargets {
    pub stack: StackSettings,
    /// Whether the environment describes the only B; the demo has two.
    pub single_b: bool,
}

/// Runs the checks and prints the report.
///
/// # Errors
/// Returns an error if a setting is invalid or a check failed.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment: Vec<_> = environment.collect();
    let targets = targets(StackSettings::demo(&arguments.data_dir), &environment)?;
    ::doctor::run(&arguments.output, examine(&targets, &Clock::system()))
}

/// Returns the demo's settings, overridden by those of the environment as for each server alone.
///
/// # Errors
/// Returns an error if a setting is unknown or invalid.
pub fn targets(
    mut stack: StackSettings,
    environment: &[(String, String)],
) -> anyhow::Result<DoctorTargets> {
    // An empty value counts as unset, as in `load`.
    let single_b = environment
        .iter()
        .any(|(name, value)| name.starts_with(ENVIRONMENT_OF_B) && !value.is_empty());
    stack.auth_server = with_environment(&stack.auth_server, environment)?;
    let addresses = Addresses {
        auth_server: address(&stack.auth_server.listen)?,
        auth_server_tls: address(&stack.auth_server.tls_listen)?,
        service_a: address(&stack.service_a.listen)?,
        b_local: address(&stack.b_local.listen)?,
        b_introspection: address(&stack.b_introspection.listen)?,
        flow_viewer: address(&stack.flow_viewer.listen)?,
    };
    stack.connect(&addresses)?;
    stack.service_a = with_environment(&stack.service_a, environment)?;
    stack.b_local = with_environment(&stack.b_local, environment)?;
    Ok(DoctorTargets { stack, single_b })
}

fn with_environment<S: Settings>(demo: &S, environment: &[(String, String)]) -> anyhow::Result<S> {
    let sources = Sources {
        base: Some(toml::to_string(demo)?),
        environment: environment.to_vec(),
        ..Sources::default()
    };
    load(&sources).with_context(|| format!("the settings of {}", S::SERVICE))
}

fn address(listen: &str) -> anyhow::Result<std::net::SocketAddr> {
    let found = local_connect_address(listen)
        .and_then(|door| door.to_socket_addrs())
        .with_context(|| format!("the address {listen}"))?;
    found.into_iter().next().with_context(|| format!("the address {listen}"))
}

/// Checks all servers concurrently.
pub async fn examine(targets: &DoctorTargets, clock: &Clock) -> Vec<Report> {
    let DoctorTargets { stack, single_b } = targets;
    let mut addresses =
        vec![&*stack.auth_server.listen, &stack.service_a.listen, &stack.b_local.listen];
    addresses.extend((!single_b).then_some(&*stack.b_introspection.listen));
    if !any_listens(&addresses).await {
        return vec![nothing_runs(&addresses)];
    }
    let asked = redirect_uri_of_a(stack);
    let (c, a, bs) = tokio::join!(
        auth_server::doctor::examine(&stack.auth_server, &asked, clock),
        service_a::doctor::examine(&stack.service_a, clock),
        check_bs(stack, *single_b, clock),
    );
    [c, a].into_iter().chain(bs).collect()
}

async fn check_bs(stack: &StackSettings, single_b: bool, clock: &Clock) -> Vec<Report> {
    if single_b {
        return vec![service_b::doctor::examine(&stack.b_local, None, clock).await];
    }
    let introspection = b("introspection", &stack.b_introspection, clock);
    let local = b("local verification", &stack.b_local, clock);
    let (local, introspection) = tokio::join!(local, introspection);
    vec![local, introspection]
}

async fn b(mode: &str, settings: &ServiceBSettings, clock: &Clock) -> Report {
    let report = service_b::doctor::examine(settings, None, clock).await;
    Report { service: format!("{}, {mode}", report.service), ..report }
}

/// Both sides are known here, so C can name the registered redirect URI closest to A's.
fn redirect_uri_of_a(stack: &StackSettings) -> Asked {
    let login = service_a::doctor::platform_login(&stack.service_a)
        .filter(|login| login.issuer == stack.auth_server.issuer());
    login.map_or_else(Asked::default, |login| Asked {
        redirect_uri: Some(login.redirect_uri),
        client_id: Some(login.client_id),
    })
}

async fn any_listens(addresses: &[&str]) -> bool {
    for listen in addresses {
        let Ok(address) = address(listen) else { continue };
        if timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
            .await
            .is_ok_and(|connected| connected.is_ok())
        {
            return true;
        }
    }
    false
}

fn nothing_runs(addresses: &[&str]) -> Report {
    let mut checks = Checks::default();
    let change = Change::elsewhere(
        "start the demo with `cargo run`, or each server with `gatepass auth-server`, `gatepass service-b` and `gatepass service-a`; if they listen at other addresses, set `GATEPASS__AUTH_SERVER__LISTEN` and the like",
    );
    let compared = "the addresses of the demo and what listens there";
    checks.fail(
        "demo",
        "no server is running",
        Diagnosis::new(compared, addresses.join(" "), "nothing", change),
    );
    Report::of("gatepass", [checks])
}
