//! Checks of the repository itself: module boundaries, the order of imports, names of operating
//! systems, links and names in the documentation, line widths, and the files from which containers
//! are built.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

mod chinese_texts;
mod client_members;
mod container_files;
mod error_descriptions;
mod guides;
mod import_order;
mod lessons;
mod line_widths;
mod links;
mod module_boundaries;
mod orphan_files;
mod pictures;
mod platform_names;
mod reference;
mod rfc_map;
mod test_names;
mod threat_model;

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns all files of the repository whose names end in `ending`, without build and data folders.
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
