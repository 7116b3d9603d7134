//! Compresses the OpenAPI documents and the pages of C.

fn main() -> std::io::Result<()> {
    for document in ["openapi.json", "openapi-wechat.json", "openapi-control.json"] {
        embedded_files::compress(document)?;
    }
    embedded_files::compress_folder("pages")
}
