//! No endpoint knows another.

use std::fs;

use crate::{files, root};

/// They stand beside the endpoints and are none: they read a request and answer nothing, so every
/// endpoint may use them.
const READERS: [&str; 2] = ["auth-server/src/http/form.rs", "auth-server/src/http/json.rs"];

/// Which file may know which endpoint, and why.
const EXCEPTIONS: [(&str, &str); 2] = [
    // It answers nothing: it is the page of these two routes. Every route in `app.rs` has to stand
    // in the OpenAPI document, which promises neither.
    ("auth-server/src/testing.rs", "test_absence"),
    ("auth-server/src/testing.rs", "test_token"),
];

#[test]
fn no_endpoint_imports_another() {
    let sources: Vec<(String, String)> = files(".rs")
        .into_iter()
        .map(|file| (file.strip_prefix(root()).unwrap().to_string_lossy().into_owned(), file))
        .filter(|(path, _)| path.contains("/src/endpoints"))
        .map(|(path, file)| (path, fs::read_to_string(file).unwrap()))
        .collect();
    let mut looked_at = 0;
    for (path, text) in &sources {
        let Some((folder, own)) = path.split_once("/src/endpoints/") else { continue };
        let parent = format!("{folder}/src/endpoints.rs");
        let (_, exports) = sources.iter().find(|(path, _)| *path == parent).unwrap();
        let endpoints = format!("{folder}/src/endpoints/");
        let others = sources
            .iter()
            .filter(|(other, _)| !READERS.contains(&other.as_str()))
            .filter_map(|(other, _)| other.strip_prefix(&endpoints)?.strip_suffix(".rs"))
            .filter(|other| own.split(['/', '.']).next() != Some(*other))
            .filter(|other| !EXCEPTIONS.contains(&(path.as_str(), *other)));
        let foreign = foreign_endpoint(text, exports, others);
        assert_eq!(foreign, None, "{path} knows another endpoint");
        looked_at += 1;
    }
    assert!(looked_at > 40, "there are {looked_at} endpoints");
    for (path, other) in EXCEPTIONS {
        let (_, text) = sources.iter().find(|(known, _)| known == path).unwrap();
        assert_eq!(
            foreign_endpoint(text, "", [other]).as_deref(),
            Some(other),
            "{path} is no exception any more"
        );
    }
}

/// The first path in an endpoint's file that leads to one of its siblings, or to what
/// `endpoints.rs` exports of it: an import or not, by `super::` or from the crate's root.
fn foreign_endpoint<'a>(
    text: &str,
    exports: &str,
    others: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect();
    // In a module of tests, `super` is the file itself.
    if code.contains("\nuse super::*")
        || code.starts_with("use super::*")
        || code.contains("endpoints::*")
    {
        return Some("*".to_owned());
    }
    let named = [names_behind(&code, "super::"), names_behind(&code, "endpoints::")].concat();
    let foreign: Vec<&str> = others
        .into_iter()
        .flat_map(|other| [vec![other], names_behind(exports, &format!("use {other}::"))].concat())
        .collect();
    named.into_iter().find(|name| foreign.contains(name)).map(str::to_owned)
}

/// The names that follow upon each `prefix`: one, or those of a group in braces.
fn names_behind<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(first_name(rest));
            continue;
        };
        names.push(first_name(group));
        let mut depth = 0;
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => names.push(first_name(&group[at + 1..])),
                _ => {}
            }
        }
    }
    names
}

fn first_name(path: &str) -> &str {
    path.trim_start()
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .next()
        .unwrap_or_default()
}

#[test]
fn endpoint_imports_are_found_in_every_form() {
    let exports = "mod login;\npub use login::{login, login_posted};\npub use token::token;\n";
    let foreign = |text: &str| foreign_endpoint(text, exports, ["login", "token"]);
    for around in [
        "use super::token::token;",
        "use super::{only_post, token::token};",
        "use super::{\n    read_form::{FormRequest, required},\n    token,\n};",
        "use crate::endpoints::token;",
        "use crate::{\n    app::App,\n    endpoints::{required, login_posted},\n};",
        "fn next() {\n    super::login_posted()\n}",
        "mod tests {\n    use super::super::token::token;\n}",
        "use axum::Json;\nuse super::*;",
    ] {
        assert!(foreign(around).is_some(), "{around}");
    }
    for allowed in [
        "use super::read_form::{FormRequest, required};",
        "use super::{only_post, FormRequest};",
        "use crate::{login::token, tokens::login};",
        "/// As [`super::token::token`].",
        "mod tests {\n    use super::*;\n}",
    ] {
        assert_eq!(foreign(allowed), None, "{allowed}");
    }
}
