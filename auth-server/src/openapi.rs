use std::sync::LazyLock;

use axum::{body::Bytes, extract::State, http::header, response::IntoResponse};
use embedded_files::embedded_file;
use serde_json::Value;

/// The OpenAPI document of C, for the routes that the settings enable. Cheap to clone, because
/// every request clones the application state.
#[derive(Clone)]
pub struct OpenApiDocument(Bytes);

impl OpenApiDocument {
    /// Returns the document, with the paths of WeChat's API if `compat.wechat` enables them. All
    /// servers of a process share it.
    pub fn new(wechat: bool) -> Self {
        static PLAIN: LazyLock<Bytes> =
            LazyLock::new(|| embedded_file!("openapi.json").text().into());
        static WITH_WECHAT: LazyLock<Bytes> =
            LazyLock::new(|| with_wechat(&OpenApiDocument::new(false).0).into());
        Self(if wechat { WITH_WECHAT.clone() } else { PLAIN.clone() })
    }
}

fn with_wechat(document: &[u8]) -> String {
    let mut document: Value = serde_json::from_slice(document).unwrap_or_default();
    let wechat = embedded_file!("openapi-wechat.json").text();
    let wechat = serde_json::from_str(&wechat).unwrap_or_default();
    if let (Some(paths), Value::Object(more)) = (document["paths"].as_object_mut(), wechat) {
        paths.extend(more);
    }
    document.to_string()
}

/// `GET /openapi.json`: the OpenAPI document of C. A test compares it with the routes and with real
/// responses.
pub async fn openapi(State(document): State<OpenApiDocument>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_a_process_share_the_document() {
        for wechat in [false, true] {
            let [one, other] = [(); 2].map(|()| OpenApiDocument::new(wechat));
            assert_eq!(one.0.as_ptr(), other.0.as_ptr());
        }
    }
}
