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
    let exited = Launcher::start(&folder.path().join("data"), &["--free-ports", "--once"]).wait();
    assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""), "{}", exited.out);
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
        "C  authorization server      http://localhost:",
        "A  client                    http://localhost:",
        "B  local verification        http://localhost:",
        "B  introspection at C        http://localhost:",
    ];
    let positions: Vec<_> = parts
        .map(|part| {
            exited.out.find(part).unwrap_or_else(|| panic!("`{part}` is not in\n{}", exited.out))
        })
        .to_vec();
    assert!(positions.is_sorted(), "{}", exited.out);
    assert_eq!(suggested_commands(&exited.out).len(), 3, "{}", exited.out);
    // The demo secret appears only in the suggested curl command.
    let with_secret: Vec<_> = exited.out.lines().filter(|line| line.contains("abc123")).collect();
    assert!(matches!(with_secret[..], [line] if line.contains("curl")), "{with_secret:?}");
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
