//! The demo: all servers in one process, and the first call printed step by step.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use auth_server::SecureRandom;
use flow_events::{EventSink, TraceContext};
use pages::Language;
use service_kit::{
    BindError, CancellationToken, cancel_on_signal,
    cli::{self, pad, print_line},
    telemetry::{self, LogSettings},
};

use crate::{
    Colors, Narrator, Stack, StackReadiness, StackSettings,
    data_arguments::DataArguments,
    local_client::local_client,
    observe::{ObservedCall, observe},
    settings::Urls,
    texts::{Texts, fill},
    trust::{quoted, trust},
};

/// The capacity of the event sink; more than one call emits.
const EVENTS: usize = 1_024;
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The columns of what a server does, in the list of servers.
const ROLE_COLUMNS: usize = 25;
const MANAGEMENT_COLUMNS: usize = 46;

/// The options of the demo.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    data: DataArguments,
    /// The log filter in the syntax of `tracing-subscriber`: `info`, or `warn,auth_server=debug`
    #[arg(long, default_value = "warn")]
    log: String,
    /// Listen on free ports, instead of 9000 to 9004 and 9443 or those of the environment
    #[arg(long)]
    free_ports: bool,
    /// Serve https everywhere, and print how programs trust the development CA
    #[arg(long)]
    https: bool,
    /// Serve health, readiness and metrics of each server on 9100 to 9104, or on free ports,
    /// whatever the environment says
    #[arg(long)]
    manage: bool,
    /// Exit after the first call
    #[arg(long)]
    once: bool,
}

impl DemoArguments {
    /// Removes the variables that the options override, as for the data folder.
    fn without_listeners(&self, mut environment: Vec<(String, String)>) -> Vec<(String, String)> {
        let is_overridden = |name: &str| {
            // The loader ignores the case of names.
            let name = name.to_ascii_uppercase();
            let Some((server, setting)) =
                name.strip_prefix("GATEPASS__").and_then(|name| name.split_once("__"))
            else {
                return false;
            };
            match setting {
                "LISTEN" => self.free_ports || (self.https && server == "AUTH_SERVER"),
                "TLS_LISTEN" => self.free_ports,
                "MANAGE_LISTEN" => self.manage,
                _ => false,
            }
        };
        environment.retain(|(name, _)| !is_overridden(name));
        environment
    }
}

/// Starts all servers, makes and prints the first call, and runs until Ctrl-C.
pub(crate) async fn run(arguments: DemoArguments, language: Language) -> anyhow::Result<()> {
    let texts = Texts::of(language)?;
    let log = LogSettings { filter: arguments.log.clone(), ..LogSettings::default() };
    let _telemetry = telemetry::init("gatepass", &log)?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    let environment = arguments.data.without_data_dir(cli::environment()?);
    let environment = arguments.without_listeners(environment);
    let settings = choose_settings(&arguments).with_environment(environment)?;
    let (random, events) = (SecureRandom::system(), EventSink::new(EVENTS));
    let trace_bytes = random.bytes()?;
    // All servers have the clock that C's control API adjusts.
    let clock = settings.auth_server.clock();
    let stack = Stack::prepare(settings, clock, random, events.clone())
        .await
        .map_err(|error| advise(error, &texts))?;
    let (urls, manage, readiness) =
        (stack.urls.clone(), stack.manage_addresses.clone(), stack.readiness());
    let mut running = tokio::spawn(stack.run(stop.clone()));
    let narrator = Narrator::new(language, Colors::for_stdout())?;
    let called = tokio::select! {
        called = first_call(&readiness, &urls, &events, trace_bytes) => called,
        // A server has failed, or the user has stopped all of them.
        ended = &mut running => return ended.context("a server panicked")?,
    };
    let printed = called
        .and_then(|(trace, call)| {
            let heading = fill(&texts.own.demo.first_call, &[("trace", &trace)]);
            print_line(format!("{heading}\n{}", narrator.call(&call)))
        })
        // With `--once`, the addresses would lead nowhere.
        .and_then(|()| match arguments.once {
            true => print_line(&texts.own.demo.once),
            false => print_next_steps(&texts, &urls, &manage),
        });
    if arguments.once || printed.is_err() {
        stop.cancel();
    }
    running.await.context("a server panicked")??;
    printed
}

