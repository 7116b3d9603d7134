//! Joins the modules of the page to one script, because each file costs a request.

use std::collections::BTreeMap;

/// Joins the module `entry` and everything that it imports. `sources` has the text of each file by
/// its name.
///
/// Each imported module becomes a function of its own, so that its names stay its own.
///
/// # Errors
/// Returns an error for an unknown module, a cycle, and a form of export that it does not know.
pub fn bundle(entry: &str, sources: &BTreeMap<String, String>) -> Result<String, String> {
    let mut bundle = Bundle { sources, done: Vec::new(), open: Vec::new(), script: String::new() };
    bundle.add(entry, true)?;
    Ok(bundle.script)
}

struct Bundle<'a> {
    sources: &'a BTreeMap<String, String>,
    done: Vec<String>,
    /// The modules that import the present one.
    open: Vec<String>,
    script: String,
}

impl Bundle<'_> {
    fn add(&mut self, name: &str, is_entry: bool) -> Result<(), String> {
        if self.open.iter().any(|open| open == name) {
            return Err(format!("{name} imports itself"));
        }
        if self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        let source = self.sources.get(name).ok_or_else(|| format!("no module {name}"))?;
        self.open.push(name.to_owned());
        let (mut body, mut exports) = (String::new(), Vec::new());
        for line in without_comments(source).lines() {
            if let Some(import) = line.strip_prefix("import ") {
                let (names, module) = parse_import(import)?;
                self.add(&module, false)?;
                body.push_str(&format!("const {names} = {};\n", variable(&module)));
            } else if let Some(declaration) = line.strip_prefix("export ") {
                exports.push(exported_name(declaration)?.to_owned());
                body.push_str(&format!("{declaration}\n"));
            } else {
                body.push_str(&format!("{line}\n"));
            }
        }
        self.script.push_str(&match is_entry {
            true => body,
            false => format!(
                "const {} = (() => {{\n{body}return {{ {} }};\n}})();\n",
                variable(name),
                exports.join(", ")
            ),
        });
        self.open.pop();
        self.done.push(name.to_owned());
        Ok(())
    }
}

/// Returns the variable that holds what a module exports.
fn variable(module: &str) -> String {
    format!("${}", module.trim_end_matches(".js"))
}

/// Parses `{ a, b } from "./m.js";` or `* as m from "./m.js";`, in one line.
fn parse_import(import: &str) -> Result<(String, String), String> {
    let parse = || {
        let (names, from) = import.split_once(" from \"./")?;
        let names = names.strip_prefix("* as ").unwrap_or(names);
        Some((names.replace(" as ", ": "), from.strip_suffix("\";")?.to_owned()))
    };
    parse().ok_or_else(|| format!("cannot read: import {import}"))
}

/// Returns the name that `function f(…`, `class C …` or `const c …` declares.
fn exported_name(declaration: &str) -> Result<&str, String> {
    ["async function ", "function ", "class ", "const "]
        .iter()
        .find_map(|kind| declaration.strip_prefix(kind))
        .and_then(|rest| rest.split([' ', '(']).next())
        .ok_or_else(|| format!("cannot read: export {declaration}"))
}

/// Removes the lines that only hold a comment, and the indentation.
fn without_comments(source: &str) -> String {
    let mut is_comment = false;
    let mut kept = String::new();
    for line in source.lines().map(str::trim_start) {
        is_comment |= line.starts_with("/*");
        if !is_comment && !line.starts_with("//") && !line.is_empty() {
            kept.push_str(&format!("{line}\n"));
        }
        is_comment &= !line.ends_with("*/");
    }
    kept
}
