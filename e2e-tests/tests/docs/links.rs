use std::fs;

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
