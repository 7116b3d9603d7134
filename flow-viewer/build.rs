//! Prepares the files of the page: one script, and all of them compressed.

// The tests of the crate include it too.
#[path = "build/bundle.rs"]
mod bundle;

use std::{collections::BTreeMap, error::Error, fs, io};

use embedded_files::compress_text;

const PAGE: &str = "src/page";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PAGE}");
    println!("cargo::rerun-if-changed=build");
    let mut modules = BTreeMap::new();
    for file in fs::read_dir(PAGE)? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".js") {
            modules.insert(name.to_owned(), fs::read_to_string(&path)?);
        }
    }
    compress_text("viewer.js", &bundle::bundle("viewer.js", &modules)?)?;
    compress_text("viewer.css", &read("viewer.css")?)?;
    for language in ["en", "zh"] {
        let (texts, lessons) =
            (read(&format!("texts.{language}.json"))?, read(&format!("lessons.{language}.json"))?);
        compress_text(&format!("texts.{language}.json"), &merged(&texts, &lessons)?)?;
    }
    Ok(())
}

fn read(name: &str) -> io::Result<String> {
    fs::read_to_string(format!("{PAGE}/{name}"))
}

/// Merges two JSON objects that have no member in common.
fn merged(one: &str, other: &str) -> Result<String, &'static str> {
    let one = one.trim_end().strip_suffix('}').ok_or("not a JSON object")?;
    let other = other.trim_start().strip_prefix('{').ok_or("not a JSON object")?;
    Ok(format!("{one},{other}"))
}
