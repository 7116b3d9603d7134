//! The pictures of the documentation, which `docs/images/take.py` takes.

use std::fs;

use crate::{files, root};

/// The limits in bytes: of a picture, and of an animated one, whose name begins with `player`.
const LIMIT: u64 = 60_000;
const ANIMATED_LIMIT: u64 = 400_000;

#[test]
fn pictures_are_small_and_each_is_on_a_page() {
    let pages: Vec<String> =
        files(".md").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut checked = 0;
    for entry in fs::read_dir(root().join("docs/images")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".py") {
            continue;
        }
        let limit = if name.starts_with("player") { ANIMATED_LIMIT } else { LIMIT };
        let bytes = entry.metadata().unwrap().len();
        assert!(bytes < limit, "{name} has {bytes} bytes, and the limit is {limit}");
        let links = [')', '"'].map(|end| format!("images/{name}{end}"));
        let is_shown = |page: &String| links.iter().any(|link| page.contains(link));
        assert!(pages.iter().any(is_shown), "no page shows {name}");
        checked += 1;
    }
    assert!(checked >= 16, "{checked} pictures");
}

#[test]
fn readmes_show_the_path_and_an_animated_player() {
    for (readme, ending) in [("README.md", ""), ("README.zh-CN.md", "-zh")] {
        let page = fs::read_to_string(root().join(readme)).unwrap();
        for name in ["player", "viewer-path"] {
            let picture = format!("docs/images/{name}{ending}.webp");
            assert!(page.contains(&format!("\"{picture}\"")), "{readme}: no {picture}");
        }
        let player = fs::read(root().join(format!("docs/images/player{ending}.webp"))).unwrap();
        let is_animated = player.windows(4).any(|chunk| chunk == b"ANIM");
        assert!(is_animated, "player{ending}.webp is a still picture");
    }
}