fn choose_settings(arguments: &DemoArguments) -> StackSettings {
    let folder = arguments.data.folder();
    let mut settings = match (arguments.free_ports, arguments.manage) {
        (false, false) => StackSettings::demo(folder),
        (false, true) => StackSettings::demo(folder).with_management(),
        (true, false) => StackSettings::on_free_ports(folder),
        (true, true) => StackSettings::on_free_ports(folder).with_management_on_free_ports(),
    };
    settings.urls_from_ports = true;
    if arguments.https { settings.with_https() } else { settings }
}

async fn first_call(
    readiness: &StackReadiness,
    urls: &Urls,
    events: &EventSink,
    random: [u8; 24],
) -> anyhow::Result<(String, ObservedCall)> {
    readiness.wait(START_TIMEOUT).await?;
    // All servers are on this machine.
    let http = local_client(urls.ca_file.as_deref())?.build()?;
    let trace =
        TraceContext::root(random).context("the system random number generator returned zeros")?;
    let request = http.get(format!("{}/api/call-b", urls.service_a_local));
    Ok((trace.trace_id.to_string(), observe(request, events, trace).await?))
}

/// Adds the flag for free ports to an error about a port in use.
fn advise(error: anyhow::Error, texts: &Texts) -> anyhow::Error {
    if error.downcast_ref::<BindError>().is_some() {
        return error.context(texts.own.error.ports_in_use.clone());
    }
    error
}

fn print_next_steps(
    texts: &Texts,
    urls: &Urls,
    manage: &[(&'static str, SocketAddr)],
) -> anyhow::Result<()> {
    print_line(next_steps(texts, urls, manage))?;
    urls.ca_file.iter().try_for_each(|ca| print_line(trust(texts, ca, &urls.issuer)?))
}

fn next_steps(texts: &Texts, urls: &Urls, manage: &[(&'static str, SocketAddr)]) -> String {
    let own = &texts.own.demo;
    let Urls { issuer, service_a, b_local, b_introspection, flow_viewer, ca_file, .. } = urls;
    // With https, servers and browsers use the same address of C.
    let for_servers = match ca_file {
        None => fill(&own.auth_server_tls, &[("url", &urls.auth_server_tls)]),
        Some(_) => String::new(),
    };
    let mut lines = vec![own.running.clone()];
    for (letter, role, url, hint) in [
        ("C", &own.auth_server, issuer, for_servers.as_str()),
        ("A", &own.service_a, service_a, &own.service_a_hint),
        ("B", &own.b_local, b_local, ""),
        ("B", &own.b_introspection, b_introspection, ""),
        (" ", &own.flow_viewer, flow_viewer, &own.flow_viewer_hint),
    ] {
        let line = format!("  {letter}  {} {url}   {hint}", pad(role, ROLE_COLUMNS));
        lines.push(line.trim_end().to_owned());
    }
    for (name, address) in manage {
        let what = fill(&own.management, &[("server", name)]);
        let what = pad(&what, MANAGEMENT_COLUMNS);
        lines.push(format!("  {what}  http://localhost:{}", address.port()));
    }
    let curl = match ca_file {
        None => "curl".to_owned(),
        Some(ca) => format!("curl --cacert {}", quoted(ca)),
    };
    lines.extend([
        String::new(),
        own.r#try.clone(),
        format!("  {curl} '{service_a}/api/call-b?target=introspection'"),
        format!(
            "  {curl} -d grant_type=client_credentials -d client_id=service-a -d client_secret=abc123 {issuer}/oauth/token"
        ),
        format!("  {curl} -i {b_local}/api/resource\n"),
    ]);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_for_listeners_override_the_environment() {
        const C: &str = "GATEPASS__AUTH_SERVER__LISTEN";
        const A: &str = "gatepass__service_a__listen";
        const TLS: &str = "GATEPASS__AUTH_SERVER__TLS_LISTEN";
        const MANAGE: &str = "GATEPASS__SERVICE_B__MANAGE_LISTEN";
        let left = |free_ports, https, manage| {
            let arguments = DemoArguments {
                data: DataArguments::default(),
                log: String::new(),
                free_ports,
                https,
                manage,
                once: false,
            };
            let environment = [C, A, TLS, MANAGE].map(|name| (name.to_owned(), "x".to_owned()));
            let left = arguments.without_listeners(environment.to_vec());
            left.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(left(false, false, false), [C, A, TLS, MANAGE]);
        assert_eq!(left(true, false, false), [MANAGE]);
        assert_eq!(left(false, true, false), [A, TLS, MANAGE]);
        assert_eq!(left(false, false, true), [C, A, TLS]);
    }
}
