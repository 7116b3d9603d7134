//! The Chinese texts address the reader in one way.

use std::fs;

use crate::{files, root};

#[test]
fn chinese_texts_address_the_reader_informally() {
    let chinese =
        |name: &str| name == "zh.toml" || name.contains(".zh.") || name.ends_with(".zh-CN.md");
    let mut checked = 0;
    let mut problems = Vec::new();
    for file in [".toml", ".json", ".md"].into_iter().flat_map(files) {
        if !chinese(&file.file_name().unwrap().to_string_lossy()) {
            continue;
        }
        checked += 1;
        let text = fs::read_to_string(&file).unwrap();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| line.contains('您')) {
            let name = file.strip_prefix(root()).unwrap().display();
            problems.push(format!("{name}:{}: {line}", at + 1));
        }
    }
    assert!(problems.is_empty(), "use 你:\n{}", problems.join("\n"));
    assert!(checked > 10, "{checked} files");
}
