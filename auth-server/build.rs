//! Compresses the OpenAPI documents of C.

fn main() -> std::io::Result<()> {
    for document in ["openapi.json", "openapi-wechat.json", "openapi-control.json"] {
        embedded_files::compress(document)?;
    }
    Ok(())
}
