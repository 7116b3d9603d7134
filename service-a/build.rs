//! Compresses the OpenAPI document of A.

fn main() -> std::io::Result<()> {
    embedded_files::compress("openapi.json")
}
