//! Compresses the OpenAPI documents and the texts of C.

fn main() -> std::io::Result<()> {
    for document in ["openapi.json", "openapi-wechat.json", "openapi-control.json"] {
        embedded_files::compress(document)?;
    }
    for texts in ["pages/en.toml", "pages/zh.toml", "pages/details.zh.toml"] {
        embedded_files::compress(texts)?;
    }
    Ok(())
}
