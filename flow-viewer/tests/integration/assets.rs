//! The files of the page.

use std::io::Read;

use flate2::read::GzDecoder;
use reqwest::{Client, Response};

use crate::viewer::Viewer;

/// The most bytes that the files of the page may have together.
const MAX_BYTES: usize = 60_000;

async fn get(viewer: &Viewer, path: &str, accepted: &str) -> Response {
    let url = format!("{}{path}", viewer.base);
    Client::new().get(url).header("accept-encoding", accepted).send().await.unwrap()
}

#[tokio::test]
async fn page_and_its_files_are_compressed_for_browsers_that_accept_it() {
    let viewer = Viewer::start_with(|_| ());
    let assets = ["viewer.css", "viewer.js", "texts.en.json", "texts.zh.json"];
    let assets = assets.map(|asset| format!("/assets/{asset}"));
    let all = ["/", "/api/config"].map(ToOwned::to_owned).into_iter().chain(assets);
    for path in all {
        let plain = get(&viewer, &path, "identity").await;
        let content_type = plain.headers()["content-type"].clone();
        let plain = plain.text().await.unwrap();
        for accepted in ["gzip, deflate, br", "GZIP;q=0.5"] {
            let response = get(&viewer, &path, accepted).await;
            assert_eq!(response.headers()["content-encoding"], "gzip", "{path} {accepted}");
            assert_eq!(response.headers()["vary"], "accept-encoding", "{path}");
            assert_eq!(response.headers()["content-type"], content_type, "{path}");
            let (bytes, mut text) = (response.bytes().await.unwrap(), String::new());
            GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
            assert_eq!(text, plain);
            assert!(bytes.len() * 2 < plain.len(), "{path}: {} of {}", bytes.len(), plain.len());
        }
        for accepted in ["identity", "gzip;q=0", "gzip;q=x", ""] {
            let response = get(&viewer, &path, accepted).await;
            assert!(!response.headers().contains_key("content-encoding"), "{path} {accepted}");
            assert_eq!(response.headers()["vary"], "accept-encoding", "{path}");
        }
    }
}

#[tokio::test]
async fn unknown_address_is_a_page_in_the_language_of_the_browser() {
    let viewer = Viewer::start_with(|_| ());
    let get = async |accept: &str, language: &str| {
        let request = Client::new().get(format!("{}/nothing", viewer.base));
        let request = request.header("accept", accept).header("accept-language", language);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 404);
        response.text().await.unwrap()
    };
    let english = get("text/html", "en").await;
    assert!(english.contains("There is no page at this address"), "{english}");
    let chinese = get("text/html,*/*", "zh-CN").await;
    assert!(chinese.contains("这个地址没有页面") && !chinese.contains("no page"), "{chinese}");
    assert!(!chinese.contains("{{"), "{chinese}");
    assert!(get("application/json", "zh-CN").await.contains("invalid_request"));
}

#[tokio::test]
async fn page_and_its_files_stay_small() {
    let viewer = Viewer::start_with(|_| ());
    let mut total = 0;
    for file in ["/", "/assets/viewer.css", "/assets/viewer.js", "/assets/texts.zh.json"] {
        total += get(&viewer, file, "gzip").await.bytes().await.unwrap().len();
    }
    assert!(total < MAX_BYTES, "{total} bytes");
}
