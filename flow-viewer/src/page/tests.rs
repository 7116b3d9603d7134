use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use flow_events::{Party, Rule};
use serde_json::Value;

use super::*;
use crate::{
    flows::{FlowOutcome, FoldKind, Role, titles},
    lessons::{GUESSES, LESSONS},
    scenarios::{Scenario, ScenarioGroup},
};

const RULES: [Rule; 23] = [
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
    Rule::State,
    Rule::ResponseIssuer,
    Rule::IdTokenSignature,
    Rule::IdTokenIssuer,
    Rule::IdTokenAudience,
    Rule::IdTokenExpiry,
    Rule::AccessTokenHash,
    Rule::Nonce,
    Rule::Account,
];
const PARTIES: [Party; 4] =
    [Party::Browser, Party::Client, Party::ResourceServer, Party::AuthorizationServer];
const OUTCOMES: [FlowOutcome; 5] = [
    FlowOutcome::Running,
    FlowOutcome::Ok,
    FlowOutcome::Exposed,
    FlowOutcome::Rejected,
    FlowOutcome::Failed,
];
const ACTORS: [Role; 5] = [Role::Person, Role::App, Role::Client, Role::Attacker, Role::Operator];
const FOLDS: [FoldKind; 2] = [FoldKind::Preparation, FoldKind::Repetition];

fn asset(name: &str) -> String {
    Asset::by_name(name).unwrap().file.text()
}

/// The modules of the page by name.
fn modules() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let scripts = files.filter(|path| path.extension().is_some_and(|extension| extension == "js"));
    let named = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    scripts.map(named).collect()
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
    walk(&serde_json::from_str(&asset(file)).unwrap(), "", &mut found);
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
        ["name", "meaning", "failed", "source"].map(|part| format!("rules.{}.{part}", name(rule)))
    });
    let parties = PARTIES.iter().map(|party| format!("party.{}", name(party)));
    let actors = ACTORS.iter().flat_map(|actor| {
        ["actor", "actor_role", "holder"].map(|kind| format!("{kind}.{}", name(actor)))
    });
    let wanted = titles()
        .map(|title| format!("titles.{title}"))
        .chain(["titles.visit".to_owned()])
        .chain(scenarios)
        .chain(rules)
        .chain(parties)
        .chain(actors)
        .chain(FOLDS.iter().map(|kind| format!("fold.{}", name(kind))))
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
        let texts: Value = serde_json::from_str(&asset(file)).unwrap();
        for rule in RULES {
            assert_eq!(texts["rules"][name(rule)]["source"], rule.source(), "{file}");
        }
    }
}

#[test]
fn scripts_use_only_existing_texts() {
    let keys = keys();
    for (name, script) in modules() {
        let code = script.replace("getContext", "");
        let literal_keys = code.split("text(\"").skip(1).filter_map(|rest| rest.split('"').next());
        for key in literal_keys {
            assert!(keys.contains(key), "{name}: {key}");
        }
        // `text(`titles.${…}`)`: at least one key has to start with the literal part.
        for prefix in script.split("text(`").skip(1).filter_map(|rest| rest.split("${").next()) {
            assert!(keys.iter().any(|key| key.starts_with(prefix)), "{name}: {prefix}");
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
    for (name, script) in modules() {
        for call in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.contains(call), "{call} in {name}");
        }
    }
}

#[test]
fn script_holds_every_module_and_no_comment() {
    let script = asset("viewer.js");
    for name in modules().keys().filter(|name| *name != "viewer.js") {
        let begins = format!("const ${} = (() => {{", name.trim_end_matches(".js"));
        assert!(script.contains(&begins), "nothing imports {name}");
    }
    for line in script.lines() {
        assert!(!["import ", "export ", "//", "/*"].iter().any(|start| line.starts_with(start)));
    }
}

