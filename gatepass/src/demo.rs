use std::{io::Write, time::Duration};

use anyhow::Context;
use auth_server::Entropy;
use clock::Clock;
use flow_events::{EventSink, TraceContext};
use service_kit::{
    BindError, CancellationToken, cancel_on_signal,
    telemetry::{self, LogSettings},
};

use crate::{
    Addresses, Stack, StackSettings,
    commands::DemoArguments,
    flow::{observe, ready},
    tell,
};

/// Events that may wait for the teller of the first call.
const EVENTS: usize = 1_024;
const START_LIMIT: Duration = Duration::from_secs(60);

/// Start everything, make the first call, tell it, and stay until Ctrl-C.
pub(crate) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let log = LogSettings { filter: arguments.log, ..LogSettings::default() };
    let _telemetry = telemetry::init("gatepass", &log)?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    let choose =
        if arguments.free_ports { StackSettings::on_free_ports } else { StackSettings::demo };
    let mut settings = choose(&arguments.data_dir);
    settings.names_are_addresses = arguments.free_ports;
    settings.service_a.legacy_secret_demo = arguments.legacy_secret_demo;
    settings.b_local.legacy_secret_demo = arguments.legacy_secret_demo;
    let (entropy, events) = (Entropy::system(), EventSink::new(EVENTS));
    let random = entropy.bytes()?;
    let stack =
        Stack::prepare(settings, Clock::system(), entropy, events.clone()).await.map_err(advise)?;
    let addresses = stack.addresses;
    let running = tokio::spawn(stack.run(stop.clone()));
    let told = first_call(addresses, &events, random).await;
    let told = told
        .and_then(|story| say(&story))
        .and_then(|()| say(&what_next(addresses, arguments.once)));
    if arguments.once || told.is_err() {
        stop.cancel();
    }
    running.await.context("a server failed by a bug")??;
    told
}

async fn first_call(
    addresses: Addresses,
    events: &EventSink,
    random: [u8; 24],
) -> anyhow::Result<String> {
    // Everything called from here is on this machine, in plain http.
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let at = |address: std::net::SocketAddr| format!("http://localhost:{}", address.port());
    for server in
        [addresses.auth_server, addresses.b_local, addresses.b_introspection, addresses.service_a]
    {
        ready(&http, &at(server), START_LIMIT).await?;
    }
    let trace = TraceContext::root(random).context("the system gives no randomness")?;
    let call = http.get(format!("{}/api/call-b", at(addresses.service_a)));
    let flow = observe(call, events, trace).await?;
    Ok(format!(
        "The first call, A -> C -> B, as it just happened (trace {})\n{}",
        trace.trace_id,
        tell(&flow)
    ))
}

/// The demo's ports are fixed, so that its addresses can be learned; where one is taken there is
/// another way.
fn advise(error: anyhow::Error) -> anyhow::Error {
    if error.downcast_ref::<BindError>().is_some() {
        return error
            .context("the demo cannot start (with --free-ports it takes ports that are free)");
    }
    error
}

fn what_next(addresses: Addresses, once: bool) -> String {
    let heading = if once {
        "Stopping, as --once asks; without it these run until Ctrl-C"
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
    let (c, c_tls, a, local, asking) =
        (c.port(), c_tls.port(), a.port(), b_local.port(), b_introspection.port());
    let viewer = flow_viewer.port();
    format!(
        "{heading}\n\
         \x20 C  authorization server      http://localhost:{c}   https://localhost:{c_tls} for machines\n\
         \x20 A  client                    http://localhost:{a}   open it in a browser and log in with the platform\n\
         \x20 B  checks passes by itself   http://localhost:{local}\n\
         \x20 B  asks C about each pass    http://localhost:{asking}\n\
         \x20    watch all of it happen    http://localhost:{viewer}   and break it, at the press of a button\n\n\
         Try\n\
         \x20 curl 'http://localhost:{a}/api/call-b?target=introspection'\n\
         \x20 curl -d grant_type=client_credentials -d client_id=service-a -d client_secret=abc123 http://localhost:{c}/oauth/token\n\
         \x20 curl -i http://localhost:{local}/api/resource\n"
    )
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
