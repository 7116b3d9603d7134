use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use service_kit::{RequestBody, has_media_type};

use super::{
    context::ControlContext,
    error::ControlError,
    issuer::{ISSUER, NamedIssuer},
};
use crate::typed_json::{JsonProblem, parse_object, typed};

const JSON: &str = "application/json";

/// Extractor for a JSON object of at most `limits.max_body_bytes`. `T` should reject unknown
/// members; the error names the member and its place. The member `issuer` is checked here and is
/// not part of `T`.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: NamedIssuer> FromRequest<S> for JsonBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, context: &S) -> Result<Self, Response> {
        if !has_media_type(request.headers(), JSON) {
            return Err(ControlError::not_json().into_response());
        }
        let body = read(request, context).await?;
        parse(&body, context).map(Self).map_err(IntoResponse::into_response)
    }
}

/// Extractor for a body that may be missing: `T` is its default then.
pub struct OptionalJsonBody<T>(pub T);

impl<T: Default + DeserializeOwned> FromRequest<Arc<ControlContext>> for OptionalJsonBody<T> {
    type Rejection = Response;

    async fn from_request(
        request: Request,
        context: &Arc<ControlContext>,
    ) -> Result<Self, Response> {
        let is_json = has_media_type(request.headers(), JSON);
        let body = read(request, context).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(ControlError::not_json().into_response());
        }
        parse(&body, context).map(Self).map_err(IntoResponse::into_response)
    }
}

/// Reads the complete body.
///
/// # Errors
/// Returns an error if the body is too long, or ends early.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Response> {
    let body = RequestBody::from_request(request, state).await;
    let RequestBody(body) =
        body.map_err(|rejection| ControlError::unreadable(rejection.status()).into_response())?;
    Ok(body)
}

fn parse<T: DeserializeOwned>(body: &[u8], context: &impl NamedIssuer) -> Result<T, ControlError> {
    let mut members = parse_object(body, |_| {
        JsonProblem::new("", "the body is not a JSON object").expecting("a JSON object")
    })?;
    match members.remove(ISSUER) {
        None => {}
        Some(Value::String(named)) if context.is_named(&named) => {}
        Some(Value::String(named)) => return Err(context.not_named(&named).at("/issuer")),
        Some(_) => {
            let error = ControlError::invalid("the issuer is not a string").at("/issuer");
            return Err(error.expecting("a string"));
        }
    }
    Ok(typed(Value::Object(members))?)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Body {
        seconds: i64,
        list: Vec<Inner>,
        kind: Option<Kind>,
        names: Option<Names>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum Names {
        #[expect(dead_code, reason = "only the errors are compared")]
        One(String),
        #[expect(dead_code, reason = "only the errors are compared")]
        Several(Vec<String>),
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only the errors are compared")]
        name: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        One,
        Two,
    }

    struct Issuer;

    impl NamedIssuer for Issuer {
        fn is_named(&self, named: &str) -> bool {
            named == "https://c.example"
        }
    }

    fn error(body: &str) -> Value {
        let error = parse::<Body>(body.as_bytes(), &Issuer).unwrap_err();
        serde_json::to_value(error).unwrap()
    }

    #[test]
    fn error_names_the_place_and_what_is_expected() {
        for (body, pointer, description, expected) in [
            ("", "", "the body is not a JSON object", Some("a JSON object")),
            ("[]", "", "the body is not a JSON object", Some("a JSON object")),
            ("{}{}", "", "the body is not a JSON object", Some("a JSON object")),
            (
                r#"{"seconds":1,"seconds":1}"#,
                "/seconds",
                "the member `seconds` is there twice",
                Some("one value"),
            ),
            (
                r#"{"list":[{"name":"a"},{"a/b":1,"a/b":2}]}"#,
                "/list/1/a~1b",
                "the member `a/b` is there twice",
                Some("one value"),
            ),
            (
                r#"{"list":[["a"]]}"#,
                "/list/0",
                "the value at the pointer is not what is expected",
                Some("an object"),
            ),
            (
                r#"{"list":["a"]}"#,
                "/list/0",
                "the value at the pointer is not what is expected",
                Some("an object"),
            ),
            (
                r#"{"second":1}"#,
                "/second",
                "unknown member `second`",
                Some("one of `seconds`, `list`, `kind`, `names`"),
            ),
            (
                r#"{"expected":1}"#,
                "/expected",
                "unknown member `expected`",
                Some("one of `seconds`, `list`, `kind`, `names`"),
            ),
            (
                r#"{"list":[{"name":"a"},{"name":"b","a/b~c":1}]}"#,
                "/list/1/a~1b~0c",
                "unknown member `a/b~c`",
                Some("`name`"),
            ),
            (r#"{"list":[{}]}"#, "/list/0/name", "the member `name` is missing", Some("a value")),
            (
                r#"{"list":[{"name":1}]}"#,
                "/list/0/name",
                "the value at the pointer is not what is expected",
                Some("a string"),
            ),
            (
                r#"{"seconds":"s3cret"}"#,
                "/seconds",
                "the value at the pointer is not what is expected",
                Some("an integer"),
            ),
            (
                r#"{"kind":"three"}"#,
                "/kind",
                "the value at the pointer is not what is expected",
                Some("`one` or `two`"),
            ),
            (r#"{"names":1}"#, "/names", "the value at the pointer is not what is expected", None),
            (r#"{"issuer":1}"#, "/issuer", "the issuer is not a string", Some("a string")),
        ] {
            let mut value = json!({
                "error": "invalid_request",
                "error_description": description,
                "pointer": pointer,
            });
            if let Some(expected) = expected {
                value["expected"] = json!(expected);
            }
            assert_eq!(error(body), value, "{body}");
        }
    }

    #[test]
    fn issuer_in_the_body_must_be_known() {
        let known = r#"{"issuer":"https://c.example","seconds":3}"#;
        let body: Body = parse(known.as_bytes(), &Issuer).unwrap();
        assert_eq!(body.seconds, 3);
        let unknown = error(r#"{"issuer":"https://d.example"}"#);
        assert_eq!(
            (&unknown["error"], &unknown["pointer"]),
            (&json!("unknown_issuer"), &json!("/issuer"))
        );
    }
}
