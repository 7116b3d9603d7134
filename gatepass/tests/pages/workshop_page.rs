use std::net::TcpListener;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::{
    launcher::Launcher,
    page::{Page, Shell},
    workshop::{Expected, ResourceServer, routes, verification},
};

/// The rounds, and the flaw that each accepts.
const ROUNDS: [(&str, Option<&str>); 7] = [
    ("1", Some("expired")),
    ("2", Some("wrong_audience")),
    ("3", Some("missing_scope")),
    ("4", Some("wrong_typ")),
    ("5", Some("wrong_issuer")),
    ("6", Some("hs256_with_public_key")),
    ("solution", None),
];

/// Serves a round for the demo at these ports, and returns the port of the server.
async fn serve(name: &str, issuer: u16, b: u16) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let expected = Expected {
        issuer: format!("http://localhost:{issuer}"),
        resource: format!("http://localhost:{b}"),
        algorithm: Algorithm::ES256,
    };
    let server = ResourceServer { expected, verify: verification(name).unwrap() };
    tokio::spawn(async move { axum::serve(listener, routes(server)).await });
    port
}

/// Returns the port in the first line of the demo's list that starts with this letter.
fn port_of(printed: &str, letter: &str) -> u16 {
    let line = printed.lines().find(|line| line.trim_start().starts_with(letter)).unwrap();
    let (_, rest) = line.split_once("http://localhost:").unwrap();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn workshop_runs_as_its_page_says() {
    let page = Page::read("docs/learn/workshop.md");
    let control_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (variable, command) = page.block("start").split_once(' ').unwrap();
    let (name, value) = variable.split_once('=').unwrap();
    assert_eq!((command, value), ("cargo run", "127.0.0.1:9005"));
    let folder = tempfile::tempdir().unwrap();
    let control = format!("127.0.0.1:{control_port}");
    let demo = Launcher::start_in(&[(name, &control)], folder.path(), &["--free-ports"]);
    let printed = demo.until_printed("curl -i ");
    let (issuer, b) = (port_of(&printed, "C  "), port_of(&printed, "B  "));

    assert_eq!(page.block("round"), "cargo run --example workshop -- 1");
    for (round, accepted) in ROUNDS {
        let at = serve(round, issuer, b).await;
        let shell = Shell { ports: vec![(9002, b), (9012, at)], control_port };
        let response = block_in_place(|| shell.run(page.block("token")));
        let response: Value = serde_json::from_str(&response).unwrap();
        assert_eq!(response, json!({ "called_by": "service-a", "orders": ["tea", "noodles"] }));
        let output = block_in_place(|| shell.run(page.block("attack")));
        if round == "1" {
            assert_eq!(output.trim_end(), page.block("round-1"));
        }
        assert_eq!(output.lines().count(), 7, "{output}");
        let broken_by = output.lines().filter_map(|line| line.strip_prefix("200 "));
        assert_eq!(broken_by.collect::<Vec<_>>(), Vec::from_iter(accepted), "round {round}");
        assert_eq!(output.contains("403 missing_scope"), accepted != Some("missing_scope"));
    }

    let shell = Shell { ports: vec![(9002, b)], control_port };
    let minted = block_in_place(|| shell.run(page.block("open")));
    let minted: Value = serde_json::from_str(&minted).unwrap();
    assert_eq!(minted["claims"]["aud"], format!("http://localhost:{b}"));
}
