use reqwest::{Client, RequestBuilder};

use crate::viewer::Viewer;

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn page_of_another_host_cannot_read_flows_or_play_scenarios() {
    let (viewer, client) = (Viewer::start_with(|_| ()), Client::new());
    for (method, path) in
        [("GET", "/api/flows"), ("GET", "/api/live"), ("POST", "/api/scenarios/happy-path")]
    {
        let url = format!("{}{path}", viewer.base);
        let request = client.request(method.parse().unwrap(), url);
        assert_eq!(status(request.header("host", "evil.example:9004")).await, 421, "{path}");
    }
    assert_eq!(status(client.get(format!("{}/api/flows", viewer.base))).await, 200);
}

#[tokio::test]
async fn page_of_another_origin_cannot_play_scenarios_or_send_events() {
    let (viewer, client) = (Viewer::start_with(|_| ()), Client::new());
    for path in ["/api/scenarios/happy-path", "/api/events"] {
        let post = || client.post(format!("{}{path}", viewer.base)).body("{}");
        for (name, value) in [("origin", "http://localhost:1"), ("sec-fetch-site", "cross-site")] {
            assert_eq!(status(post().header(name, value)).await, 403, "{path}");
        }
        assert_ne!(status(post().header("origin", &viewer.base)).await, 403, "{path}");
    }
}
