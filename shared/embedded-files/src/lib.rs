//! Text files that a program contains compressed with gzip, because the image is limited in size. A
//! build script compresses a file with [`compress`], and the program includes it with
//! [`embedded_file!`].

use std::{
    env, fs,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// A text file that the program contains compressed.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedFile {
    gzipped: &'static [u8],
}

/// Includes a file that the build script of the same crate has compressed, by its name.
#[macro_export]
macro_rules! embedded_file {
    ($name:expr) => {
        $crate::EmbeddedFile::new(include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")))
    };
}

impl EmbeddedFile {
    /// Takes the bytes of a gzip file.
    #[must_use]
    pub const fn new(gzipped: &'static [u8]) -> Self {
        Self { gzipped }
    }

    /// Returns the gzip file, as a response with `Content-Encoding: gzip` has it.
    #[must_use]
    pub const fn gzipped(self) -> &'static [u8] {
        self.gzipped
    }

    /// Decompresses the file.
    #[must_use]
    pub fn text(self) -> String {
        let mut text = String::new();
        // A build script has compressed it from a text.
        let _ = GzDecoder::new(self.gzipped).read_to_string(&mut text);
        text
    }
}

/// Compresses a text with gzip.
///
/// # Errors
/// Returns an error if the compression fails.
pub fn gzip(text: &str) -> io::Result<Vec<u8>> {
    write_gzip(Vec::new(), text)
}

fn write_gzip<W: Write>(output: W, text: &str) -> io::Result<W> {
    let mut encoder = GzEncoder::new(output, Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

/// In a build script: compresses a file of the crate, by its path in the crate. Cargo then runs the
/// script again whenever the file changes.
///
/// # Errors
/// Returns an error if the file cannot be read, or the compressed one cannot be written.
#[expect(clippy::print_stdout, reason = "Cargo reads what a build script prints")]
pub fn compress(path: &str) -> io::Result<()> {
    println!("cargo::rerun-if-changed={path}");
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    compress_text(&name, &fs::read_to_string(path)?)
}

/// In a build script: compresses all files of a folder, by its path in the crate.
///
/// # Errors
/// Returns an error if a file cannot be read, or a compressed one cannot be written.
#[expect(clippy::print_stdout, reason = "Cargo reads what a build script prints")]
pub fn compress_folder(path: &str) -> io::Result<()> {
    println!("cargo::rerun-if-changed={path}");
    for file in fs::read_dir(path)? {
        compress(&file?.path().to_string_lossy())?;
    }
    Ok(())
}

/// In a build script: compresses a text that the script has made, under a name.
///
/// # Errors
/// Returns an error if the compressed file cannot be written.
pub fn compress_text(name: &str, text: &str) -> io::Result<()> {
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?;
    let file = File::create(PathBuf::from(folder).join(format!("{name}.gz")))?;
    write_gzip(file, text)?;
    Ok(())
}
