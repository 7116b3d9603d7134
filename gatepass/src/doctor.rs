//! `gatepass doctor`: checks all servers of the demo, with its settings and those of the
//! environment on top.

mod data_folder;

use std::{net::ToSocketAddrs, time::Duration};

use ::doctor::{Change, Checks, Diagnosis, DoctorArguments, Report};
use anyhow::Context;
use auth_server::doctor::RedirectUriQuery;
use clap::Args;
use clock::Clock;
use service_b::ServiceBSettings;
use service_kit::{cli, local_connect_address};
use tokio::{net::TcpStream, time::timeout};

use self::data_folder::examine_data_folder;
use crate::{
    data_arguments::DataArguments,
    settings::{Addresses, StackSettings},
};

/// A server on this machine accepts a connection sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const ENVIRONMENT_OF_B: &str = "GATEPASS__SERVICE_B__";

/// The options of `gatepass doctor`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    output: DoctorArguments,
    #[command(flatten)]
    data: DataArguments,
    /// Whether the demo runs with `--https`
    #[arg(long)]
    https: bool,
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
    let mut stack = StackSettings::demo(arguments.data.folder());
    stack.urls_from_ports = true;
    if arguments.https {
        stack = stack.with_https();
    }
    let environment = arguments.data.without_data_dir(cli::environment()?);
    let targets = targets(stack, &environment)?;
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
    stack = stack.with_environment(environment.to_vec())?;
    let tls = address(&stack.auth_server.tls_listen)?;
    let addresses = Addresses {
        auth_server: if stack.https() { tls } else { address(&stack.auth_server.listen)? },
        auth_server_tls: tls,
        service_a: address(&stack.service_a.listen)?,
        b_local: address(&stack.b_local.listen)?,
        b_introspection: address(&stack.b_introspection.listen)?,
        flow_viewer: address(&stack.flow_viewer.listen)?,
    };
    stack.connect(&addresses)?;
    // The demo has written it, unless these servers run without the demo.
    let clients = stack.own_clients_file();
    if stack.own_clients().is_some() && clients.exists() {
        stack.auth_server.clients_file = Some(clients);
    }
    Ok(DoctorTargets { stack, single_b })
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
    let c = if stack.https() { &stack.auth_server.tls_listen } else { &stack.auth_server.listen };
    let mut addresses = vec![c.as_str(), &stack.service_a.listen, &stack.b_local.listen];
    addresses.extend((!single_b).then_some(&*stack.b_introspection.listen));
    if !any_listens(&addresses).await {
        return vec![nothing_runs(&addresses)];
    }
    if let Some(report) = examine_data_folder(targets, clock).await {
        return vec![report];
    }
    let query = redirect_uri_of_a(stack);
    let (c, a, bs) = tokio::join!(
        auth_server::doctor::examine(&stack.auth_server, &query, clock),
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
fn redirect_uri_of_a(stack: &StackSettings) -> RedirectUriQuery {
    let login = service_a::doctor::platform_login(&stack.service_a)
        .filter(|login| login.issuer == stack.auth_server.issuer());
    login.map_or_else(RedirectUriQuery::default, |login| RedirectUriQuery {
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
