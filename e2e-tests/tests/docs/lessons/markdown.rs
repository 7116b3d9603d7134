use crate::line_widths::{COLUMNS, width};

/// Breaks a paragraph into lines that fit. A line ends after a word, or after Chinese punctuation.
/// Each line begins with `prefix`.
pub fn wrap(text: &str, prefix: &str) -> String {
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let line = lines.last_mut().unwrap();
        let used = width(prefix) + width(line) + width(piece.trim_end());
        if line.is_empty() || used <= COLUMNS {
            *line += piece;
        } else {
            lines.push(piece.to_owned());
        }
    }
    let lines: Vec<String> =
        lines.iter().map(|line| format!("{prefix}{}", line.trim_end())).collect();
    lines.join("\n")
}

/// Splits a text after each space and after each Chinese punctuation mark. Closing marks stay with
/// what they close. A link is not split.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut start, mut in_link) = (Vec::new(), 0, false);
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '[' => in_link = true,
            ')' => in_link = false,
            _ => {}
        }
        let next = letters.peek().map(|(_, next)| *next);
        let ends = letter == ' ' || "，。；：、？！）”".contains(letter);
        let is_kept_on = next.is_none_or(|next| " ，。；：、？！）”*".contains(next));
        if ends && !in_link && !is_kept_on {
            let end = at + letter.len_utf8();
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// Links the paths of this repository, which are in backticks, from `docs/learn`.
pub fn linked_paths(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        1 if part.contains('/') => format!("[`{part}`](../../{part})"),
        1 => format!("`{part}`"),
        _ => part.to_owned(),
    });
    parts.collect()
}

#[test]
fn paragraphs_break_after_words_and_after_chinese_punctuation() {
    let english = "word ".repeat(30);
    assert!(wrap(&english, "> ").lines().all(|line| line.starts_with("> ") && width(line) <= 100));
    let clause = format!("{}，", "字".repeat(20));
    let chinese = wrap(&clause.repeat(5), "");
    assert_eq!(chinese.lines().map(width).collect::<Vec<_>>(), [84, 84, 42]);
    assert_eq!(wrap("（甲。）乙", ""), "（甲。）乙");
    assert_eq!(linked_paths("C: `a/b.rs`, `iss`"), "C: [`a/b.rs`](../../a/b.rs), `iss`");
}
