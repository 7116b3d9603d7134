//! Contents and configuration of the image.

use serde_json::{Value, json};

use crate::{
    engine::{docker, paths_in},
    image,
};

/// The maximum size of the image, in bytes.
const LIMIT: u64 = 20_000_000;

#[test]
fn image_holds_one_file_and_two_empty_folders() -> anyhow::Result<()> {
    let container = Created::of(&image::built()?)?;
    // The engine adds these to every container.
    let of_the_engine = ["./.dockerenv", "./dev/", "./etc/", "./proc/", "./sys/"];
    let found = paths_in(&container.0, "/.")?;
    let paths: Vec<&String> =
        found.iter().filter(|path| !of_the_engine.iter().any(|at| path.starts_with(at))).collect();
    assert_eq!(paths, ["./", "./ca/", "./data/", "./gatepass"]);
    Ok(())
}

#[test]
fn image_is_smaller_than_20_mb() -> anyhow::Result<()> {
    let size: u64 =
        docker(&["image", "inspect", "--format", "{{.Size}}", &image::built()?])?.parse()?;
    println!("image size: {}.{} MB", size / 1_000_000, size / 100_000 % 10);
    assert!(size <= LIMIT, "{size} bytes");
    Ok(())
}

#[test]
fn image_runs_unprivileged_with_a_health_check() -> anyhow::Result<()> {
    let config = docker(&["image", "inspect", "--format", "{{json .Config}}", &image::built()?])?;
    let config: Value = serde_json::from_str(&config)?;
    assert_eq!(config["User"], "65534:65534");
    assert_eq!(config["Entrypoint"], json!(["/gatepass"]));
    assert_eq!(
        config["Healthcheck"]["Test"],
        json!(["CMD", "/gatepass", "auth-server", "healthcheck"])
    );
    let environment = config["Env"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(environment.contains(&json!("SQLITE_TMPDIR=/data")), "{environment:?}");
    Ok(())
}

/// A container that is created to read its files and never runs.
struct Created(String);

impl Created {
    fn of(image: &str) -> anyhow::Result<Self> {
        docker(&["create", image]).map(Self)
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        // Ignore errors: a remaining container can be found by its image `gatepass:test`.
        let _ = docker(&["rm", "--force", "--volumes", &self.0]);
    }
}
