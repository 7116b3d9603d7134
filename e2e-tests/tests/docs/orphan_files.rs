//! Every source file belongs to its crate: a file that no module declares is compiled by nothing
//! and goes out of date unnoticed.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{files, root};

#[test]
fn every_source_file_is_declared_as_a_module() {
    let orphans: Vec<_> = files(".rs")
        .into_iter()
        .filter(|file| !is_crate_root(file) && !is_declared(file))
        .map(|file| file.strip_prefix(root()).unwrap().display().to_string())
        .collect();
    assert!(orphans.is_empty(), "no module declares {orphans:?}");
}

#[test]
fn undeclared_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod used;\n#[path = \"named.rs\"]\nmod other;\n");
    for (name, declared) in [("used.rs", true), ("named.rs", true), ("unused.rs", false)] {
        write(name, "");
        assert_eq!(is_declared(&folder.path().join(name)), declared, "{name}");
    }
}

/// Returns whether Cargo compiles the file as the root of a library, program, test, benchmark or
/// fuzz target.
fn is_crate_root(file: &Path) -> bool {
    let name = |path: Option<&Path>| {
        path.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default().to_owned()
    };
    let roots = ["bin", "tests", "benches", "examples", "fuzz_targets"];
    ["lib.rs", "main.rs", "build.rs"].contains(&&*name(Some(file)))
        || roots.contains(&&*name(file.parent()))
}

/// Returns whether a file beside this one, or the file of its folder, declares it.
fn is_declared(file: &Path) -> bool {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder = file.parent().unwrap();
    let candidates: BTreeSet<_> = [folder.join("lib.rs"), folder.join("main.rs")]
        .into_iter()
        .chain([folder.join("mod.rs"), folder.with_extension("rs")])
        .collect();
    let by_name = candidates
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .any(|text| text.lines().any(|line| line.trim_end().ends_with(&format!("mod {stem};"))));
    by_name || by_path(folder, file)
}

/// Returns whether a file in this folder or the one above names the file by `#[path]`.
fn by_path(folder: &Path, file: &Path) -> bool {
    [Some(folder), folder.parent()].into_iter().flatten().any(|from| {
        let Ok(relative) = file.strip_prefix(from) else { return false };
        let attribute = format!("#[path = \"{}\"]", relative.display());
        let texts = fs::read_dir(from).into_iter().flatten().flatten();
        texts
            .filter_map(|entry| fs::read_to_string(entry.path()).ok())
            .any(|text| text.contains(&attribute))
    })
}
