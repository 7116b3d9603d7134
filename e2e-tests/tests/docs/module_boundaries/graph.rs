//! The dependencies between the modules of a folder, and their cycles.

use std::collections::{BTreeMap, BTreeSet};

use crate::module_boundaries::source::{Modules, Path};

/// Maps each module of a folder to the siblings that it names, each with one path that names it.
pub type Siblings = BTreeMap<String, BTreeMap<String, String>>;

/// Maximum path length. It ends the resolution of imports that refer to each other, which do not
/// compile.
const LONGEST_PATH: usize = 20;

/// Returns the dependencies between the child modules of `folder`.
pub fn siblings(modules: &Modules, folder: &[&str]) -> Siblings {
    let folder: Path = folder.iter().map(|&name| name.to_owned()).collect();
    let mut edges = Siblings::new();
    for (path, module) in modules {
        let Some(from) = child_of(&folder, path) else { continue };
        let known = edges.entry(from.clone()).or_default();
        for named in &module.paths {
            for target in resolve(modules, path, named) {
                if let Some(to) = child_of(&folder, &target)
                    && to != from
                {
                    let location = || format!("{} names {}", module.file, named.join("::"));
                    known.entry(to).or_insert_with(location);
                }
            }
        }
    }
    edges
}

/// Returns the child of `folder` that is `path` or contains it.
fn child_of(folder: &Path, path: &Path) -> Option<String> {
    path.strip_prefix(folder.as_slice())?.first().cloned()
}

/// Returns all modules that the path `named` in module `from` passes through: those that it names,
/// and those that its re-exports come from. Returns nothing if the path leads out of the crate.
fn resolve(modules: &Modules, from: &Path, named: &Path) -> Vec<Path> {
    let mut passed = Vec::new();
    walk(modules, from, named, &mut passed, &mut BTreeSet::new());
    passed
}

fn walk(
    modules: &Modules,
    from: &Path,
    named: &[String],
    passed: &mut Vec<Path>,
    seen: &mut BTreeSet<(Path, Path)>,
) {
    if named.len() > LONGEST_PATH || !seen.insert((from.clone(), named.to_vec())) {
        return;
    }
    let mut here = from.clone();
    let mut rest = named;
    // `$crate` in a macro is parsed as `crate`, too.
    while let Some((first, others)) = rest.split_first() {
        match first.as_str() {
            "crate" => here.clear(),
            "self" => {}
            "super" => drop(here.pop()),
            _ => break,
        }
        rest = others;
    }
    if rest.len() < named.len() {
        passed.push(here.clone());
    }
    while let Some((name, others)) = rest.split_first() {
        let Some(module) = modules.get(&here) else { return };
        if module.children.contains(name) {
            here.push(name.clone());
            passed.push(here.clone());
            rest = others;
            continue;
        }
        if module.items.contains(name) {
            return;
        }
        let imports = module.imports.iter().filter(|(known_as, _)| known_as == name);
        let mut targets: Vec<Path> = imports.map(|(_, path)| path.clone()).collect();
        if targets.is_empty() {
            let exporting = |glob: &&Path| exports(modules, &here, glob, name, seen.clone());
            let globs = module.globs.iter().filter(exporting);
            targets.extend(globs.map(|glob| [glob.clone(), vec![name.clone()]].concat()));
        }
        for target in targets {
            // `use time::time` names the crate, not the function that it imports.
            if target.first() == Some(name) {
                continue;
            }
            walk(modules, &here, &[&target, others].concat(), passed, seen);
        }
        return;
    }
}

/// Returns whether the module at `glob`, seen from `here`, has an item, import or child with this
/// name.
fn exports(
    modules: &Modules,
    here: &Path,
    glob: &Path,
    name: &String,
    mut seen: BTreeSet<(Path, Path)>,
) -> bool {
    let mut passed = Vec::new();
    walk(modules, here, glob, &mut passed, &mut seen);
    let module = passed.last().and_then(|path| modules.get(path));
    module.is_some_and(|module| {
        module.items.contains(name)
            || module.children.contains(name)
            || module.imports.iter().any(|(known_as, _)| known_as == name)
    })
}

/// Returns the sets of siblings that depend on each other in a cycle, each sorted by name.
pub fn cycles(edges: &Siblings) -> Vec<Vec<String>> {
    let reach: BTreeMap<&String, BTreeSet<&String>> =
        edges.keys().map(|from| (from, reachable(edges, from))).collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    for from in edges.keys().filter(|from| reach[from].contains(from)) {
        let circle = reach[from].iter().filter(|to| reach[*to].contains(from));
        let circle: Vec<String> = circle.map(|&name| name.clone()).collect();
        if !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

fn reachable<'a>(edges: &'a Siblings, from: &'a String) -> BTreeSet<&'a String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(module) = open.pop() {
        let next = edges.get(module).into_iter().flat_map(BTreeMap::keys);
        open.extend(next.filter(|name| found.insert(*name)));
    }
    found
}
