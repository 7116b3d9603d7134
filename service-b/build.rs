//! Compresses the OpenAPI document of B.

fn main() -> std::io::Result<()> {
    embedded_files::compress("openapi.json")
}
