use std::net::TcpStream;

use test_support::wait::until_blocking;

use crate::{
    launcher::Launcher,
    slow_request::SlowRequest,
    suggested_commands::{port_of, suggested_commands},
};

const LAST_LINE: &str = "curl -i ";

#[test]
fn demo_prints_the_first_call_and_next_steps_without_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(&folder.path().join("data"), &["--free-ports"]);
    let printed = launcher.until_printed(LAST_LINE);
    launcher.signal("INT");
    let exited = launcher.wait();
    assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""), "{printed}");
    let parts = [
        "The first call, A -> C -> B, as it just happened",
        "Step 1  A -> C  Requests an access token",
        "POST https://localhost:",
        "client_secret   ••••••",
        "Step 2  C -> A  status 200 after",
        "Step 3  A -> B  Calls B with the access token",
        "GET http://localhost:",
        "Step 4  B verifies the access token locally",
        "B checks signature",
        "B checks scope",
        "A responds to its caller with 200 OK",
        "Running until Ctrl-C",
        "C  authorization server      http://localhost:",
        "A  client                    http://localhost:",
        "B  local verification        http://localhost:",
        "B  introspection at C        http://localhost:",
        "start here: OAuth in seven questions",
    ];
    let positions: Vec<_> = parts
        .map(|part| printed.find(part).unwrap_or_else(|| panic!("`{part}` is not in\n{printed}")))
        .to_vec();
    assert!(positions.is_sorted(), "{printed}");
    assert_eq!(suggested_commands(&printed).len(), 3, "{printed}");
    // The demo secret appears only in the suggested curl command.
    let with_secret: Vec<_> = printed.lines().filter(|line| line.contains("abc123")).collect();
    assert!(matches!(with_secret[..], [line] if line.contains("curl")), "{with_secret:?}");
}

#[test]
fn demo_that_ends_after_the_first_call_prints_no_addresses_to_open() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--free-ports", "--once", "--manage", "--https"];
    let exited = Launcher::start(folder.path(), &options).wait();
    assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""), "{}", exited.out);
    let (call, end) = exited.out.split_once("A responds to its caller with 200 OK").unwrap();
    assert!(call.contains("Step 1  A -> C"), "{call}");
    assert!(end.contains("Stopping because of --once"), "{end}");
    assert!(!end.contains("localhost") && suggested_commands(end).is_empty(), "{end}");
}

#[test]
fn demos_on_free_ports_can_share_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let files = || {
        let names = std::fs::read_dir(folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("clients-")).collect::<Vec<_>>()
    };
    let demos = [(); 2].map(|()| {
        let launcher = Launcher::start(folder.path(), &["--free-ports"]);
        let printed = launcher.until_printed(LAST_LINE);
        (launcher, printed)
    });
    for (_, printed) in &demos {
        let port = port_of(printed, "C  authorization server");
        let file = folder.path().join(format!("clients-localhost-{port}.toml"));
        let clients = std::fs::read_to_string(file).unwrap();
        assert!(clients.contains(&port_of(printed, "A  client")), "{clients}");
    }
    assert_eq!(files().len(), 2);
    for (launcher, _) in demos {
        launcher.signal("INT");
        assert_eq!(launcher.wait().code, Some(0));
    }
    assert_eq!(files(), Vec::<String>::new());
}

#[test]
fn demo_starts_again_with_an_existing_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let exited = Launcher::start(folder.path(), &["--free-ports", "--once"]).wait();
        assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""), "{}", exited.out);
    }
}

#[test]
fn demo_stops_on_a_signal_and_finishes_requests_in_progress() {
    for name in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let launcher = Launcher::start(folder.path(), &["--free-ports"]);
        let printed = launcher.until_printed(LAST_LINE);
        let (a, local) =
            (port_of(&printed, "A  client"), port_of(&printed, "B  local verification"));
        let request = SlowRequest::start(&a);
        launcher.signal(name);
        let local = format!("127.0.0.1:{local}");
        until_blocking("B has stopped", || TcpStream::connect(&local).is_err());
        // B has stopped, so A responds with an error; the connection is not cut off.
        let response = request.finish();
        assert!(
            response.starts_with("HTTP/1.1 502") && response.contains("call_b"),
            "{name}: {response}"
        );
        let exited = launcher.wait();
        assert_eq!(exited.code, Some(0), "{name}: {}", exited.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_serves_health_and_metrics_only_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher::start(folder.path(), &["--free-ports", "--manage"]);
    let printed = launcher.until_printed(LAST_LINE);
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let get = async |port: &str, path: &str| {
        let url = format!("http://localhost:{port}{path}");
        http.get(url).send().await.unwrap().status().as_u16()
    };
    for (server, public) in [
        ("auth-server", "C  authorization server"),
        ("service-a", "A  client"),
        ("service-b, local", "B  local verification"),
        ("service-b, introspecting", "B  introspection at C"),
        ("flow-viewer", "flow viewer"),
    ] {
        let manage = port_of(&printed, &format!("health and metrics of {server} "));
        for path in ["/healthz", "/readyz", "/readyz?deep", "/metrics"] {
            assert_eq!(get(&manage, path).await, 200, "{server}: {path}");
            assert_eq!(get(&port_of(&printed, public), path).await, 404, "{server}: {path}");
        }
    }
    drop(launcher);
    let exited = Launcher::start(folder.path(), &["--free-ports", "--once"]).wait();
    assert!(!exited.out.contains("health and metrics"), "{}", exited.out);
}
