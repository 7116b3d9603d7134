//! The viewer's stories, told in a terminal.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::{Context, bail, ensure};
use auth_server::Entropy;
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

use crate::{Stack, StackSettings, flow::ready, paint::Paint, story::tell_messages};

const START_LIMIT: Duration = Duration::from_secs(60);
/// The longest story waits for C to go away and come back.
const STORY_LIMIT: Duration = Duration::from_secs(60);

/// Which stories, and how.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WalkArguments {
    /// What to tell
    #[arg(value_enum, default_value_t = Walk::ServerToServer)]
    walk: Walk,
    /// One JSON document instead of a story
    #[arg(long)]
    json: bool,
    /// The flow viewer of a running stack; where none answers, a stack of the walk's own is started
    #[arg(long, value_name = "URL", default_value = "http://localhost:9004")]
    viewer: String,
    /// Tell it in English (`en`) or Chinese (`zh`); without this, in the language of the terminal
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Walk {
    /// A gets a pass from C and calls both Bs
    ServerToServer,
    /// A person logs in to the website with the platform
    Login,
    /// A pass is given back, and which B knows of it
    Revoke,
    /// Every attack against the running stack; ends with 1 if one is not blocked
    Attack,
}

impl Walk {
    fn plays(self, story: &Listed) -> bool {
        match self {
            Self::ServerToServer => story.name.starts_with("server_to_server"),
            Self::Login => story.name == "login",
            Self::Revoke => ["revoke", "revoked"].contains(&story.name.as_str()),
            Self::Attack => story.group == "attack",
        }
    }
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    group: String,
}

/// A story as the viewer has played it.
#[derive(Deserialize, Serialize)]
struct Played {
    story: String,
    group: String,
    flow: String,
    claims: Vec<Claim>,
    as_expected: bool,
    broke_off: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Claim {
    what: String,
    expected: String,
    found: String,
    held: bool,
}

/// A story and what really happened in it.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    played: Played,
    events: Vec<FlowEvent>,
}

pub(crate) async fn run(arguments: WalkArguments) -> anyhow::Result<()> {
    let viewer = Viewer::new(arguments.viewer.trim_end_matches('/'))?;
    if viewer.answers().await {
        return viewer.walk(&arguments).await;
    }
    let own = OwnStack::start().await?;
    let walked = Viewer::new(&own.viewer)?.walk(&arguments).await;
    own.stop().await?;
    walked
}

struct Viewer {
    http: reqwest::Client,
    base: String,
}

impl Viewer {
    fn new(base: &str) -> anyhow::Result<Self> {
        // The viewer is on this machine, or published by a container engine on it.
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(STORY_LIMIT)
            .build()?;
        Ok(Self { http, base: base.to_owned() })
    }

    async fn answers(&self) -> bool {
        let asked = self
            .http
            .get(format!("{}/healthz", self.base))
            .timeout(Duration::from_secs(2))
            .send()
            .await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    async fn play(&self, story: &str) -> anyhow::Result<Told> {
        let request = self
            .http
            .post(format!("{}/api/stories/{story}", self.base))
            .json(&serde_json::json!({}));
        let played: Played = request.send().await?.error_for_status()?.json().await?;
        let events = self.get(&format!("/api/flows/{}/events", played.flow)).await?;
        Ok(Told { played, events })
    }

    async fn walk(&self, arguments: &WalkArguments) -> anyhow::Result<()> {
        let stories: Vec<Listed> =
            self.get("/api/stories").await.context("the viewer does not tell its stories")?;
        let names: Vec<_> = stories
            .iter()
            .filter(|story| arguments.walk.plays(story))
            .map(|story| &story.name)
            .collect();
        ensure!(!names.is_empty(), "no stories are played at {} (setting `stories`)", self.base);
        let teller = Teller::new(arguments)?;
        let mut told = Vec::new();
        for name in names {
            let story = self.play(name).await.with_context(|| format!("the story {name}"))?;
            if !arguments.json {
                teller.tell(&story)?;
            }
            told.push(story);
        }
        if arguments.json {
            say(&serde_json::to_string_pretty(&told)?)?;
        }
        let failed = told.iter().filter(|story| !story.played.as_expected).count();
        match arguments.walk {
            _ if failed == 0 => Ok(()),
            Walk::Attack => bail!("{failed} of {} attacks are NOT BLOCKED", told.len()),
            _ => bail!("{failed} of {} stories did not go as they should", told.len()),
        }
    }
}

/// Tells stories to a person.
struct Teller {
    paint: Paint,
    texts: serde_json::Value,
    attack: bool,
}

impl Teller {
    fn new(arguments: &WalkArguments) -> anyhow::Result<Self> {
        let spoken =
            arguments.lang.clone().or_else(|| std::env::var("LANG").ok()).unwrap_or_default();
        if arguments.lang.as_ref().is_some_and(|lang| !["en", "zh"].contains(&lang.as_str())) {
            bail!("--lang is en or zh");
        }
        let language = if spoken.starts_with("zh") { Language::Chinese } else { Language::English };
        Ok(Self {
            paint: Paint::for_stdout(),
            texts: texts(language),
            attack: arguments.walk == Walk::Attack,
        })
    }

