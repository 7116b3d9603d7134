//! The parts of `docs/learn/README.md` and its Chinese version that have the texts of the viewer's
//! lessons. A part begins with `<!-- lesson NAME -->`, `<!-- roles -->` or `<!-- terms -->`, and it
//! ends with `<!-- end -->`. What is between the parts is written by hand.
//!
//! `UPDATE_REFERENCE=1 cargo test -p e2e-tests --test docs lessons` writes them.

mod markdown;
mod texts;

use std::{env, fs};

use markdown::{linked_paths, wrap};
use texts::{Lesson, Texts};

use crate::root;

const END: &str = "<!-- end -->";

/// A page, the texts of its language, and the words that the viewer does not have.
struct Page {
    file: &'static str,
    texts: &'static str,
    grants: &'static str,
    terms: &'static str,
    claims: &'static str,
    code: &'static str,
}

const PAGES: [Page; 2] = [
    Page {
        file: "docs/learn/README.md",
        texts: "flow-viewer/src/page/lessons.en.json",
        grants: "| grant | for | today |",
        terms: "| term | meaning |",
        claims: "What you see:",
        code: "**In the code.** ",
    },
    Page {
        file: "docs/learn/README.zh-CN.md",
        texts: "flow-viewer/src/page/lessons.zh.json",
        grants: "| 授权模式 | 用途 | 现状 |",
        terms: "| 术语 | 含义 |",
        claims: "你会看到：",
        code: "**代码。** ",
    },
];

#[test]
fn learning_path_has_the_texts_of_the_viewer() {
    for page in &PAGES {
        let file = root().join(page.file);
        let texts = Texts::read(&root().join(page.texts));
        let current = fs::read_to_string(&file).unwrap();
        let (written, parts) = page.fill(&current, &texts);
        if env::var_os("UPDATE_REFERENCE").is_some() {
            fs::write(&file, &written).unwrap();
        }
        let current = fs::read_to_string(&file).unwrap();
        let difference = current.lines().zip(written.lines()).find(|(old, new)| old != new);
        assert!(
            current == written,
            "{} is out of date: run `UPDATE_REFERENCE=1 cargo test -p e2e-tests --test docs \
             lessons`. First difference: {difference:?}",
            page.file
        );
        let lessons = texts.lessons.0.iter().map(|(name, _)| format!("lesson {name}"));
        let all = ["roles".to_owned()].into_iter().chain(lessons).chain(["terms".to_owned()]);
        assert_eq!(parts, all.collect::<Vec<_>>(), "{}", page.file);
    }
}

impl Page {
    /// Returns the page with its parts written again, and their names.
    fn fill(&self, page: &str, texts: &Texts) -> (String, Vec<String>) {
        let (mut written, mut names, mut lines) = (String::new(), Vec::new(), page.lines());
        while let Some(line) = lines.next() {
            written += &format!("{line}\n");
            if let Some(part) = self.part(line, texts) {
                assert!(lines.any(|line| line == END), "{}: `{line}` has no end", self.file);
                written += &format!("\n{part}\n\n{END}\n");
                names.push(line["<!-- ".len()..].trim_end_matches(" -->").to_owned());
            }
        }
        (written, names)
    }

    /// Returns the text of the part that begins with this line.
    fn part(&self, line: &str, texts: &Texts) -> Option<String> {
        let name = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
        match name.split_once(' ') {
            Some(("lesson", name)) => Some(self.lesson(name, texts)),
            None if name == "roles" => Some(roles(texts)),
            None if name == "terms" => Some(self.terms(texts)),
            _ => None,
        }
    }

    fn lesson(&self, name: &str, texts: &Texts) -> String {
        let found = texts.lessons.0.iter().enumerate().find(|(_, (known, _))| known == name);
        let (index, (_, lesson)) =
            found.unwrap_or_else(|| panic!("{}: no lesson `{name}`", self.file));
        let mut paragraphs = vec![
            format!("## {} · {}", index + 1, lesson.title),
            wrap(&format!("**{}**", lesson.question), ""),
            wrap(&lesson.life, "> "),
            wrap(&lesson.text, ""),
            wrap(&format!("*{}*", lesson.watch), ""),
            format!("▶ <http://localhost:9004/#lesson-{name}>"),
            wrap(&lesson.answer, ""),
        ];
        paragraphs.extend(self.grants(lesson));
        let claims = lesson.claims.0.iter().map(|(_, claim)| format!("- {}", wrap(claim, "  ")));
        let claims: Vec<String> = claims.map(|item| item.replacen("-   ", "- ", 1)).collect();
        paragraphs.push(format!("{}\n\n{}", self.claims, claims.join("\n")));
        let code = linked_paths(&texts.closing[name]);
        paragraphs.push(wrap(&format!("{}{code}", self.code), ""));
        paragraphs.join("\n\n")
    }

    fn grants(&self, lesson: &Lesson) -> Option<String> {
        let table = lesson.table.as_ref()?;
        let rows = table
            .0
            .iter()
            .map(|(_, row)| format!("\n| {} | {} | {} |", row["name"], row["use"], row["state"]));
        Some(format!("{}\n|---|---|---|{}", self.grants, rows.collect::<String>()))
    }

    fn terms(&self, texts: &Texts) -> String {
        let rows = texts
            .terms()
            .map(|(id, term, meaning)| format!("\n| <a id=\"{id}\"></a>{term} | {meaning} |"));
        format!("{}\n|---|---|{}", self.terms, rows.collect::<String>())
    }
}

fn roles(texts: &Texts) -> String {
    let mut columns = None;
    let mut rows = String::new();
    for (name, row) in &texts.roles.0 {
        match name.as_str() {
            "heading" => {}
            "columns" => columns = Some(["role", "life", "here"].map(|column| row[column].clone())),
            _ => {
                let cells = ["name", "life", "here"].map(|cell| row[cell].as_str().unwrap());
                rows += &format!("\n| {} |", cells.join(" | "));
            }
        }
    }
    let columns = columns.unwrap().map(|column| column.as_str().unwrap().to_owned());
    format!("| {} |\n|---|---|---|{rows}", columns.join(" | "))
}
