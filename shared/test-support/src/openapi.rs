//! Checks a server's routes and responses against its OpenAPI file.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::http::TestResponse;

/// Path and method of an operation, for example `("/oauth/token", "post")`.
pub type Operation = (String, String);

const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "head"];

/// A parsed OpenAPI file.
#[derive(Clone, Debug)]
pub struct OpenApi(pub Value);

impl OpenApi {
    /// # Panics
    /// Panics if `text` is not JSON.
    pub fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    pub fn operations(&self) -> BTreeSet<Operation> {
        let paths = self.0["paths"].as_object().unwrap();
        let methods = |item: &Value| {
            let members = item.as_object().unwrap().keys();
            members.filter(|name| METHODS.contains(&name.as_str())).cloned().collect::<Vec<_>>()
        };
        paths
            .iter()
            .flat_map(|(path, item)| methods(item).into_iter().map(|method| (path.clone(), method)))
            .collect()
    }

    pub fn operation(&self, path: &str, method: &str) -> &Value {
        &self.0["paths"][path][method]
    }

    /// Asserts that the documented operations are exactly `routes`.
    #[track_caller]
    pub fn assert_operations(&self, routes: &BTreeSet<Operation>) {
        let documented = self.operations();
        let missing: Vec<_> = routes.difference(&documented).collect();
        let unknown: Vec<_> = documented.difference(routes).collect();
        assert!(missing.is_empty(), "not documented: {missing:?}");
        assert!(unknown.is_empty(), "documented and not served: {unknown:?}");
    }

    /// Asserts that POST and PUT operations have a request body, that other methods have none, and
    /// that each operation with a body documents the responses 408 and 413.
    #[track_caller]
    pub fn assert_bodies_document_408_and_413(&self) {
        for (path, method) in self.operations() {
            let operation = self.operation(&path, &method);
            let takes_body = operation["requestBody"].is_object();
            assert_eq!(takes_body, ["post", "put"].contains(&&*method), "{method} {path}");
            for status in ["408", "413"] {
                let documented = self.resolve(&operation["responses"][status]).is_object();
                assert!(!takes_body || documented, "{method} {path}: {status}");
            }
        }
    }

    /// Asserts that the status, media type and body of a response are documented, and that it has
    /// every documented header.
    #[track_caller]
    pub fn assert_response(&self, path: &str, method: &str, response: &TestResponse) {
        let place = format!("{method} {path} {}", response.status);
        let documented = &self.operation(path, method)["responses"][response.status.to_string()];
        let documented = self.resolve(documented);
        assert!(documented.is_object(), "{place} is not documented");
        let media_type = response.header("content-type").split(';').next().unwrap();
        let Some(content) = documented["content"].as_object() else {
            let body = (media_type, response.text.as_str());
            assert_eq!(body, ("", ""), "{place} has no documented body");
            return;
        };
        let content = content.get(media_type).unwrap_or_else(|| panic!("{place}: {media_type}"));
        for name in documented["headers"].as_object().map(Map::keys).into_iter().flatten() {
            let sent = response.headers.contains_key(name);
            assert!(sent, "{place}: {name} is documented and was not sent");
        }
        if media_type == "application/json" {
            let checked = self.check_schema(&content["schema"], &response.json());
            checked.unwrap_or_else(|error| panic!("{place}: {error}"));
        }
    }

    /// Returns what a reference leads to, or the value itself if it is none.
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(name) = value["$ref"].as_str() else { return value };
        let target = self.0.pointer(name.trim_start_matches('#'));
        target.unwrap_or_else(|| panic!("{name} leads nowhere"))
    }

    /// Checks a value against a schema. Supports the part of JSON Schema that our files use.
    /// Members that the schema does not list are errors.
    fn check_schema(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            let errors: Vec<String> =
                choices.iter().filter_map(|one| self.check_schema(one, value).err()).collect();
            let matches = choices.len() - errors.len();
            return if matches == 1 {
                Ok(())
            } else {
                Err(format!("{matches} of oneOf match: {}", errors.join(" | ")))
            };
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.as_slice(),
            one => std::slice::from_ref(one),
        };
        let type_matches = types.iter().any(|name| has_type(value, name));
        let value_matches = schema.get("const").is_none_or(|only| only == value)
            && schema["enum"].as_array().is_none_or(|all| all.contains(value));
        if !type_matches || !value_matches {
            return Err(format!("{value} is not {schema}"));
        }
        for item in value.as_array().into_iter().flatten() {
            self.check_schema(&schema["items"], item)?;
        }
        value.as_object().map_or(Ok(()), |members| self.check_members(schema, members))
    }

    fn check_members(&self, schema: &Value, members: &Map<String, Value>) -> Result<(), String> {
        let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            members.get(name).ok_or(format!("{name} is missing"))?;
        }
        for (name, value) in members {
            let schema = properties.get(name).ok_or(format!("{name} is not documented"))?;
            self.check_schema(schema, value).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }
}

