//! `gatepass walk`: plays the viewer's scenarios and prints them.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::{Context, bail, ensure};
use auth_server::SecureRandom;
use clap::ValueEnum;
use clock::Clock;
use flow_events::{EventSink, FlowEvent};
use flow_viewer::{assemble, texts};
use pages::Language;
use serde::{Deserialize, Serialize};
use service_kit::{
    CancellationToken,
    telemetry::{self, LogSettings, Telemetry},
};

use crate::{Stack, StackSettings, color::Colors, narrate::narrate_flow};

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
    /// The flow viewer of a running demo. If it does not respond, a temporary demo is started
    #[arg(long, value_name = "URL", default_value = "http://localhost:9004")]
    viewer: String,
    /// `en` or `zh`. The default is the language of the terminal
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Selection {
    /// A gets an access token from C and calls both Bs
    ServerToServer,
    /// A user logs in to the website with the platform
    Login,
    /// An access token is revoked; which B still accepts it?
    Revoke,
    /// Every attack against the running servers. Exits with 1 if one is not blocked
    Attack,
}

impl Selection {
    fn includes(self, scenario: &ScenarioInfo) -> bool {
        match self {
            Self::ServerToServer => scenario.name.starts_with("server_to_server"),
            Self::Login => scenario.name == "login",
            Self::Revoke => ["revoke", "revoked"].contains(&scenario.name.as_str()),
            Self::Attack => scenario.group == "attack",
        }
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
}

pub(crate) async fn run(arguments: WalkArguments) -> anyhow::Result<()> {
    let viewer = Viewer::new(arguments.viewer.trim_end_matches('/'))?;
    if viewer.is_running().await {
        return viewer.play_all(&arguments).await;
    }
    let demo = TemporaryDemo::start().await?;
    let played = Viewer::new(&demo.viewer)?.play_all(&arguments).await;
    demo.stop().await?;
    played
}

struct Viewer {
    http: reqwest::Client,
    base: String,
}

impl Viewer {
    fn new(base: &str) -> anyhow::Result<Self> {
        // The viewer is on this machine, directly or in a container.
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(SCENARIO_TIMEOUT)
            .build()?;
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
        let events = self.get(&format!("/api/flows/{}/events", result.flow)).await?;
        Ok(PlayedScenario { result, events })
    }

    async fn play_all(&self, arguments: &WalkArguments) -> anyhow::Result<()> {
        let scenarios: Vec<ScenarioInfo> =
            self.get("/api/scenarios").await.context("cannot list the scenarios of the viewer")?;
        let names: Vec<_> = scenarios
            .iter()
            .filter(|scenario| arguments.selection.includes(scenario))
            .map(|scenario| &scenario.name)
            .collect();
        ensure!(
            !names.is_empty(),
            "scenarios are switched off at {} (setting `scenarios` = false)",
            self.base
        );
        let printer = Printer::new(arguments)?;
        let mut all = Vec::new();
        for name in names {
            let played = self.play(name).await.with_context(|| format!("scenario {name}"))?;
            if !arguments.json {
                printer.print(&played)?;
            }
            all.push(played);
        }
        if arguments.json {
            print_line(&serde_json::to_string_pretty(&all)?)?;
        }
        let failed = all.iter().filter(|played| !played.result.as_expected).count();
        match arguments.selection {
            _ if failed == 0 => Ok(()),
            Selection::Attack => bail!("{failed} of {} attacks are NOT BLOCKED", all.len()),
            _ => bail!("{failed} of {} scenarios did not go as expected", all.len()),
        }
    }
}

/// Prints scenarios as text.
struct Printer {
    colors: Colors,
    texts: serde_json::Value,
    attack: bool,
}

impl Printer {
    fn new(arguments: &WalkArguments) -> anyhow::Result<Self> {
        let requested =
            arguments.lang.clone().or_else(|| std::env::var("LANG").ok()).unwrap_or_default();
        if arguments.lang.as_ref().is_some_and(|lang| !["en", "zh"].contains(&lang.as_str())) {
            bail!("unsupported language for --lang; use en or zh");
        }
        let language =
            if requested.starts_with("zh") { Language::Chinese } else { Language::English };
        Ok(Self {
            colors: Colors::for_stdout(),
            texts: texts(language),
            attack: arguments.selection == Selection::Attack,
        })
    }

    fn print(&self, played: &PlayedScenario) -> anyhow::Result<()> {
        let ScenarioResult { scenario, expectations, as_expected, error, .. } = &played.result;
        let title = self.text(&["scenarios", scenario, "title"], scenario);
        if self.attack {
            let verdict = if *as_expected { "blocked    " } else { "NOT BLOCKED" };
            print_line(&format!("{}  {title}", self.colors.verdict(verdict, *as_expected)))?;
        } else {
            print_line(&format!(
                "\n{}\n{}",
                self.colors.bold(title),
                self.text(&["scenarios", scenario, "description"], "")
            ))?;
            print_line(&narrate_flow(&assemble(&played.events), self.colors))?;
        }
        for expectation in expectations.iter().filter(|one| !self.attack || !one.met) {
            let Expectation { name, expected, found, met } = expectation;
            let mark = if *met { "as expected" } else { "DIFFERENT  " };
            let subject = self.text(&["expectations", name], name);
            print_line(&format!(
                "    {}  {subject}: expected {expected}, found {found}",
                self.colors.verdict(mark, *met)
            ))?;
        }
        error.iter().try_for_each(|error| print_line(&format!("    aborted: {error}")))
    }

    fn text<'a>(&'a self, path: &[&str], default: &'a str) -> &'a str {
        let found = path.iter().try_fold(&self.texts, |texts, name| texts.get(name));
        found.and_then(serde_json::Value::as_str).unwrap_or(default)
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
        let entropy = SecureRandom::system();
        let name = entropy.bytes::<8>()?.map(|byte| format!("{byte:02x}")).concat();
        let folder = std::env::temp_dir().join(format!("gatepass-walk-{name}"));
        let mut settings = StackSettings::on_free_ports(&folder);
        settings.urls_from_ports = true;
        let stack =
            Stack::prepare(settings, Clock::system(), entropy, EventSink::new(4_096)).await?;
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

fn print_line(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
