use std::{fs, path::PathBuf};

use crate::files;

#[test]
fn relative_links_resolve() {
    for file in files(".md") {
        let text = fs::read_to_string(&file).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap();
            if !path.is_empty() && !path.contains("://") && !path.contains('…') {
                assert!(file.parent().unwrap().join(path).exists(), "{}: {target}", file.display());
            }
        }
    }
}

#[test]
fn anchors_of_relative_links_are_headings_or_ids() {
    for file in files(".md") {
        let text = fs::read_to_string(&file).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let Some((path, anchor)) = target.split_once('#') else { continue };
            let page: PathBuf = match path {
                "" => file.clone(),
                _ => file.parent().unwrap().join(path),
            };
            if !path.contains("://") && page.extension().is_some_and(|ending| ending == "md") {
                let known = anchors(&fs::read_to_string(&page).unwrap());
                assert!(known.contains(&anchor.to_owned()), "{}: {target}", file.display());
            }
        }
    }
}

/// Returns the anchors of a page: those of its headings, as GitHub makes them, and the ids.
fn anchors(page: &str) -> Vec<String> {
    let mut in_code_block = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            in_code_block = !in_code_block;
        } else if !in_code_block && line.starts_with('#') {
            found.push(slug(line.trim_start_matches('#').trim()));
        }
        let ids = line.split("<a id=\"").skip(1).filter_map(|rest| rest.split_once('"'));
        found.extend(ids.map(|(id, _)| id.to_owned()));
    }
    found
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn headings_and_ids_are_anchors() {
    let page =
        "# A · `b_c` (d)\n\n```sh\n# no heading\n```\n\n## 第 1 轮：一起做\n\n<a id=\"x-y\"></a>\n";
    assert_eq!(anchors(page), ["a--b_c-d", "第-1-轮一起做", "x-y"]);
}
