//! Compresses the OpenAPI document and the texts of A.

fn main() -> std::io::Result<()> {
    for file in ["openapi.json", "pages/en.toml", "pages/zh.toml", "pages/details.zh.toml"] {
        embedded_files::compress(file)?;
    }
    Ok(())
}
