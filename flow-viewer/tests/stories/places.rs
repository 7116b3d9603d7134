use serde_json::{Value, json};

use crate::viewer::Viewer;

#[tokio::test]
async fn a_person_learns_where_a_login_begins_as_browsers_know_it() {
    for public in ["https://site.example", "https://site.example/"] {
        let viewer = Viewer::start_with(|settings| {
            settings.service_a.url = "http://service-a:9001".to_owned();
            settings.service_a.public_url = public.to_owned();
        });
        let answer = reqwest::get(format!("{}/api/places", viewer.base)).await.unwrap();
        assert_eq!(answer.status(), 200);
        let places: Value = answer.json().await.unwrap();
        assert_eq!(places, json!({ "login": "https://site.example/login/platform" }));
    }
}
