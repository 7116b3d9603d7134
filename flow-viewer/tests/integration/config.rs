use serde_json::{Value, json};

use crate::viewer::Viewer;

async fn config_of(viewer: &Viewer) -> Value {
    let response = reqwest::get(format!("{}/api/config", viewer.base)).await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn hosts_tell_the_resource_servers_apart() {
    let viewer = Viewer::start_with(|settings| {
        settings.b_local.url = "http://b-local:9002".to_owned();
        settings.b_local.public_url = "https://b.example/api".to_owned();
    });
    let hosts = &config_of(&viewer).await["resource_servers"];
    assert_eq!(hosts["local"], json!(["b-local:9002", "b.example"]));
    assert_eq!(hosts["introspection"], json!(["localhost:9003", "localhost:9003"]));
}

#[tokio::test]
async fn login_url_is_the_public_url_of_a() {
    for public in ["https://site.example", "https://site.example/"] {
        let viewer = Viewer::start_with(|settings| {
            settings.service_a.url = "http://service-a:9001".to_owned();
            settings.service_a.public_url = public.to_owned();
        });
        let login_url = &config_of(&viewer).await["login_url"];
        assert_eq!(login_url, "https://site.example/login/platform");
    }
}
