//! The allowed dependencies between modules: no cycle between sibling modules, and the rules of
//! `ARCHITECTURE.md`. Edges are derived from the source, test code excluded.

mod graph;
mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use graph::{Siblings, cycles, siblings};
use source::{Modules, modules};
use toml::Value;

use crate::{files, root};

/// The folders below `src/` whose modules form no cycle either: crate and folder.
const FOLDERS: [(&str, &str); 3] =
    [("auth-server", "oauth"), ("auth-server", "users"), ("auth-server", "storage")];

/// Cycles that are still there: crate, folder and the modules that take part. Remove what is gone.
const KNOWN_CYCLES: &[(&str, &str, &[&str])] = &[];

/// Folders of handlers, none of which names another.
const HANDLERS: [(&str, &str); 2] = [("service-b", "endpoints"), ("flow-viewer", "handlers")];

/// Crates that only some files may name: the crate, and the beginnings of the paths of these files.
const OWNERS: [(&str, &[&str]); 2] = [
    ("sqlx", &["auth-server/src/storage", "service-a/src/accounts", "shared/sql-kit/"]),
    (
        "token_client",
        &["service-a/", "shared/token-client/", "gatepass/", "e2e-tests/", "examples/"],
    ),
];

/// Crates that C's domain does not name, because it does no I/O.
const IO_CRATES: [&str; 5] = ["axum", "reqwest", "sqlx", "tokio", "hyper"];

/// The services. None depends on another.
const SERVICES: [&str; 3] = ["auth-server", "service-a", "service-b"];

/// The modules of C that name the whole application state. The others take parts of it.
const NAME_APP_STATE: [&str; 3] = ["router", "server", "state"];