/// Returns whether `value` has the JSON Schema type `name`.
fn has_type(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => panic!("a schema has the type {name}"),
    }
}

/// Finds the routes in the source code of a router: every `.route("/path", get(…).post(…))`. A
/// wildcard `{*rest}` becomes `{rest}`.
pub fn routes_in(source: &str) -> BTreeSet<Operation> {
    source
        .split(".route(")
        .skip(1)
        .flat_map(|rest| {
            let (path, handlers) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
            let handlers = &handlers[..closing_parenthesis(handlers)];
            let path = path.replace("{*", "{");
            let methods = METHODS.iter().filter(|method| names_call(handlers, method));
            Some(methods.map(|method| (path.clone(), (*method).to_owned())).collect::<Vec<_>>())
        })
        .flatten()
        .collect()
}

/// Returns whether `source` calls a function with this name.
fn names_call(source: &str, name: &str) -> bool {
    source.match_indices(&format!("{name}(")).any(|(at, _)| {
        let before = source[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

/// Returns the position of the closing parenthesis for one opened before `source`.
fn closing_parenthesis(source: &str) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in source.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
    }
    source.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{OpenApi, routes_in};
    use crate::http::TestResponse;

    fn routes(source: &str) -> Vec<(String, String)> {
        routes_in(source).into_iter().collect()
    }

    fn pair(path: &str, method: &str) -> (String, String) {
        (path.to_owned(), method.to_owned())
    }

    #[test]
    fn routes_are_found_in_one_line_and_in_several() {
        let one = r#"Router::new().route("/a", get(a).post(a_posted)).route("/b/{*rest}", put(b))"#;
        assert_eq!(routes(one), [pair("/a", "get"), pair("/a", "post"), pair("/b/{rest}", "put")]);
        let several =
            ".route(\n    \"/c\",\n    post(c).layer(limit(get_limit(1))),\n)\n.layer(get(x))";
        assert_eq!(routes(several), [pair("/c", "post")]);
        assert_eq!(routes(".route(\"/d\", widget(get_d))"), []);
    }

    fn api() -> OpenApi {
        let pet = json!({
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": { "type": "string" },
                "kind": { "type": "string", "enum": ["cat", "dog"] },
                "ages": { "type": "array", "items": { "type": "integer" } },
                "chip": { "type": ["string", "null"] },
                "owner": { "oneOf": [{ "type": "string" }, { "type": "boolean" }] },
            },
        });
        let schema = json!({ "$ref": "#/components/schemas/Pet" });
        let ok = json!({
            "headers": { "etag": {} },
            "content": { "application/json": { "schema": schema } },
        });
        OpenApi(json!({
            "components": { "schemas": { "Pet": pet }, "responses": { "Gone": { "content": {
                "application/json": { "schema": schema },
            } } } },
            "paths": { "/pet": { "parameters": [], "get": { "responses": {
                "200": ok, "204": {}, "410": { "$ref": "#/components/responses/Gone" },
            } } } },
        }))
    }

    fn matches(status: u16, head: &str, body: &str) -> bool {
        let message = format!("HTTP/1.1 {status} X\r\n{head}\r\n{body}");
        let response = TestResponse::parse(&message);
        std::panic::catch_unwind(|| api().assert_response("/pet", "get", &response)).is_ok()
    }

    #[test]
    fn documented_responses_match() {
        let head = "content-type: application/json; charset=utf-8\r\netag: 1\r\n";
        for body in [
            r#"{"name":"Tom"}"#,
            r#"{"name":"Tom","kind":"cat","ages":[1,2],"owner":"Ann"}"#,
            r#"{"name":"Tom","owner":true,"chip":null}"#,
        ] {
            assert!(matches(200, head, body), "{body}");
        }
        assert!(matches(204, "", ""));
        assert!(matches(410, "content-type: application/json\r\n", r#"{"name":"Tom"}"#));
    }

    #[test]
    fn undocumented_responses_do_not_match() {
        let head = "content-type: application/json\r\netag: 1\r\n";
        for body in [
            "{}",
            "[]",
            r#"{"name":1}"#,
            r#"{"name":"Tom","kind":"bird"}"#,
            r#"{"name":"Tom","ages":[1,"2"]}"#,
            r#"{"name":"Tom","owner":1}"#,
            r#"{"name":"Tom","chip":1}"#,
            r#"{"name":"Tom","tail":"long"}"#,
        ] {
            assert!(!matches(200, head, body), "{body}");
        }
        let tom = r#"{"name":"Tom"}"#;
        assert!(!matches(200, "content-type: application/json\r\n", tom), "etag is missing");
        assert!(!matches(200, "content-type: text/html\r\netag: 1\r\n", tom));
        assert!(!matches(404, head, tom));
        assert!(!matches(410, head, "{}"));
        assert!(!matches(204, "content-type: text/plain\r\n", "x"));
    }

    #[test]
    fn operations_leave_out_what_is_no_method() {
        assert_eq!(api().operations().into_iter().collect::<Vec<_>>(), [pair("/pet", "get")]);
    }
}
