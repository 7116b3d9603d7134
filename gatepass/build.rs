//! Compresses the texts, and makes the binary smaller: relative relocations in the packed
//! form (`DT_RELR`, which glibc reads since 2.36), and in the static binary of the image one copy
//! of functions with the same code. The latter needs the linker that Rust uses by default on x86-64
//! Linux.

use std::{env::var, io, process::Command};

fn main() -> io::Result<()> {
    embedded_files::compress_folder("texts")?;
    println!("cargo:rerun-if-changed=build.rs");
    let cfg = |name: &str| var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if cfg("ARCH") != "x86_64" || cfg("OS") != "linux" || cfg("ENV") != "gnu" {
        return Ok(());
    }
    let is_static = cfg("FEATURE").split(',').any(|feature| feature == "crt-static");
    if is_static || glibc_reads_packed_relocations() {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if is_static {
        println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
    }
    Ok(())
}

/// Returns whether the C library of this machine, with which a dynamic binary is linked, is new
/// enough.
fn glibc_reads_packed_relocations() -> bool {
    if var("HOST") != var("TARGET") {
        return false;
    }
    let Ok(output) = Command::new("getconf").arg("GNU_LIBC_VERSION").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.trim().trim_start_matches("glibc ").split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (2, 36),
        _ => false,
    }
}
