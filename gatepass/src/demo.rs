//! The demo: all servers in one process, and the first call printed step by step.

use std::{io::Write, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use auth_server::SecureRandom;
use clock::Clock;
use flow_events::{EventSink, TraceContext};
use service_kit::{
    BindError, CancellationToken, cancel_on_signal,
    telemetry::{self, LogSettings},
};

use crate::{Addresses, Stack, StackReadiness, StackSettings, narrate_call, observe::observe};

/// The capacity of the event sink; more than one call emits.
const EVENTS: usize = 1_024;
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The options of the demo.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DemoArguments {
    /// The folder of the database, the keys and the development CA
    #[arg(long, value_name = "FOLDER", default_value = "gatepass-data")]
    data_dir: PathBuf,
    /// Let A also send its secret to B, and B accept it, to show what OAuth avoids
    #[arg(long)]
    legacy_secret_demo: bool,
    /// The log filter in the syntax of `tracing-subscriber`: `info`, or `warn,auth_server=debug`
    #[arg(long, default_value = "warn")]
    log: String,
    /// Listen on free ports, instead of 9000 to 9004 and 9443
    #[arg(long)]
    free_ports: bool,
    /// Serve health, readiness and metrics of each server on 9100 to 9104, or on free ports
    #[arg(long)]
    manage: bool,
    /// Exit after the first call
    #[arg(long)]
    once: bool,
}

/// Starts all servers, makes and prints the first call, and runs until Ctrl-C.
pub(crate) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let log = LogSettings { filter: arguments.log.clone(), ..LogSettings::default() };
    let _telemetry = telemetry::init("gatepass", &log)?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    let mut settings = choose_settings(&arguments);
    settings.urls_from_ports = arguments.free_ports;
    settings.service_a.legacy_secret_demo = arguments.legacy_secret_demo;
    settings.b_local.legacy_secret_demo = arguments.legacy_secret_demo;
    let (entropy, events) = (SecureRandom::system(), EventSink::new(EVENTS));
    let random = entropy.bytes()?;
    let stack =
        Stack::prepare(settings, Clock::system(), entropy, events.clone()).await.map_err(advise)?;
    let (addresses, manage, readiness) =
        (stack.addresses, stack.manage_addresses.clone(), stack.readiness());
    let running = tokio::spawn(stack.run(stop.clone()));
    let printed = first_call(&readiness, addresses, &events, random)
        .await
        .and_then(|call| print(&call))
        .and_then(|()| print(&next_steps(addresses, &manage, arguments.once)));
    if arguments.once || printed.is_err() {
        stop.cancel();
    }
    running.await.context("a server panicked")??;
    printed
}

fn choose_settings(arguments: &DemoArguments) -> StackSettings {
    let folder = &arguments.data_dir;
    match (arguments.free_ports, arguments.manage) {
        (false, false) => StackSettings::demo(folder),
        (false, true) => StackSettings::demo(folder).with_management(),
        (true, false) => StackSettings::on_free_ports(folder),
        (true, true) => StackSettings::on_free_ports(folder).with_management_on_free_ports(),
    }
}

async fn first_call(
    readiness: &StackReadiness,
    addresses: Addresses,
    events: &EventSink,
    random: [u8; 24],
) -> anyhow::Result<String> {
    readiness.wait(START_TIMEOUT).await?;
    // All servers are on this machine and listen in plain HTTP.
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let trace =
        TraceContext::root(random).context("the system random number generator returned zeros")?;
    let url = format!("http://localhost:{}/api/call-b", addresses.service_a.port());
    let request = http.get(url);
    let call = observe(request, events, trace).await?;
    Ok(format!(
        "The first call, A -> C -> B, as it just happened (trace {})\n{}",
        trace.trace_id,
        narrate_call(&call)
    ))
}

/// Adds the flag for free ports to an error about a port in use.
fn advise(error: anyhow::Error) -> anyhow::Error {
    if error.downcast_ref::<BindError>().is_some() {
        return error.context("the demo cannot start; use --free-ports to listen on free ports");
    }
    error
}

fn next_steps(addresses: Addresses, manage: &[(&'static str, SocketAddr)], once: bool) -> String {
    let heading = if once {
        "Stopping because of --once; without it, these servers run until Ctrl-C"
    } else {
        "Running until Ctrl-C"
    };
    let Addresses {
        auth_server: c,
        auth_server_tls: c_tls,
        service_a: a,
        b_local,
        b_introspection,
        flow_viewer,
    } = addresses;
    let (c, c_tls, a, local, introspection) =
        (c.port(), c_tls.port(), a.port(), b_local.port(), b_introspection.port());
    let viewer = flow_viewer.port();
    let manage: String = manage
        .iter()
        .map(|(name, address)| {
            format!("  health and metrics of {name:<24}  http://localhost:{}\n", address.port())
        })
        .collect();
    format!(
        "{heading}\n\
         \x20 C  authorization server      http://localhost:{c}   https://localhost:{c_tls} for servers\n\
         \x20 A  client                    http://localhost:{a}   open it in a browser and log in\n\
         \x20 B  local verification        http://localhost:{local}\n\
         \x20 B  introspection at C        http://localhost:{introspection}\n\
         \x20    flow viewer               http://localhost:{viewer}   watch every message, play scenarios and attacks\n\
         {manage}\n\
         Try\n\
         \x20 curl 'http://localhost:{a}/api/call-b?target=introspection'\n\
         \x20 curl -d grant_type=client_credentials -d client_id=service-a -d client_secret=abc123 http://localhost:{c}/oauth/token\n\
         \x20 curl -i http://localhost:{local}/api/resource\n"
    )
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