#[test]
fn sibling_modules_form_no_cycle() {
    let mut known: Vec<(&str, &str, BTreeSet<&str>)> = KNOWN_CYCLES
        .iter()
        .map(|(member, folder, names)| (*member, *folder, names.iter().copied().collect()))
        .collect();
    let mut problems = Vec::new();
    for member in members() {
        for modules in crate_roots(&member) {
            let inner = FOLDERS.iter().filter(|(of, _)| *of == member).map(|(_, folder)| *folder);
            for folder in std::iter::once("").chain(inner) {
                let path: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
                let edges = siblings(&modules, &path);
                for cycle in cycles(&edges) {
                    let names: BTreeSet<&str> = cycle.iter().map(String::as_str).collect();
                    let expected = known.iter().position(|(of, within, allowed)| {
                        *of == member && *within == folder && names.is_subset(allowed)
                    });
                    let Some(index) = expected else {
                        problems.push(describe(&member, folder, &cycle, &edges));
                        continue;
                    };
                    let (_, _, allowed) = known.remove(index);
                    let left: Vec<_> = allowed.difference(&names).collect();
                    if !left.is_empty() {
                        problems.push(format!(
                            "{left:?} left a cycle of {member}/src/{folder}: \
                             remove them from KNOWN_CYCLES"
                        ));
                    }
                }
            }
        }
    }
    for (member, folder, names) in known {
        problems.push(format!(
            "{member}/src/{folder} has no cycle {names:?} any more: remove it from KNOWN_CYCLES"
        ));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[test]
fn handlers_do_not_name_one_another() {
    for (member, folder) in HANDLERS {
        let root = crate_roots(member).swap_remove(0);
        let edges = siblings(&root, &[folder]);
        assert!(!edges.is_empty(), "{member}/src/{folder} has no modules");
        for (handler, named) in edges {
            assert!(named.is_empty(), "{member}/src/{folder}: {handler} names {named:?}");
        }
    }
}

/// Describes a cycle, with a line for each of its edges.
fn describe(member: &str, folder: &str, cycle: &[String], edges: &Siblings) -> String {
    let lines = cycle.iter().flat_map(|from| {
        edges[from]
            .iter()
            .filter(|(to, _)| cycle.contains(to))
            .map(move |(to, location)| format!("  {from} -> {to}: {location}"))
    });
    let lines: Vec<String> = lines.collect();
    format!("cycle in {member}/src/{folder}: {cycle:?}\n{}", lines.join("\n"))
}

#[test]
fn only_the_owners_of_a_crate_name_it() {
    for (path, names) in crates_named() {
        for (krate, owners) in OWNERS {
            assert!(
                !names.contains(krate) || owners.iter().any(|owner| path.starts_with(owner)),
                "{path} names {krate}; only {owners:?} may"
            );
        }
        if path.starts_with("auth-server/src/domain") {
            let io = IO_CRATES.iter().find(|krate| names.contains(**krate));
            assert_eq!(io, None, "{path} does I/O, which the domain must not do");
        }
    }
}

#[test]
fn no_crate_depends_on_a_service_except_launcher_testkit_and_tests() {
    for member in members() {
        let dependencies = dependencies(&member);
        for service in SERVICES {
            let allowed = ["gatepass", "shared/testkit", "e2e-tests"];
            let may = member == service || allowed.contains(&member.as_str());
            assert!(may || !dependencies.contains(service), "{member} depends on {service}");
        }
    }
    assert!(!dependencies("service-b").contains("token-client"), "B never requests tokens");
}

#[test]
fn only_the_allowed_modules_name_app_state() {
    for modules in crate_roots("auth-server") {
        for (path, module) in &modules {
            let first = path.first().map_or("", String::as_str);
            let named =
                module.paths.iter().any(|named| named.iter().any(|name| name == "AppState"));
            assert!(
                !named || NAME_APP_STATE.contains(&first),
                "{} names AppState; take the part that it needs by FromRef",
                module.file
            );
        }
    }
}

/// Returns the folders of the workspace's crates.
fn members() -> Vec<String> {
    let manifest = manifest("");
    let members = manifest["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

fn manifest(folder: &str) -> Value {
    let file = root().join(folder).join("Cargo.toml");
    toml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// Returns all dependencies of a member, including those of tests and build scripts.
fn dependencies(member: &str) -> BTreeSet<String> {
    let manifest = manifest(member);
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(section)?.as_table())
        .flat_map(|section| section.keys().cloned())
        .collect()
}

/// Returns the modules of a member's library and of its program.
fn crate_roots(member: &str) -> Vec<Modules> {
    let sources = sources(&format!("{member}/src/"));
    ["src/lib.rs", "src/main.rs"]
        .iter()
        .filter(|root| sources.contains_key(**root))
        .map(|root| modules(&sources, root))
        .collect()
}

/// Returns the Rust files of a member: path from its folder, and text.
fn sources(src: &str) -> BTreeMap<String, String> {
    files(".rs")
        .into_iter()
        .filter_map(|file| {
            let path = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            let within = path.strip_prefix(src)?;
            Some((format!("src/{within}"), fs::read_to_string(&file).unwrap()))
        })
        .collect()
}

/// Returns every file of the workspace with the crates that it names.
fn crates_named() -> BTreeMap<String, BTreeSet<String>> {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for member in members() {
        for modules in crate_roots(&member) {
            for module in modules.into_values() {
                let names = named.entry(format!("{member}/{}", module.file)).or_default();
                names.extend(module.paths.into_iter().filter_map(|path| path.into_iter().next()));
            }
        }
    }
    assert!(named.len() > 200, "only {} files were read", named.len());
    named
}

/// Returns the cycles below `src/` of a made-up crate.
fn cycles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    cycles_within(files, &[])
}

fn cycles_within(files: &[(&str, &str)], folder: &[&str]) -> Vec<Vec<String>> {
    let files =
        files.iter().map(|(name, text)| (format!("src/{name}"), (*text).to_owned())).collect();
    cycles(&siblings(&modules(&files, "src/lib.rs"), folder))
}

/// Returns whether module `a` with this code and module `b`, which depends on `a`, form a cycle.
fn a_closes_a_cycle(code: &str) -> bool {
    let b = "use crate::a::A; pub mod deep { pub struct Deep; } pub struct B; pub fn call() {}";
    let root = "mod a; mod b; pub use b::B as Exported; pub use b::deep::*; pub fn own() {}";
    let cycles = cycles_of(&[("lib.rs", root), ("a.rs", code), ("b.rs", b)]);
    assert!(cycles.is_empty() || cycles == [["a", "b"]], "{cycles:?}");
    !cycles.is_empty()
}

#[test]
fn every_way_to_name_a_sibling_is_an_edge() {
    for code in [
        "use crate::b::B;",
        "use crate::b;",
        "use crate::b::*;",
        "use crate::b as renamed;",
        "use super::b::B;",
        "use self::super::b::B;",
        "use crate::{b::{self, call}};",
        "use crate::{\n    own,\n    b::{call, deep::{Deep}},\n};",
        "use {super::{b}};",
        "pub use crate::b::B;",
        "pub(crate) use super::b::call;",
        "fn run() { crate::b::call() }",
        "fn run() { use super::b::call; call() }",
        "fn run(b: super::b::B) {}",
        "struct Holder(Vec<Option<crate::b::B>>);",
        "impl From<crate::b::B> for u8 {}",
        "fn run() { assert!(crate::b::call() == ()) }",
        "macro_rules! run { () => { $crate::b::call() } }",
        "macro_rules! run { () => { use $crate::{own, b::{call}}; } }",
        "#[serde(default = \"crate::b::call\")] struct Settings;",
        "#[derive(Debug)] struct S { #[serde(with = \"super::b\")] field: u8 }",
        "mod inner { use super::super::b::B; }",
        "mod inner { fn run() { crate::b::call() } }",
        // Through the root's re-exports, which count towards the module that they come from.
        "use crate::Exported;",
        "use super::Exported;",
        "use crate::{own, Exported as Mine};",
        "fn run(b: crate::Exported) {}",
        "use crate::Deep;",
        "#[cfg(not(test))] use crate::b::B;",
        "#[cfg(unix)] use crate::b::B;",
        "mod tests { use crate::b::B; }",
    ] {
        assert!(a_closes_a_cycle(code), "{code}");
    }
}

#[test]
fn other_crates_parents_comments_and_test_code_are_no_edges() {
    for code in [
        "use crate::own;",
        "use super::own;",
        "use other::b::B;",
        "use b_of_others::call;",
        "use time::time; fn run() { time() }",
        "use x::y; use y::x; fn run() { x() }",
        "use std::fmt; fn b() {}",
        "fn run() { let b = 1; b::<u8>(); }",
        "/// As [`crate::b::B`] and super::b.\nstruct A;",
        "// use crate::b::B;",
        "const TEXT: &str = \"crate::b::B\";",
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(test)] use crate::b::B;",
        "#[cfg(test)] impl A { fn run() { crate::b::call() } }",
        "impl A { #[cfg(test)] fn run() { crate::b::call() } }",
        "#[cfg(any(test, feature = \"conformance\"))] mod suite { use crate::b::B; }",
        "#[cfg(all(test, unix))] fn run() { crate::b::call() }",
    ] {
        assert!(!a_closes_a_cycle(code), "{code}");
    }
}

#[test]
fn test_code_in_separate_files_is_ignored() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "#[cfg(test)] mod tests;"),
        ("a/tests.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a::A;"),
    ];
    assert!(cycles_of(&files).is_empty());
}

