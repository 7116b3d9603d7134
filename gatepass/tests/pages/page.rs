use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// The titled code blocks of a documentation page.
pub struct Page {
    blocks: BTreeMap<String, String>,
}

impl Page {
    /// Reads a page. Panics if a block of commands has no title, because no test would run it.
    pub fn read(path: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        let text = fs::read_to_string(file).unwrap();
        let (mut lines, mut blocks) = (text.lines(), BTreeMap::new());
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            match info.split_once(" title=") {
                Some((_, title)) => drop(blocks.insert(title.to_owned(), body.join("\n"))),
                None => assert_ne!(info, "sh", "{path}: no title: {body:?}"),
            }
        }
        Self { blocks }
    }

    pub fn block(&self, title: &str) -> &str {
        self.blocks.get(title).unwrap_or_else(|| panic!("no block `{title}`"))
    }
}

/// A terminal in which the commands of a page run.
pub struct Shell {
    /// The ports of the page, and those of the test.
    pub ports: Vec<(u16, u16)>,
    pub control_port: u16,
}

impl Shell {
    /// Runs commands and returns what they print. `cargo run -q --` and `gatepass` are the compiled
    /// launcher.
    pub fn run(&self, commands: &str) -> String {
        let mut script = commands.replace("cargo run -q --", "gatepass");
        for (of_page, port) in &self.ports {
            script = script.replace(&of_page.to_string(), &port.to_string());
        }
        let script = format!("gatepass() {{ \"$LAUNCHER\" \"$@\"; }}\n{script}");
        let output = Command::new("sh")
            .args(["-euc", &script])
            .env("LAUNCHER", env!("CARGO_BIN_EXE_gatepass"))
            .env("GATEPASS_CONTROL", format!("http://127.0.0.1:{}", self.control_port))
            .env("NO_PROXY", "*")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}