    fn tell(&self, told: &Told) -> anyhow::Result<()> {
        let Played { story, claims, as_expected, broke_off, .. } = &told.played;
        let title = self.text(&["stories", story, "title"], story);
        if self.attack {
            let verdict = if *as_expected { "blocked    " } else { "NOT BLOCKED" };
            say(&format!("{}  {title}", self.paint.verdict(verdict, *as_expected)))?;
        } else {
            say(&format!(
                "\n{}\n{}",
                self.paint.bold(title),
                self.text(&["stories", story, "before"], "")
            ))?;
            say(&tell_messages(&assemble(&told.events), self.paint))?;
        }
        for claim in claims.iter().filter(|claim| !self.attack || !claim.held) {
            let mark = if claim.held { "as told" } else { "NOT SO " };
            let what = self.text(&["claims", &claim.what], &claim.what);
            let Claim { expected, found, held, .. } = claim;
            say(&format!(
                "    {}  {what}: expected {expected}, found {found}",
                self.paint.verdict(mark, *held)
            ))?;
        }
        broke_off
            .iter()
            .try_for_each(|why| say(&format!("    could not be played to its end: {why}")))
    }

    fn text<'a>(&'a self, path: &[&str], otherwise: &'a str) -> &'a str {
        let found = path.iter().try_fold(&self.texts, |texts, name| texts.get(name));
        found.and_then(serde_json::Value::as_str).unwrap_or(otherwise)
    }
}

/// Where nothing runs, a stack for as long as the walk takes.
struct OwnStack {
    viewer: String,
    folder: PathBuf,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    _telemetry: Telemetry,
}

impl OwnStack {
    async fn start() -> anyhow::Result<Self> {
        let log = LogSettings { filter: "error".to_owned(), ..LogSettings::default() };
        let telemetry = telemetry::init("gatepass", &log)?;
        let entropy = Entropy::system();
        let name = entropy.bytes::<8>()?.map(|byte| format!("{byte:02x}")).concat();
        let folder = std::env::temp_dir().join(format!("gatepass-walk-{name}"));
        let mut settings = StackSettings::on_free_ports(&folder);
        settings.names_are_addresses = true;
        let stack =
            Stack::prepare(settings, Clock::system(), entropy, EventSink::new(4_096)).await?;
        let (at, stop) = (stack.addresses, CancellationToken::new());
        let running = tokio::spawn(stack.run(stop.clone()));
        let base = |address: std::net::SocketAddr| format!("http://localhost:{}", address.port());
        let own =
            Self { viewer: base(at.flow_viewer), folder, stop, running, _telemetry: telemetry };
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        for server in [at.auth_server, at.b_local, at.b_introspection, at.service_a, at.flow_viewer]
        {
            ready(&http, &base(server), START_LIMIT).await?;
        }
        Ok(own)
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let ended = self.running.await.context("a server failed by a bug")?;
        std::fs::remove_dir_all(&self.folder)
            .with_context(|| format!("{} stays behind", self.folder.display()))?;
        ended
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