#[test]
fn re_export_is_an_edge_to_its_origin() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::C;"),
        ("b.rs", "pub use crate::c::C;"),
        ("c.rs", "pub struct C; fn run() { crate::a::run() }"),
    ];
    assert_eq!(cycles_of(&files), [["a", "b", "c"]]);
    let through_the_glob = [
        ("lib.rs", "mod a; mod b; pub use b::deep::*;"),
        ("a.rs", "use crate::B;"),
        ("b.rs", "use crate::a::A; pub mod deep { pub use other::B; }"),
    ];
    assert_eq!(cycles_of(&through_the_glob), [["a", "b"]]);
}

#[test]
fn cycles_across_files_and_folders_are_found() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a/mod.rs", "mod deep;"),
        ("a/deep.rs", "use crate::b::deep::B;"),
        ("b.rs", "pub mod deep;"),
        ("b/deep.rs", "use super::super::c::C;"),
        ("c.rs", "use crate::a;"),
        ("d.rs", "use crate::{a, b, c};"),
    ];
    assert_eq!(cycles_of(&files), [["a", "b", "c"]]);
}

#[test]
fn file_named_by_a_path_attribute_is_read_once_for_each_module() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "#[path = \"shared/query.rs\"] mod query; use query::run;"),
        ("b.rs", "#[path = \"shared/query.rs\"] mod query;"),
        ("shared/query.rs", "use crate::b; pub fn run() { crate::a::run() }"),
    ];
    assert_eq!(cycles_of(&files), [["a", "b"]]);
}

#[test]
fn folder_is_checked_apart_from_parent_and_children() {
    let files = [
        ("lib.rs", "mod oauth;"),
        ("oauth.rs", "mod par; mod token; pub use token::Token; fn run() { par::run() }"),
        ("oauth/par.rs", "use super::Token; mod x; mod y;"),
        ("oauth/par/x.rs", "use super::y;"),
        ("oauth/par/y.rs", "use super::x;"),
        ("oauth/token.rs", "use crate::oauth::par; pub struct Token;"),
    ];
    assert!(cycles_of(&files).is_empty());
    assert_eq!(cycles_within(&files, &["oauth"]), [["par", "token"]]);
    assert_eq!(cycles_within(&files, &["oauth", "par"]), [["x", "y"]]);
    // Parent and child may depend on each other.
    let parent_and_child =
        [("lib.rs", "mod a; use a::A;"), ("a.rs", "mod b { use super::A; } use b::B; struct A;")];
    assert!(cycles_of(&parent_and_child).is_empty());
}
