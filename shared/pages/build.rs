//! Compresses the stylesheet.

fn main() -> std::io::Result<()> {
    embedded_files::compress("layout/style.css")
}
