use std::collections::BTreeSet;

use flow_events::{Party, Rule};
use serde_json::Value;

use super::*;
use crate::{explain::titles, flows::Outcome, stories::Story};

const RULES: [Rule; 12] = [
    Rule::Algorithm,
    Rule::Type,
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
const OUTCOMES: [Outcome; 4] = [Outcome::Running, Outcome::Ok, Outcome::Refused, Outcome::Failed];

fn asset(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).unwrap().text
}

/// Every text by its path, as the page reads them.
fn texts_in(file: &str) -> Vec<(String, String)> {
    fn walk(tree: &Value, path: &str, found: &mut Vec<(String, String)>) {
        match tree {
            Value::String(text) => found.push((path.to_owned(), text.clone())),
            Value::Object(members) => {
                for (name, member) in members {
                    walk(member, format!("{path}.{name}").trim_start_matches('.'), found);
                }
            }
            other => panic!("{path} is no text: {other}"),
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_str(asset(file)).unwrap(), "", &mut found);
    found
}

fn keys() -> BTreeSet<String> {
    texts_in("texts.en.json").into_iter().map(|(key, _)| key).collect()
}

/// As it is called in the events.
fn name(of: impl serde::Serialize) -> String {
    serde_json::to_value(of).unwrap().as_str().unwrap().to_owned()
}

fn values(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

#[test]
fn both_languages_say_the_same_things_with_the_same_values() {
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
fn whatever_the_viewer_can_tell_of_has_its_text() {
    let stories = Story::ALL.iter().flat_map(|story| {
        ["title", "before", "why"].map(|part| format!("stories.{}.{part}", story.name()))
    });
    let rules = RULES.iter().flat_map(|rule| {
        ["name", "says", "source"].map(|part| format!("rules.{}.{part}", name(rule)))
    });
    let parties = PARTIES.iter().flat_map(|party| {
        ["party", "holder", "role"].map(|kind| format!("{kind}.{}", name(party)))
    });
    let wanted = titles()
        .map(|title| format!("titles.{title}"))
        .chain(["titles.visit".to_owned()])
        .chain(stories)
        .chain(rules)
        .chain(parties)
        .chain(OUTCOMES.iter().map(|outcome| format!("outcome.{}", name(outcome))));
    let there = keys();
    let missing: Vec<String> = wanted.filter(|key| !there.contains(key)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_claim_of_a_story_has_its_text() {
    const SOURCES: [&str; 7] = [
        include_str!("../stories/good.rs"),
        include_str!("../stories/misused.rs"),
        include_str!("../stories/forged.rs"),
        include_str!("../stories/tricked.rs"),
        include_str!("../stories/outage.rs"),
        include_str!("../stories/app_of_a_user.rs"),
        include_str!("../stories/stage.rs"),
    ];
    let claimed = SOURCES.iter().flat_map(|source| source.split("claim(\"").skip(1));
    let by_door = ["b_local_says", "b_introspection_says"];
    let names: BTreeSet<&str> =
        claimed.filter_map(|rest| rest.split('"').next()).chain(by_door).collect();
    assert!(names.len() > 15, "the stories are read: {names:?}");
    let there = keys();
    assert!(names.iter().all(|name| there.contains(&format!("claims.{name}"))), "{names:?}");
}

#[test]
fn the_page_names_the_same_source_of_each_rule_as_the_checks_do() {
    for file in ["texts.en.json", "texts.zh.json"] {
        let texts: Value = serde_json::from_str(asset(file)).unwrap();
        for rule in RULES {
            assert_eq!(texts["rules"][name(rule)]["source"], rule.source(), "{file}");
        }
    }
}

#[test]
fn a_script_asks_for_no_text_that_is_not_there() {
    let there = keys();
    for script in ASSETS.iter().filter(|asset| asset.content_type == JAVASCRIPT) {
        let code = script.text.replace("getContext", "");
        let whole = code.split("text(\"").skip(1).filter_map(|rest| rest.split('"').next());
        for key in whole {
            assert!(there.contains(key), "{}: {key}", script.name);
        }
        // `text(`titles.${…}`)`: some text has to begin so.
        for begin in script.text.split("text(`").skip(1).filter_map(|rest| rest.split("${").next())
        {
            assert!(there.iter().any(|key| key.starts_with(begin)), "{}: {begin}", script.name);
        }
    }
    let page = html(Language::English);
    for attribute in ["data-text=\"", "data-label=\""] {
        for key in page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(there.contains(key), "{key}");
        }
    }
}

/// The page's policy lets nothing of that run, and nothing that a message carries may become
/// markup.
#[test]
fn the_page_has_no_script_or_style_of_its_own_and_makes_no_markup() {
    let page = html(Language::English);
    for inline in ["style=", "<style", "onclick", "javascript:"] {
        assert!(!page.contains(inline), "{inline}");
    }
    for script in ASSETS.iter().filter(|asset| asset.content_type == JAVASCRIPT) {
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.text.contains(way), "{way} in {}", script.name);
        }
    }
}

#[test]
fn every_module_that_a_script_imports_is_served() {
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
