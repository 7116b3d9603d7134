//! Compresses the Chinese texts, and makes the static binary of the image smaller: relative
//! relocations in the packed form (`DT_RELR`, which glibc reads since 2.36), and one copy of
//! functions with the same code. Both need the linker that Rust uses by default on x86-64 Linux.

use std::{env::var, io};

fn main() -> io::Result<()> {
    embedded_files::compress("texts/help.zh.toml")?;
    embedded_files::compress("texts/messages.zh.toml")?;
    println!("cargo:rerun-if-changed=build.rs");
    let cfg = |name: &str| var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let is_static = cfg("FEATURE").split(',').any(|feature| feature == "crt-static");
    if is_static && cfg("ARCH") == "x86_64" && cfg("OS") == "linux" && cfg("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
    }
    Ok(())
}
