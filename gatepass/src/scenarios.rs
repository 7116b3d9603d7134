//! `gatepass walk`: plays the viewer's scenarios and prints them.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use auth_server::SecureRandom;
use clap::ValueEnum;
use clock::Clock;
use flow_events::{EventSink, FlowEvent};
use flow_viewer::{Flow, Role, assemble};
use pages::Language;
use serde::{Deserialize, Serialize};
use service_kit::{
    CancellationToken,
    cli::{pad, print_line, translated},
    telemetry::{self, LogSettings, Telemetry},
};

use crate::{
    Stack, StackSettings,
    color::Colors,
    local_client::local_client,
    narrate::Narrator,
    texts::{Texts, fill},
};

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest scenario waits for an outage of C to begin and to end.
const SCENARIO_TIMEOUT: Duration = Duration::from_secs(60);

/// The options of `gatepass walk`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WalkArguments {
    /// Which scenarios to play
    #[arg(value_enum, default_value_t = Selection::ServerToServer)]
    selection: Selection,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
    /// Wait for Enter after each step
    #[arg(long, conflicts_with = "json")]
    step: bool,
    /// The flow viewer of a running demo. If it does not respond, a temporary demo is started
    #[arg(long, value_name = "URL", default_value = "http://localhost:9004")]
    viewer: String,
    /// A PEM file with the authority of the viewer's certificate, if the demo runs with `--https`
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Selection {
    /// A gets an access token from C and calls both Bs
    ServerToServer,
    /// A sends its own secret to B instead, in a header and in the URL
    Legacy,
    /// A user logs in to the shop with the platform
    Login,
    /// A user's first login, which creates an account, and the next one. Starts a temporary demo
    FirstLogin,
    /// An app refreshes its access token
    Refresh,
    /// An access token is revoked; which B still accepts it?
    Revoke,
    /// Every attack against the running servers. Exits with 1 if one is not blocked
    Attack,
}

impl Selection {
    /// Returns the names of the scenarios to play, in order.
    fn of(self, scenarios: &[ScenarioInfo]) -> Vec<&str> {
        let is_wanted = |scenario: &&ScenarioInfo| match self {
            Self::ServerToServer => scenario.name.starts_with("server_to_server"),
            Self::Legacy => scenario.group == "legacy",
            Self::Login | Self::FirstLogin => scenario.name == "login",
            Self::Refresh => scenario.name == "refresh",
            Self::Revoke => ["revoke", "revoked"].contains(&scenario.name.as_str()),
            Self::Attack => scenario.group == "attack",
        };
        let wanted: Vec<_> =
            scenarios.iter().filter(is_wanted).map(|scenario| scenario.name.as_str()).collect();
        match self {
            // The first time creates the account, the second one finds it.
            Self::FirstLogin => wanted.repeat(2),
            _ => wanted,
        }
    }

    /// Whether the running demo cannot show it: its user may have logged in before.
    fn needs_new_demo(self) -> bool {
        self == Self::FirstLogin
    }
}

#[derive(Deserialize)]
struct ScenarioInfo {
    name: String,
    group: String,
}

/// The result of a scenario, as the viewer returns it.
#[derive(Deserialize, Serialize)]
struct ScenarioResult {
    scenario: String,
    group: String,
    flow: String,
    expectations: Vec<Expectation>,
    as_expected: bool,
    error: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Expectation {
    name: String,
    expected: String,
    found: String,
    met: bool,
}

/// A result with the events of its flow.
#[derive(Serialize)]
struct PlayedScenario {
    #[serde(flatten)]
    result: ScenarioResult,
    events: Vec<FlowEvent>,
    /// The flow of the events, with the roles that the scenario played.
    #[serde(skip)]
    flow: Flow,
}

/// A flow, as the viewer returns it.
#[derive(Deserialize)]
struct FlowRoles {
    messages: Vec<MessageRole>,
}

#[derive(Deserialize)]
struct MessageRole {
    actor: Option<Role>,
}

/// The settings of the page, as the viewer returns them.
#[derive(Deserialize)]
struct PageConfig {
    /// The hosts of each kind of B.
    resource_servers: BTreeMap<String, Vec<String>>,
}

pub(crate) async fn run(arguments: WalkArguments, language: Language) -> anyhow::Result<()> {
    let texts = Texts::of(language)?;
    let printer = Printer::new(&arguments, language, &texts)?;
    let viewer = Viewer::new(arguments.viewer.trim_end_matches('/'), arguments.ca_file.as_deref())?;
    if !arguments.selection.needs_new_demo() && viewer.is_running().await {
        return viewer.play_all(&arguments, printer).await;
    }
    let demo = TemporaryDemo::start().await?;
    let played = Viewer::new(&demo.viewer, None)?.play_all(&arguments, printer).await;
    demo.stop().await?;
    played
}

struct Viewer {
    http: reqwest::Client,
    base: String,
}

impl Viewer {
    fn new(base: &str, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        // The viewer is on this machine, directly or in a container.
        let http = local_client(ca_file)?.timeout(SCENARIO_TIMEOUT).build()?;
        Ok(Self { http, base: base.to_owned() })
    }