#[test]
fn modules_are_joined_in_the_order_of_their_imports() {
    let sources = |files: &[(&str, &str)]| {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let two = sources(&[
        (
            "a.js",
            "// A comment.\nimport { b as c } from \"./b.js\";\nimport * as all from \"./b.js\";\nc(all);\n",
        ),
        ("b.js", "/** Of b. */\nexport const b = () => {\n  return 1;\n};\nexport class D {}\n"),
    ]);
    let joined = "const $b = (() => {\nconst b = () => {\nreturn 1;\n};\nclass D {}\nreturn { b, D };\n})();\n\
         const { b: c } = $b;\nconst all = $b;\nc(all);\n";
    assert_eq!(bundle::bundle("a.js", &two).unwrap(), joined);
    for (source, error) in [
        ("import { a } from \"./a.js\";", "a.js imports itself"),
        ("import { x } from \"./x.js\";", "no module x.js"),
        ("import \"./b.js\";", "cannot read: import \"./b.js\";"),
        ("export default 1;", "cannot read: export default 1;"),
    ] {
        assert_eq!(bundle::bundle("a.js", &sources(&[("a.js", source)])).unwrap_err(), error);
    }
}

#[test]
fn every_lesson_and_guess_has_its_texts() {
    let keys = keys();
    for lesson in &LESSONS {
        for part in ["title", "question", "life", "text", "watch", "answer"] {
            let key = format!("lessons.{}.{part}", lesson.name);
            assert!(keys.contains(&key), "{key}");
        }
        assert!(keys.contains(&format!("closing.{}", lesson.name)), "{}", lesson.name);
    }
    for guess in &GUESSES {
        for option in guess.wrong.iter().chain([&guess.right]) {
            assert!(keys.contains(&format!("guess.options.{option}")), "{option}");
        }
        assert!(!guess.wrong.contains(&guess.right), "{:?}", guess.scenario);
    }
}

#[test]
fn every_attack_is_in_a_lesson_and_has_a_guess_unless_it_is_a_grant() {
    for attack in Scenario::ALL.iter().filter(|scenario| scenario.group() == ScenarioGroup::Attack)
    {
        let lessons = LESSONS.iter().filter(|lesson| {
            lesson.scenarios.contains(attack) || lesson.collection.contains(attack)
        });
        let names: Vec<_> = lessons.map(|lesson| lesson.name).collect();
        assert_eq!(names.len(), 1, "{attack:?}: {names:?}");
        let has_guess = GUESSES.iter().any(|guess| guess.scenario == *attack);
        assert_eq!(has_guess, names == ["attacks"], "{attack:?}");
    }
    let attacks = &LESSONS[6];
    assert_eq!((attacks.scenarios.len(), attacks.collection.len()), (4, 11), "{}", attacks.name);
}

#[test]
fn links_lead_to_terms_and_code_to_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for file in ["texts.en.json", "texts.zh.json"] {
        let texts = texts_in(file);
        let mut linked = BTreeSet::new();
        for (key, text) in &texts {
            for entry in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
                // The other texts are inserted as they are.
                let is_rich = [".text", ".answer"].iter().any(|part| key.ends_with(part))
                    || key.contains(".claims.")
                    || key.starts_with("roles.") && key.ends_with(".name");
                assert!(is_rich, "{key} is not rendered with links");
                linked.insert(entry.to_owned());
            }
            if key.starts_with("closing.") {
                for path in text.split('`').skip(1).step_by(2).filter(|path| path.contains('/')) {
                    assert!(root.join(path).exists(), "{key}: {path}");
                }
            }
        }
        let terms: BTreeSet<_> = texts
            .iter()
            .filter_map(|(key, _)| key.strip_prefix("glossary.")?.strip_suffix(".term"))
            .map(ToOwned::to_owned)
            .collect();
        assert_eq!(linked, terms, "{file}");
    }
}

/// Readers know the roles from everyday life.
#[test]
fn roles_are_named_as_in_everyday_life() {
    for (file, names) in [
        ("texts.en.json", ["food delivery app", "WeChat", "API"]),
        ("texts.zh.json", ["外卖 App", "微信", "API"]),
    ] {
        let texts: BTreeMap<_, _> = texts_in(file).into_iter().collect();
        let roles = ["client", "authorization_server", "resource_server"];
        for (role, name) in roles.into_iter().zip(names) {
            let life = &texts[&format!("roles.{role}.life")];
            assert!(life.contains(name), "{file}: {role} is `{life}`");
        }
    }
}
