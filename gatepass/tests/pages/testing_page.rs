use serde_json::Value;
use test_support::process::{Program, set_arguments};

use crate::page::{Page, Shell};

#[test]
fn testing_page_issues_a_wrong_and_a_right_token_and_resets() {
    for page in ["docs/testing.md", "docs/testing.zh-CN.md"] {
        let page = Page::read(page);
        let command = page.block("start").strip_prefix("cargo run -- ").unwrap();
        let words = command.replace("127.0.0.1:9005", "127.0.0.1:0");
        let mut arguments: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data").display().to_string();
        arguments.extend(set_arguments(&[
            ("listen", "127.0.0.1:0"),
            ("issuer", "http://localhost:0"),
            ("log.format", "json"),
            ("data_dir", &data_dir),
        ]));
        let process =
            Program::at(env!("CARGO_BIN_EXE_gatepass")).serve(&arguments, "auth-server starts");
        let control = process.started("control").unwrap();
        let control_port = control.rsplit(':').next().unwrap().parse().unwrap();
        let shell = Shell { ports: vec![(9005, control_port)], control_port };

        let printed = shell.run(page.block("tokens"));
        let responses = serde_json::Deserializer::from_str(&printed).into_iter::<Value>();
        let [wrong, right] = &responses.map(Result::unwrap).collect::<Vec<_>>()[..] else {
            panic!("{printed}")
        };
        for response in [wrong, right] {
            assert_eq!(response["claims"]["aud"], "http://localhost:5001/api");
            assert_eq!(response["claims"]["scope"], "orders:read");
        }
        assert_ne!(wrong["token"], right["token"]);

        shell.run(page.block("command-line"));
        let faults = shell.run("gatepass faults list");
        assert_eq!(serde_json::from_str::<Value>(&faults).unwrap(), serde_json::json!([]));
        assert!(!folder.path().join("data").exists(), "the page says that nothing is written");
    }
}

#[test]
fn testing_page_mints_for_one_of_several_issuers_and_resets_it() {
    for page in ["docs/testing.md", "docs/testing.zh-CN.md"] {
        let page = Page::read(page);
        // The port of the page may be in use.
        let listen = "issuer = \"http://localhost:0\"\nlisten = \"127.0.0.1:0\"";
        let issuers = page.block("issuers").replace("issuer = \"http://localhost:9100\"", listen);
        let seed = format!("{}\n{issuers}", page.block("seed"));
        let arguments = set_arguments(&[
            ("listen", "127.0.0.1:0"),
            ("issuer", "http://localhost:0"),
            ("tls_listen", ""),
            ("control.listen", "127.0.0.1:0"),
            ("log.format", "json"),
        ]);
        let arguments = [vec!["auth-server".to_owned()], arguments].concat();
        let process = Program::at(env!("CARGO_BIN_EXE_gatepass")).serve_in(
            &[("GATEPASS_SEED", &seed)],
            &arguments,
            "auth-server starts",
        );
        let control = process.started("control").unwrap();
        let control_port = control.rsplit(':').next().unwrap().parse().unwrap();
        let shell = Shell { ports: vec![(9005, control_port)], control_port };
        let minted: Value = serde_json::from_str(&shell.run(page.block("issuer-calls"))).unwrap();
        let issuer = minted["claims"]["iss"].as_str().unwrap();
        assert!(issuer.ends_with("/tenant"), "{issuer}");
        let state = shell.run("curl -s localhost:9005/control");
        let state: Value = serde_json::from_str(&state).unwrap();
        assert_eq!(state["issuers"][2]["name"], "partner", "{state}");
    }
}
