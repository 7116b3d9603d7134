//! What the page needs to know about the servers.

use pages::Language;
use serde::Serialize;
use serde_json::Value;

use crate::{
    flows::host_of,
    lessons::{GUESSES, Guess, LESSONS, Lesson},
    page,
    scenarios::{Scenario, ScenarioInfo},
    settings::{FlowViewerSettings, ServerUrls},
};

/// The response of `GET /api/config`.
#[derive(Debug, Serialize)]
pub struct PageConfig {
    /// The public URL at which a browser begins a login at A.
    login_url: String,
    resource_servers: ResourceServerHosts,
    /// What checks compare, and why scenarios are aborted.
    english_texts: EnglishTexts,
    /// The scenarios that can be played.
    scenarios: Vec<ScenarioInfo>,
    lessons: &'static [Lesson],
    guesses: &'static [Guess],
}

/// Texts that servers emit in English, by the keys of the translations.
#[derive(Debug, Serialize)]
struct EnglishTexts {
    check_values: Value,
    scenario_errors: Value,
}

/// The hosts of each B: for the viewer, and for browsers.
#[derive(Debug, Serialize)]
struct ResourceServerHosts {
    local: Vec<String>,
    introspection: Vec<String>,
}

impl PageConfig {
    pub fn new(settings: &FlowViewerSettings) -> Self {
        let hosts = |urls: &ServerUrls| {
            [&urls.url, &urls.public_url].into_iter().filter_map(|url| host_of(url)).collect()
        };
        let english = page::texts(Language::English);
        Self {
            login_url: settings.login_url(),
            scenarios: if settings.scenarios { Scenario::list() } else { Vec::new() },
            lessons: &LESSONS,
            guesses: &GUESSES,
            english_texts: EnglishTexts {
                check_values: english["check_values"].clone(),
                scenario_errors: english["scenario_errors"].clone(),
            },
            resource_servers: ResourceServerHosts {
                local: hosts(&settings.b_local),
                introspection: hosts(&settings.b_introspection),
            },
        }
    }
}
