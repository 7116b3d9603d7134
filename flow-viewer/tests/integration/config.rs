use serde_json::{Value, json};

use crate::viewer::Viewer;

#[tokio::test]
async fn login_url_is_the_public_url_of_a() {
    for public in ["https://site.example", "https://site.example/"] {
        let viewer = Viewer::start_with(|settings| {
            settings.service_a.url = "http://service-a:9001".to_owned();
            settings.service_a.public_url = public.to_owned();
        });
        let response = reqwest::get(format!("{}/api/config", viewer.base)).await.unwrap();
        assert_eq!(response.status(), 200);
        let config: Value = response.json().await.unwrap();
        assert_eq!(config, json!({ "login_url": "https://site.example/login/platform" }));
    }
}
