//! The commands that the demo suggests, run as curl would run them.

use reqwest::{Client, Response};

use crate::launcher::Launcher;

/// The suggested command lines.
pub fn suggested(printed: &str) -> Vec<String> {
    printed
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("curl "))
        .map(str::to_owned)
        .collect()
}

/// The port of the server whose line begins like this.
pub fn port_of(printed: &str, server: &str) -> String {
    let line = printed.lines().find(|line| line.trim_start().starts_with(server)).unwrap();
    let (_, rest) = line.split_once("http://localhost:").unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// Only what is suggested is understood: `-d` and `-i`, quotes around a whole word, and a URL.
async fn run(line: &str) -> Response {
    let (mut form, mut url) = (Vec::new(), None);
    let mut words = line.split_whitespace().skip(1).map(|word| word.trim_matches('\''));
    while let Some(word) = words.next() {
        match word {
            "-d" => form.push(words.next().unwrap().split_once('=').unwrap()),
            "-i" => {}
            other if other.starts_with("http://localhost:") => url = Some(other),
            other => panic!("curl would read `{other}` in its own way"),
        }
    }
    let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = url.unwrap();
    let request = if form.is_empty() { client.get(url) } else { client.post(url).form(&form) };
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_suggested_command_works() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports"]);
    let printed = launcher.until_printed("curl -i ");
    let lines = suggested(&printed);
    let [through_a, to_c, to_b] = &lines[..] else { panic!("{lines:?}") };

    let answer = run(through_a).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("this is B's protected resource"));

    let answer = run(to_c).await;
    assert_eq!(answer.status(), 200);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(
        (answer["token_type"].as_str(), answer["expires_in"].as_u64()),
        (Some("Bearer"), Some(1_800))
    );

    let answer = run(to_b).await;
    assert_eq!(answer.status(), 401);
    assert!(answer.headers()["www-authenticate"].to_str().unwrap().contains("resource_metadata="));
}
