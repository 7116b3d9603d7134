use anyhow::Context;
use clap::{Args, ValueEnum};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use service_kit::cli::print_line;

use super::ControlTarget;

/// The options of `gatepass mint`.
#[derive(Debug, Args)]
pub(crate) struct MintArguments {
    /// The kind of token
    #[arg(value_enum, default_value = "access")]
    token: TokenKind,
    /// The client that gets the token
    #[arg(long, value_name = "ID")]
    client: String,
    /// The user. Without one, an access token is for the client itself
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A resource identifier. Can be repeated
    #[arg(long, value_name = "URL")]
    audience: Vec<String>,
    /// The scope, separated by spaces
    #[arg(long)]
    scope: Option<String>,
    /// A claim to add or to replace. The value is JSON, or else text. Can be repeated
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = parse_claim)]
    claims: Vec<(String, Value)>,
    /// Seconds from now; negative for an expired token
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    expires_in: Option<i64>,
    /// Start of validity in seconds from now
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    not_before: Option<i64>,
    /// The `typ` of the header
    #[arg(long)]
    typ: Option<String>,
    /// The signature algorithm
    #[arg(long)]
    algorithm: Option<String>,
    /// The nonce of an ID token, or of the one that a code leads to
    #[arg(long, allow_hyphen_values = true)]
    nonce: Option<String>,
    /// The redirect URI of a code
    #[arg(long, value_name = "URI")]
    redirect_uri: Option<String>,
    /// The S256 code challenge of a code
    #[arg(long, value_name = "CHALLENGE", allow_hyphen_values = true)]
    code_challenge: Option<String>,
    /// What is wrong with the token, such as `signature` or `expired`. Can be repeated
    #[arg(long = "flaw", value_name = "FLAW")]
    flaws: Vec<String>,
    /// Print the response of the control API: token, header, claims and bypassed rules
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: ControlTarget,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TokenKind {
    Access,
    Id,
    Refresh,
    Code,
}

/// Issues a token and prints it.
///
/// # Errors
/// Returns the error of the control API.
pub(crate) fn mint(arguments: &MintArguments) -> anyhow::Result<()> {
    let body = arguments.body();
    let created = StatusCode::CREATED;
    let minted = arguments.target.call(Method::POST, "/control/tokens", Some(&body), created)?;
    if arguments.json {
        print_line(serde_json::to_string_pretty(&minted)?)?;
    } else {
        let token = minted["token"].as_str().context("the response has no token")?;
        print_line(token)?;
    }
    Ok(())
}

impl MintArguments {
    fn body(&self) -> Value {
        let kind = match self.token {
            TokenKind::Access => "access",
            TokenKind::Id => "id",
            TokenKind::Refresh => "refresh",
            TokenKind::Code => "code",
        };
        let claims: Map<String, Value> = self.claims.iter().cloned().collect();
        let mut body = Map::new();
        for (name, value) in [
            ("token", json!(kind)),
            ("client_id", json!(self.client)),
            ("user", json!(self.user)),
            ("scope", json!(self.scope)),
            ("expires_in", json!(self.expires_in)),
            ("not_before", json!(self.not_before)),
            ("typ", json!(self.typ)),
            ("algorithm", json!(self.algorithm)),
            ("nonce", json!(self.nonce)),
            ("redirect_uri", json!(self.redirect_uri)),
            ("code_challenge", json!(self.code_challenge)),
        ] {
            if !value.is_null() {
                body.insert(name.to_owned(), value);
            }
        }
        for (name, value, is_set) in [
            ("audience", json!(self.audience), !self.audience.is_empty()),
            ("claims", json!(claims), !claims.is_empty()),
            ("flaws", json!(self.flaws), !self.flaws.is_empty()),
        ] {
            if is_set {
                body.insert(name.to_owned(), value);
            }
        }
        Value::Object(body)
    }
}

fn parse_claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("a claim has the form NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claim_is_json_or_text() {
        for (text, value) in [
            ("roles=[\"admin\"]", json!(["admin"])),
            ("tenant=north", json!("north")),
            ("level=3", json!(3)),
            ("note=a=b", json!("a=b")),
        ] {
            assert_eq!(parse_claim(text).unwrap().1, value, "{text}");
        }
        assert!(parse_claim("roles").is_err());
    }
}
