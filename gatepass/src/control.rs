//! `gatepass mint`, `reset` and `faults`: the control API for tests that are shell scripts.

mod faults;
mod mint;

use std::convert::Infallible;

use anyhow::{Context, bail, ensure};
use clap::Args;
use reqwest::{Method, StatusCode, blocking::Client};
use serde_json::Value;
use service_kit::SecretSetting;
use url::Url;

pub(crate) use faults::{FaultsArguments, faults};
pub(crate) use mint::{MintArguments, mint};

/// The control API that a command calls.
#[derive(Debug, Args)]
pub(crate) struct ControlTarget {
    /// URL of the control listener of C
    #[arg(long, env = "GATEPASS_CONTROL", default_value = DEFAULT_URL, value_parser = parse_url)]
    control: Url,
    /// The value of the setting `control.token`, if the server has one
    #[arg(long, env = "GATEPASS_CONTROL_TOKEN", hide_env_values = true, value_name = "TOKEN", value_parser = parse_token, allow_hyphen_values = true)]
    control_token: Option<SecretSetting>,
    /// An issuer of the server, by its name or its URL. Without it, the one of the settings
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
}

const DEFAULT_URL: &str = "http://127.0.0.1:9005";

/// An empty environment variable counts as unset.
fn parse_url(text: &str) -> Result<Url, String> {
    let text = if text.is_empty() { DEFAULT_URL } else { text };
    let url: Option<Url> = text.parse().ok();
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
    url.filter(is_web).ok_or_else(|| "is not an http or https URL".to_owned())
}

fn parse_token(text: &str) -> Result<SecretSetting, Infallible> {
    Ok(SecretSetting::new(text))
}

/// The options of `gatepass reset`.
#[derive(Debug, Args)]
pub(crate) struct ResetArguments {
    #[command(flatten)]
    target: ControlTarget,
    /// Replace the signing keys too
    #[arg(long)]
    keys: bool,
}

/// Sets the server back to its seed.
///
/// # Errors
/// Returns the error of the control API.
pub(crate) fn reset(arguments: &ResetArguments) -> anyhow::Result<()> {
    let body = serde_json::json!({ "keys": arguments.keys });
    let none = StatusCode::NO_CONTENT;
    arguments.target.call(Method::POST, "/control/reset", Some(&body), none)?;
    Ok(())
}

impl ControlTarget {
    /// Sends a request and returns the JSON of the response; null if the response has no content. A
    /// success with another status is not from a control API.
    fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        success: StatusCode,
    ) -> anyhow::Result<Value> {
        let mut url = self.control.join(path)?;
        if let Some(issuer) = &self.issuer {
            url.query_pairs_mut().append_pair("issuer", issuer);
        }
        let client = Client::builder().no_proxy();
        // Plain http needs no certificate authorities, and the image has none.
        let is_plain = url.scheme() == "http";
        let client = if is_plain { client.tls_certs_only([]) } else { client }.build()?;
        let mut request = client.request(method, url.clone());
        let token = self.control_token.as_ref().filter(|token| !token.expose().is_empty());
        if let Some(token) = token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let advice = || {
            format!(
                "no control API answers at {url}: start C with GATEPASS__AUTH_SERVER__CONTROL__LISTEN=127.0.0.1:9005, or name it in --control"
            )
        };
        let response = request.send().with_context(advice)?;
        let (status, text) = (response.status(), response.text()?);
        if status.is_success() {
            ensure!(status == success, "{}; it answers {status}", advice());
            let json = if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text) };
            return json.with_context(advice);
        }
        let error: Value = serde_json::from_str(&text).unwrap_or_default();
        let part = |name: &str| error[name].as_str().map(str::to_owned);
        let description = part("error_description").unwrap_or(text);
        match (part("pointer"), part("expected")) {
            (Some(at), Some(expected)) => {
                bail!("{status}: {description} (at `{at}`; expected: {expected})")
            }
            (Some(at), None) => bail!("{status}: {description} (at `{at}`)"),
            (None, Some(expected)) => bail!("{status}: {description} (expected: {expected})"),
            (None, None) => bail!("{status}: {description}"),
        }
    }
}
