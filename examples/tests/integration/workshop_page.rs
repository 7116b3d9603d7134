use std::{fs, path::Path};

const PAGES: [&str; 2] = ["docs/learn/workshop.md", "docs/learn/workshop.zh-CN.md"];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// Returns the info string and the text of each code block.
fn code_blocks(page: &str) -> Vec<(String, String)> {
    let mut lines = page.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push((info.to_owned(), body.join("\n") + "\n"));
    }
    blocks
}

/// Applies a diff without line numbers.
fn apply(diff: &str, text: &str) -> String {
    let side = |other: char| -> String {
        let lines = diff.lines().filter(|line| !line.starts_with(other));
        lines.map(|line| format!("{}\n", &line[1..])).collect()
    };
    let (before, after) = (side('+'), side('-'));
    assert_eq!(text.matches(&before).count(), 1, "{before}");
    text.replace(&before, &after)
}

#[test]
fn solutions_of_the_workshop_page_turn_each_round_into_the_solution() {
    let solution = read("examples/workshop/solution.rs");
    for page in PAGES {
        let blocks = code_blocks(&read(page));
        let diffs: Vec<(&str, &str)> = blocks
            .iter()
            .filter_map(|(info, text)| Some((info.strip_prefix("diff title=")?, text.as_str())))
            .collect();
        let files: Vec<String> = (1..=6).map(|round| format!("round_{round}.rs")).collect();
        assert_eq!(diffs.iter().map(|(file, _)| *file).collect::<Vec<_>>(), files, "{page}");
        for (file, diff) in diffs {
            let text = read(&format!("examples/workshop/{file}"));
            assert_ne!(text, solution);
            assert_eq!(apply(diff, &text), solution, "{page}: {file}");
        }
    }
}

#[test]
fn workshop_page_has_the_same_commands_in_both_languages() {
    let [english, chinese] = PAGES.map(|page| code_blocks(&read(page)));
    assert_eq!(english, chinese);
}
