//! `gatepass mint`, `reset` and `faults`: the control API from the command line.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
};

use serde_json::Value;
use test_support::process::{Program, ServerProcess, set_arguments};

const GATEPASS: &str = env!("CARGO_BIN_EXE_gatepass");
const TOKEN: &str = "the-control-token";

/// A server with a token for its control API.
fn server(folder: &tempfile::TempDir) -> ServerProcess {
    let data_dir = folder.path().display().to_string();
    let settings = set_arguments(&[
        ("listen", "127.0.0.1:0"),
        ("issuer", "http://localhost:0"),
        ("tls_listen", ""),
        ("manage_listen", ""),
        ("control.listen", "127.0.0.1:0"),
        ("control.token", TOKEN),
        ("log.format", "json"),
        ("data_dir", &data_dir),
    ]);
    let arguments = [vec!["auth-server".to_owned()], settings].concat();
    Program::at(GATEPASS).serve(&arguments, "auth-server starts")
}

/// Runs a command line with these values of `GATEPASS_CONTROL` and `GATEPASS_CONTROL_TOKEN`.
/// There are no certificate authorities, as in the image. Returns whether it succeeds, and its
/// output or its error.
fn run(url: &str, token: &str, words: &[&str]) -> (bool, String) {
    let output = Command::new(GATEPASS)
        .args(words)
        .env("GATEPASS_CONTROL", url)
        .env("GATEPASS_CONTROL_TOKEN", token)
        .env("SSL_CERT_FILE", "/no-such-file")
        .env("SSL_CERT_DIR", "/no-such-folder")
        .output()
        .unwrap();
    let bytes = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(bytes).unwrap().trim().to_owned())
}

#[test]
fn errors_of_the_control_api_are_translated() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let url = format!("http://{}", server.started("control").unwrap());
    for (token, words, expected) in [
        (TOKEN, &["mint", "--client", "nobody"][..], "没有客户端 `nobody`"),
        (TOKEN, &["mint", "--client", "service-a", "--claim", "roles"], "声明的格式是 NAME=VALUE"),
        (TOKEN, &["faults", "add", "jwks"], "该故障没有任何作用"),
        ("another", &["reset"], "控制 API 要求提供设置 control.token 中的令牌"),
    ] {
        let (succeeds, error) = run(&url, token, &[words, &["--lang", "zh"]].concat());
        assert!(!succeeds && error.starts_with("错误：") && error.contains(expected), "{error}");
    }
}

#[test]
fn tokens_faults_and_reset_work_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let url = format!("http://{}", server.started("control").unwrap());
    let succeed = |words: &[&str]| {
        let (succeeds, text) = run(&url, TOKEN, words);
        assert!(succeeds, "{words:?}: {text}");
        text
    };
    succeed(&["reset", "--issuer", "default"]);
    let token = succeed(&["mint", "--client", "service-a", "--flaw", "expired"]);
    assert_eq!(token.split('.').count(), 3, "{token}");
    let code = [
        "mint",
        "code",
        "--client",
        "service-a",
        "--user",
        "alice",
        "--nonce",
        "-n",
        "--redirect-uri",
        "http://localhost:9001/callback/platform",
        "--code-challenge",
        "-9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "--json",
    ];
    let minted: Value = serde_json::from_str(&succeed(&code)).unwrap();
    assert!(minted["token"].as_str().unwrap().starts_with("gpac_"));
    assert_eq!(minted["bypassed"], serde_json::json!([]), "{minted}");
    let signed = [
        "mint",
        "--client",
        "service-a",
        "--typ",
        "JWT",
        "--algorithm",
        "EdDSA",
        "--not-before",
        "-5",
        "--json",
    ];
    let minted: Value = serde_json::from_str(&succeed(&signed)).unwrap();
    assert_eq!(
        (&minted["header"]["typ"], &minted["header"]["alg"]),
        (&"JWT".into(), &"EdDSA".into())
    );
    assert!(minted["claims"]["nbf"].is_i64());

    assert_eq!(succeed(&["faults", "add", "jwks", "--status", "503", "--times", "2"]), "1");
    assert!(succeed(&["faults", "list"]).contains("\"remaining\": 2"));
    succeed(&["faults", "clear"]);
    assert_eq!(succeed(&["faults", "list"]), "[]");
    succeed(&["faults", "add", "token", "--oauth-error", "server_error", "--client", "service-a"]);
    assert_eq!(succeed(&["reset"]), "");
    assert_eq!(succeed(&["faults", "list"]), "[]");
    succeed(&["reset", "--keys"]);

    for (words, part) in [
        (&["mint", "--client", "nobody"][..], "no client `nobody`"),
        (&["mint", "--client", "service-a", "--flaw", "bad"], "/flaws/0"),
        (&["faults", "add", "nowhere", "--status", "503"], "/on"),
        (&["mint", "--client", "service-a", "--issuer", "nobody"], "no issuer `nobody`"),
        (&["reset", "--issuer", "nobody"], "no issuer `nobody`"),
        (&["faults", "list", "--issuer", "nobody"], "no issuer `nobody`"),
    ] {
        let (succeeds, error) = run(&url, TOKEN, words);
        assert!(!succeeds && error.contains(part), "{words:?}: {error}");
    }
    let (succeeds, error) = run(&url, "", &["reset"]);
    assert!(!succeeds && error.contains("control.token"), "{error}");
}

#[test]
fn empty_environment_variables_count_as_unset() {
    // Whether or not a server has the default port, an empty URL is not an error of the option.
    let (_, error) = run("", "", &["mint", "--client", "no-such-client"]);
    let is_answer = ["127.0.0.1:9005", "no client", "control.token"];
    assert!(is_answer.iter().any(|part| error.contains(part)), "{error}");
}

#[test]
fn success_of_another_server_is_an_error() {
    for answer in ["HTTP/1.1 200 OK", "HTTP/1.1 201 Created", "HTTP/1.1 202 Accepted"] {
        for words in [&["reset"][..], &["faults", "clear"], &["mint", "--client", "a"]] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let other = std::thread::spawn(move || {
                let (mut socket, _) = listener.accept().unwrap();
                let _ = socket.read(&mut [0; 4_096]).unwrap();
                let body = "Content-Length: 5\r\nConnection: close\r\n\r\nhello";
                let _ = socket.write_all(format!("{answer}\r\n{body}").as_bytes());
            });
            let (succeeds, error) = run(&format!("http://{address}"), "", words);
            // If the command has sent nothing, this connection ends the wait for one.
            drop(TcpStream::connect(address));
            other.join().unwrap();
            assert!(!succeeds && error.contains("no control API answers"), "{words:?}: {error}");
        }
    }
}