    async fn is_running(&self) -> bool {
        let response = self
            .http
            .get(format!("{}/api/config", self.base))
            .timeout(Duration::from_secs(2))
            .send()
            .await;
        response.is_ok_and(|response| response.status().is_success())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let response = self.http.get(format!("{}{path}", self.base)).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }

    async fn play(&self, name: &str) -> anyhow::Result<PlayedScenario> {
        let request = self
            .http
            .post(format!("{}/api/scenarios/{name}", self.base))
            .json(&serde_json::json!({}));
        let result: ScenarioResult = request.send().await?.error_for_status()?.json().await?;
        let events: Vec<_> = self.get(&format!("/api/flows/{}/events", result.flow)).await?;
        let roles: FlowRoles = self.get(&format!("/api/flows/{}", result.flow)).await?;
        let mut flow = assemble(&events);
        for (message, MessageRole { actor }) in flow.messages.iter_mut().zip(roles.messages) {
            message.actor = actor;
        }
        Ok(PlayedScenario { result, events, flow })
    }

    async fn play_all(
        &self,
        arguments: &WalkArguments,
        printer: Printer<'_>,
    ) -> anyhow::Result<()> {
        let errors = &printer.texts.own.error;
        let scenarios: Vec<ScenarioInfo> =
            self.get("/api/scenarios").await.with_context(|| errors.no_scenario_list.clone())?;
        let config: PageConfig = self.get("/api/config").await?;
        let printer = printer.with_resource_servers(&config);
        let names = arguments.selection.of(&scenarios);
        ensure!(!names.is_empty(), fill(&errors.scenarios_off, &[("viewer", &self.base)]));
        let mut all = Vec::new();
        for name in names {
            let played =
                self.play(name).await.with_context(|| fill(&errors.scenario, &[("name", name)]))?;
            if !arguments.json {
                printer.print(&played).await?;
            }
            all.push(played);
        }
        if arguments.json {
            print_line(serde_json::to_string_pretty(&all)?)?;
        }
        let failed = all.iter().filter(|played| !played.result.as_expected).count();
        let text = match arguments.selection {
            _ if failed == 0 => return Ok(()),
            Selection::Attack => &errors.attacks_not_blocked,
            _ => &errors.scenarios_unexpected,
        };
        let (failed, all) = (failed.to_string(), all.len().to_string());
        bail!(fill(text, &[("failed", &failed), ("all", &all)]))
    }
}

/// Prints scenarios as text.
struct Printer<'a> {
    narrator: Narrator,
    colors: Colors,
    texts: &'a Texts,
    attack: bool,
    /// Whether to wait for Enter after each step.
    step: bool,
}

/// The columns of the verdict about an attack or an expectation.
const VERDICT_COLUMNS: usize = 11;

impl<'a> Printer<'a> {
    fn new(
        arguments: &WalkArguments,
        language: Language,
        texts: &'a Texts,
    ) -> anyhow::Result<Self> {
        let colors = Colors::for_stdout();
        Ok(Self {
            narrator: Narrator::new(language, colors)?,
            colors,
            texts,
            attack: arguments.selection == Selection::Attack,
            step: arguments.step,
        })
    }

    fn with_resource_servers(self, config: &PageConfig) -> Self {
        let kinds = config
            .resource_servers
            .iter()
            .flat_map(|(kind, hosts)| hosts.iter().map(move |host| (host.clone(), kind.clone())));
        Self { narrator: self.narrator.with_resource_servers(kinds.collect()), ..self }
    }

    async fn print(&self, played: &PlayedScenario) -> anyhow::Result<()> {
        let ScenarioResult { scenario, expectations, error, .. } = &played.result;
        let title = self.of_scenario(scenario, "title", scenario);
        if self.attack {
            self.print_attack(played, title)?;
        } else {
            print_line(format!(
                "\n{}\n{}",
                self.colors.bold(title),
                self.of_scenario(scenario, "description", "")
            ))?;
            self.print_flow(&played.flow).await?;
        }
        for expectation in expectations.iter().filter(|one| !self.attack || !one.met) {
            print_line(format!("    {}", self.expectation(expectation)))?;
        }
        if !self.attack && error.is_none() {
            print_line(format!("    {}", self.of_scenario(scenario, "explanation", "")))?;
        }
        error.iter().try_for_each(|error| {
            let error = translated(error);
            print_line(format!("    {}", fill(&self.texts.own.walk.aborted, &[("error", &error)])))
        })
    }

