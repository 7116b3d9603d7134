//! The documents tell the truth: every file, test and link that they name is there, the walls of
//! the map stand, and what containers are made of fits the rest.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

mod container_files;
mod endpoints;
mod line_widths;
mod links;
mod module_boundaries;
mod rfc_map;

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All files of the repository with this ending, build folders aside.
fn files(ending: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir()
                && !name.starts_with('.')
                && !["target", "gatepass-data", "corpus"].contains(&&*name)
            {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found
}
