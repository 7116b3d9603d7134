//! Only one module of `service-kit` names operating systems, so that it alone has to be ported.

use std::fs;

use crate::{files, root};

/// What belongs to one operating system.
const NAMES: [&str; 13] = [
    "os::unix",
    "os::windows",
    "os::linux",
    "os::fd",
    "::os::{",
    " os::{",
    "signal::unix",
    "signal::windows",
    "rustix::",
    "cfg(unix)",
    "cfg(windows)",
    "target_os",
    "target_family",
];

/// Where they may be named. Containers and PostgreSQL clusters for tests run on Linux alone, and
/// these checks name what they look for.
const ALLOWED: [&str; 5] = [
    "shared/service-kit/src/platform",
    "shared/test-support/src/platform.rs",
    "shared/test-support/src/postgres",
    "e2e-tests/tests/containers",
    "e2e-tests/tests/docs",
];

#[test]
fn only_the_platform_module_names_operating_systems() {
    let mut problems = Vec::new();
    let mut used = [false; ALLOWED.len()];
    for file in files(".rs") {
        let name = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        let found: Vec<_> = NAMES.iter().filter(|system| text.contains(**system)).collect();
        match ALLOWED.iter().position(|allowed| name.starts_with(allowed)) {
            Some(place) => used[place] |= !found.is_empty(),
            None if found.is_empty() => {}
            None => problems.push(format!("{name}: {found:?}")),
        }
    }
    assert!(problems.is_empty(), "use service_kit::platform instead:\n{}", problems.join("\n"));
    assert_eq!(used, [true; ALLOWED.len()], "a place that names no system needs no exception");
}

/// Paths and programs that Windows does not have.
const UNIX_PATHS: [&str; 9] = [
    "\"/dev/", "\"/etc/", "\"/proc/", "\"/tmp", "\"/usr/", "\"/var/", "\"sh\"", "\"kill\"",
    "\"HOME\"",
];

#[test]
fn product_code_names_no_path_or_program_of_unix() {
    let mut problems = Vec::new();
    for file in files(".rs") {
        let name = file.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        let is_product = name.contains("/src/") && !name.ends_with("/tests.rs");
        if !is_product || name.starts_with("shared/test-support") || name.starts_with("e2e-tests") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let product = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let found: Vec<_> = UNIX_PATHS.iter().filter(|path| product.contains(**path)).collect();
        if !found.is_empty() {
            problems.push(format!("{name}: {found:?}"));
        }
    }
    assert!(problems.is_empty(), "other systems lack these:\n{}", problems.join("\n"));
}
