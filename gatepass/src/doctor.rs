//! `gatepass doctor`: the doctors of all servers of the demo, with its settings, and above them
//! those of the environment.

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

/// Whoever runs here answers sooner.
const KNOCK: Duration = Duration::from_millis(500);
const ENVIRONMENT_OF_B: &str = "GATEPASS__SERVICE_B__";

/// Where the demo's data is, and how the findings are told.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    output: DoctorArguments,
    /// Where the demo that runs keeps its data
    #[arg(long, value_name = "FOLDER", default_value = "gatepass-data")]
    data_dir: PathBuf,
}

/// Which servers are looked at.
#[derive(Clone, Debug)]
pub struct Patients {
    pub stack: StackSettings,
    /// The environment describes one B; the demo has two.
    pub one_b: bool,
}

/// # Errors
/// When a setting is wrong, or a check failed.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment: Vec<_> = environment.collect();
    let patients = patients(StackSettings::demo(&arguments.data_dir), &environment)?;
    ::doctor::run(&arguments.output, examine(&patients, &Clock::system()))
}

/// The settings with which the demo runs, and above them those of the environment, as each server
/// by itself has them.
///
/// # Errors
/// When a setting is unknown or wrong.
pub fn patients(
    mut stack: StackSettings,
    environment: &[(String, String)],
) -> anyhow::Result<Patients> {
    let one_b = environment.iter().any(|(name, _)| name.starts_with(ENVIRONMENT_OF_B));
    stack.auth_server = above(&stack.auth_server, environment)?;
    let addresses = Addresses {
        auth_server: address(&stack.auth_server.listen)?,
        auth_server_tls: address(&stack.auth_server.tls_listen)?,
        service_a: address(&stack.service_a.listen)?,
        b_local: address(&stack.b_local.listen)?,
        b_introspection: address(&stack.b_introspection.listen)?,
        flow_viewer: address(&stack.flow_viewer.listen)?,
    };
    stack.connect(&addresses)?;
    stack.service_a = above(&stack.service_a, environment)?;
    stack.b_local = above(&stack.b_local, environment)?;
    Ok(Patients { stack, one_b })
}

fn above<S: Settings>(demo: &S, environment: &[(String, String)]) -> anyhow::Result<S> {
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

/// All servers, one after the other in the report, at the same time in fact.
pub async fn examine(patients: &Patients, clock: &Clock) -> Vec<Report> {
    let Patients { stack, one_b } = patients;
    let mut listening =
        vec![&*stack.auth_server.listen, &stack.service_a.listen, &stack.b_local.listen];
    listening.extend((!one_b).then_some(&*stack.b_introspection.listen));
    if !anybody_listens(&listening).await {
        return vec![nothing_runs(&listening)];
    }
    let asked = asked(stack);
    let (c, a, bs) = tokio::join!(
        auth_server::doctor::examine(&stack.auth_server, &asked, clock),
        service_a::doctor::examine(&stack.service_a, clock),
        check_bs(stack, *one_b, clock),
    );
    [c, a].into_iter().chain(bs).collect()
}

async fn check_bs(stack: &StackSettings, one_b: bool, clock: &Clock) -> Vec<Report> {
    if one_b {
        return vec![service_b::doctor::examine(&stack.b_local, None, clock).await];
    }
    let asking = b("asks C", &stack.b_introspection, clock);
    let (local, asking) = tokio::join!(b("checks by itself", &stack.b_local, clock), asking);
    vec![local, asking]
}

async fn b(which: &str, settings: &ServiceBSettings, clock: &Clock) -> Report {
    let report = service_b::doctor::examine(settings, None, clock).await;
    Report { service: format!("{}, which {which}", report.service), ..report }
}

/// Here both sides are known: C can say which of its redirect URIs is the nearest to A's.
fn asked(stack: &StackSettings) -> Asked {
    let login = service_a::doctor::platform_login(&stack.service_a)
        .filter(|login| login.issuer == stack.auth_server.issuer());
    login.map_or_else(Asked::default, |login| Asked {
        redirect_uri: Some(login.redirect_uri),
        client_id: Some(login.client_id),
    })
}

async fn anybody_listens(listening: &[&str]) -> bool {
    for listen in listening {
        let Ok(address) = address(listen) else { continue };
        if timeout(KNOCK, TcpStream::connect(address))
            .await
            .is_ok_and(|connected| connected.is_ok())
        {
            return true;
        }
    }
    false
}

fn nothing_runs(listening: &[&str]) -> Report {
    let mut checks = Checks::default();
    let change = Change::elsewhere(
        "start the demo: `cargo run`, or each server by itself: `gatepass auth-server`, `gatepass service-b`, `gatepass service-a`; where they listen at other addresses, say so by `GATEPASS__AUTH_SERVER__LISTEN` and its like",
    );
    let compared = "the addresses of the demo and who listens there";
    checks.fail(
        "demo",
        "nothing of it runs",
        Diagnosis::new(compared, listening.join(" "), "nobody", change),
    );
    Report::of("gatepass", [checks])
}
