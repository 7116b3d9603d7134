use std::collections::BTreeSet;

use flow_events::{Party, Rule};
use serde_json::Value;

use super::*;
use crate::{
    flows::{Outcome, titles},
    scenarios::Scenario,
};

const RULES: [Rule; 14] = [
    Rule::Algorithm,
    Rule::Type,
    Rule::Kind,
    Rule::Claim,
    Rule::Key,
    Rule::Signature,
    Rule::Issuer,
    Rule::Audience,
    Rule::Expiry,
    Rule::NotBefore,
    Rule::IssuedAt,
    Rule::Active,
    Rule::Scope,
    Rule::Cached,
];
const PARTIES: [Party; 4] =
    [Party::Browser, Party::Client, Party::ResourceServer, Party::AuthorizationServer];
const OUTCOMES: [Outcome; 4] = [Outcome::Running, Outcome::Ok, Outcome::Rejected, Outcome::Failed];

fn asset(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).unwrap().text
}

/// Every text with its key.
fn texts_in(file: &str) -> Vec<(String, String)> {
    fn walk(tree: &Value, path: &str, found: &mut Vec<(String, String)>) {
        match tree {
            Value::String(text) => found.push((path.to_owned(), text.clone())),
            Value::Object(members) => {
                for (name, member) in members {
                    walk(member, format!("{path}.{name}").trim_start_matches('.'), found);
                }
            }
            other => panic!("{path} is not a text: {other}"),
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_str(asset(file)).unwrap(), "", &mut found);
    found
}

fn keys() -> BTreeSet<String> {
    texts_in("texts.en.json").into_iter().map(|(key, _)| key).collect()
}

/// The serialized name.
fn name(of: impl serde::Serialize) -> String {
    serde_json::to_value(of).unwrap().as_str().unwrap().to_owned()
}

fn values(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

#[test]
fn both_languages_have_the_same_keys_and_values() {
    let (english, chinese) = (texts_in("texts.en.json"), texts_in("texts.zh.json"));
    let keys =
        |texts: &[(String, String)]| texts.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&english), keys(&chinese));
    for ((key, english), (_, chinese)) in english.iter().zip(&chinese) {
        assert!(!english.is_empty() && !chinese.is_empty(), "{key}");
        assert_eq!(values(english), values(chinese), "{key}");
    }
}

#[test]
fn every_name_of_the_api_has_a_text() {
    let scenarios = Scenario::ALL.iter().flat_map(|scenario| {
        ["title", "description", "explanation"]
            .map(|part| format!("scenarios.{}.{part}", scenario.name()))
    });
    let rules = RULES.iter().flat_map(|rule| {
        ["name", "meaning", "source"].map(|part| format!("rules.{}.{part}", name(rule)))
    });
    let parties = PARTIES.iter().flat_map(|party| {
        ["party", "holder", "role"].map(|kind| format!("{kind}.{}", name(party)))
    });
    let wanted = titles()
        .map(|title| format!("titles.{title}"))
        .chain(["titles.visit".to_owned()])
        .chain(scenarios)
        .chain(rules)
        .chain(parties)
        .chain(OUTCOMES.iter().map(|outcome| format!("outcome.{}", name(outcome))));
    let keys = keys();
    let missing: Vec<String> = wanted.filter(|key| !keys.contains(key)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_expectation_has_a_text() {
    const SOURCES: [&str; 6] = [
        include_str!("../scenarios/authorization_attacks.rs"),
        include_str!("../scenarios/forged_tokens.rs"),
        include_str!("../scenarios/happy_path.rs"),
        include_str!("../scenarios/outage.rs"),
        include_str!("../scenarios/run.rs"),
        include_str!("../scenarios/token_misuse.rs"),
    ];
    let literal = SOURCES.iter().flat_map(|source| source.split("expect(\"").skip(1));
    let by_server = ["b_local_response", "b_introspection_response"];
    let names: BTreeSet<&str> =
        literal.filter_map(|rest| rest.split('"').next()).chain(by_server).collect();
    assert!(names.len() > 15, "too few expectations found: {names:?}");
    let keys = keys();
    assert!(names.iter().all(|name| keys.contains(&format!("expectations.{name}"))), "{names:?}");
}

#[test]
fn texts_and_checks_name_the_same_source_for_each_rule() {
    for file in ["texts.en.json", "texts.zh.json"] {
        let texts: Value = serde_json::from_str(asset(file)).unwrap();
        for rule in RULES {
            assert_eq!(texts["rules"][name(rule)]["source"], rule.source(), "{file}");
        }
    }
}

#[test]
fn scripts_use_only_existing_texts() {
    let keys = keys();
    for script in ASSETS.iter().filter(|asset| asset.content_type == JAVASCRIPT) {
        let code = script.text.replace("getContext", "");
        let literal_keys = code.split("text(\"").skip(1).filter_map(|rest| rest.split('"').next());
        for key in literal_keys {
            assert!(keys.contains(key), "{}: {key}", script.name);
        }
        // `text(`titles.${…}`)`: at least one key has to start with the literal part.
        for prefix in script.text.split("text(`").skip(1).filter_map(|rest| rest.split("${").next())
        {
            assert!(keys.iter().any(|key| key.starts_with(prefix)), "{}: {prefix}", script.name);
        }
    }
    let page = html(Language::English);
    for attribute in ["data-text=\"", "data-label=\""] {
        for key in page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(keys.contains(key), "{key}");
        }
    }
}

/// The content security policy blocks inline code, and values from messages must never become
/// markup.
#[test]
fn page_has_no_inline_code_and_builds_no_markup() {
    let page = html(Language::English);
    for inline in ["style=", "<style", "onclick", "javascript:"] {
        assert!(!page.contains(inline), "{inline}");
    }
    for script in ASSETS.iter().filter(|asset| asset.content_type == JAVASCRIPT) {
        for call in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.text.contains(call), "{call} in {}", script.name);
        }
    }
}

#[test]
fn every_imported_module_is_served() {
    for script in ASSETS.iter().filter(|asset| asset.content_type == JAVASCRIPT) {
        for module in
            script.text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next())
        {
            assert!(
                ASSETS.iter().any(|asset| asset.name == module),
                "{} imports {module}",
                script.name
            );
        }
    }
}
