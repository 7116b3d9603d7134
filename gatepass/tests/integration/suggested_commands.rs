//! The curl commands that the demo suggests.

use reqwest::{Client, Response};

use crate::launcher::Launcher;

/// Returns the suggested command lines.
pub fn suggested_commands(printed: &str) -> Vec<String> {
    printed
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("curl "))
        .map(str::to_owned)
        .collect()
}

/// Returns the port of the server whose line starts with `server`.
pub fn port_of(printed: &str, server: &str) -> String {
    let line = printed.lines().find(|line| line.trim_start().starts_with(server)).unwrap();
    let (_, rest) = line.split_once("http://localhost:").unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// Runs a curl command. Supports `-d`, `-i`, quotes around a whole word, and a URL.
async fn run(line: &str) -> Response {
    let (mut form, mut url) = (Vec::new(), None);
    let mut words = line.split_whitespace().skip(1).map(|word| word.trim_matches('\''));
    while let Some(word) = words.next() {
        match word {
            "-d" => form.push(words.next().unwrap().split_once('=').unwrap()),
            "-i" => {}
            other if other.starts_with("http://localhost:") => url = Some(other),
            other => panic!("unsupported argument `{other}`"),
        }
    }
    let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = url.unwrap();
    let request = if form.is_empty() { client.get(url) } else { client.post(url).form(&form) };
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_suggested_command_works() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports"]);
    let printed = launcher.until_printed("curl -i ");
    let lines = suggested_commands(&printed);
    let [through_a, to_c, to_b] = &lines[..] else { panic!("{lines:?}") };

    let response = run(through_a).await;
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains("this is B's protected resource"));

    let response = run(to_c).await;
    assert_eq!(response.status(), 200);
    let response: serde_json::Value = response.json().await.unwrap();
    assert_eq!(
        (response["token_type"].as_str(), response["expires_in"].as_u64()),
        (Some("Bearer"), Some(1_800))
    );

    let response = run(to_b).await;
    assert_eq!(response.status(), 401);
    assert!(
        response.headers()["www-authenticate"].to_str().unwrap().contains("resource_metadata=")
    );
}
