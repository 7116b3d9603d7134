use std::{fs, process::Command, thread};

/// Describes the machine.
pub fn facts() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_default();
    let system = field("/etc/os-release", "PRETTY_NAME").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let compiler = Command::new("rustc")
        .arg("--version")
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let compiler = String::from_utf8_lossy(&compiler);
    format!("{cores} cores of {processor}, {system}, Linux {}, {}", kernel.trim(), compiler.trim())
}

/// Returns the value of `name` in a file of lines such as `name : value` or `name="value"`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_matches(|c: char| c.is_whitespace() || "=:\"".contains(c)).to_owned())
}
