use axum::{body::Bytes, extract::State, http::header, response::IntoResponse};
use serde_json::Value;

/// The OpenAPI document of C, for the routes that the settings enable. Cheap to clone, because
/// every request clones the application state.
#[derive(Clone)]
pub struct OpenApiDocument(Bytes);

impl OpenApiDocument {
    /// Builds the document, with the paths of WeChat's API if `compat.wechat` enables them.
    pub fn new(wechat: bool) -> Self {
        const DOCUMENT: &str = include_str!("../openapi.json");
        Self(match wechat {
            true => with_wechat(DOCUMENT).into(),
            false => Bytes::from_static(DOCUMENT.as_bytes()),
        })
    }
}

fn with_wechat(document: &str) -> String {
    let parse = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (mut document, wechat) = (parse(document), parse(include_str!("../openapi-wechat.json")));
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
    fn clones_share_the_document() {
        for wechat in [false, true] {
            let document = OpenApiDocument::new(wechat);
            assert_eq!(document.clone().0.as_ptr(), document.0.as_ptr());
        }
    }
}
