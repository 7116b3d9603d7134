//! Compresses the OpenAPI document and the pages of A.

fn main() -> std::io::Result<()> {
    embedded_files::compress("openapi.json")?;
    embedded_files::compress_folder("pages")
}