    async fn print_flow(&self, flow: &Flow) -> anyhow::Result<()> {
        if !self.step {
            return print_line(self.narrator.flow(flow));
        }
        for step in self.narrator.steps(flow) {
            print_line(step.trim_end_matches('\n'))?;
            let prompt = self.colors.dim(&self.texts.own.walk.next_step);
            write!(std::io::stdout(), "{prompt} ")?;
            std::io::stdout().flush()?;
            // At the end of the input the other steps follow at once.
            tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
                .await??;
        }
        print_line("")
    }

    /// Prints whether an attack was blocked and, if it was, by which check and why.
    fn print_attack(&self, played: &PlayedScenario, title: &str) -> anyhow::Result<()> {
        let texts = &self.texts.own.walk;
        let ScenarioResult { scenario, expectations, as_expected, .. } = &played.result;
        let verdict = if *as_expected { &texts.blocked } else { &texts.not_blocked };
        let verdict = self.colors.verdict(&pad(verdict, VERDICT_COLUMNS), *as_expected);
        print_line(format!("{verdict}  {}", self.colors.bold(title)))?;
        if !as_expected {
            return Ok(());
        }
        // The last response that refuses something; the others prepare the attack or follow it.
        let mut refusals = expectations.iter().rev().map(|one| one.found.as_str());
        let response = refusals.find(|found| found.starts_with('4'));
        // C refuses an authorization request in the address of a redirect.
        let first = expectations.first().map(|one| one.found.as_str());
        let response = response.or(first).unwrap_or_default();
        let reason = self.of_scenario(scenario, "explanation", "");
        let because = fill(&texts.because, &[("response", response), ("reason", reason)]);
        let indent = " ".repeat(VERDICT_COLUMNS + 2);
        print_line(format!("{indent}{because}"))?;
        let rejection = self.narrator.rejection(&played.flow);
        rejection.iter().try_for_each(|rejection| print_line(format!("{indent}{rejection}")))
    }

    fn expectation(&self, Expectation { name, expected, found, met }: &Expectation) -> String {
        let texts = &self.texts.own.walk;
        let mark = if *met { &texts.as_expected } else { &texts.different };
        let mark = self.colors.verdict(&pad(mark, VERDICT_COLUMNS), *met);
        let subject = self.texts.of_viewer(&["expectations", name], name);
        let (expected, found) = (self.value(expected), self.value(found));
        let values = [("subject", subject), ("expected", expected), ("found", found)];
        format!("{mark}  {}", fill(&texts.expectation, &values))
    }

    fn of_scenario<'b>(&'b self, scenario: &str, part: &str, default: &'b str) -> &'b str {
        self.texts.of_viewer(&["scenarios", scenario, part], default)
    }

    fn value<'b>(&'b self, value: &'b str) -> &'b str {
        self.texts.of_viewer(&["play", "values", value], value)
    }
}

/// A demo on free ports and in a temporary folder, for the duration of the command.
struct TemporaryDemo {
    viewer: String,
    folder: PathBuf,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    _telemetry: Telemetry,
}

impl TemporaryDemo {
    async fn start() -> anyhow::Result<Self> {
        let log = LogSettings { filter: "error".to_owned(), ..LogSettings::default() };
        let telemetry = telemetry::init("gatepass", &log)?;
        let random = SecureRandom::system();
        let name = random.bytes::<8>()?.map(|byte| format!("{byte:02x}")).concat();
        let folder = std::env::temp_dir().join(format!("gatepass-walk-{name}"));
        let mut settings = StackSettings::on_free_ports(&folder);
        settings.urls_from_ports = true;
        settings.service_a.legacy_secret_demo = true;
        settings.b_local.legacy_secret_demo = true;
        let stack =
            Stack::prepare(settings, Clock::system(), random, EventSink::new(4_096)).await?;
        let viewer = format!("http://localhost:{}", stack.addresses.flow_viewer.port());
        let (readiness, stop) = (stack.readiness(), CancellationToken::new());
        let running = tokio::spawn(stack.run(stop.clone()));
        readiness.wait(START_TIMEOUT).await?;
        Ok(Self { viewer, folder, stop, running, _telemetry: telemetry })
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let ended = self.running.await.context("a server panicked")?;
        std::fs::remove_dir_all(&self.folder)
            .with_context(|| format!("cannot delete {}", self.folder.display()))?;
        ended
    }
}
