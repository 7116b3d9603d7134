//! C by itself, in a container that grants it as little as can be.

use std::time::{Duration, Instant};

use anyhow::Context;

use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt,
    core::{ExecCommand, IntoContainerPort, Mount, WaitFor, wait::ExitWaitStrategy},
    runners::AsyncRunner,
};

use crate::{
    engine::docker,
    image::{self, NAME, TAG},
};

fn image(ready: WaitFor) -> anyhow::Result<GenericImage> {
    image::built()?;
    Ok(GenericImage::new(NAME, TAG).with_wait_for(ready).with_exposed_port(9000.tcp()))
}

fn restricted(image: GenericImage) -> ContainerRequest<GenericImage> {
    image
        .with_readonly_rootfs(true)
        .with_cap_drop("ALL")
        .with_security_opt("no-new-privileges:true")
}

/// With a volume that has no name, and ends with the container.
async fn c() -> anyhow::Result<ContainerAsync<GenericImage>> {
    let request =
        restricted(image(WaitFor::healthcheck())?).with_mount(Mount::volume_mount("", "/data"));
    Ok(request.start().await?)
}

#[tokio::test]
async fn c_needs_no_root_no_capability_and_one_volume() -> anyhow::Result<()> {
    // Healthy by the image's own HEALTHCHECK: nothing here names another.
    let c = c().await?;
    let keys =
        format!("http://127.0.0.1:{}/.well-known/jwks.json", c.get_host_port_ipv4(9000).await?);
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
    assert_eq!(client.get(keys).send().await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn there_is_no_shell_to_break_into() -> anyhow::Result<()> {
    let c = c().await?;
    for shell in ["sh", "/bin/sh", "/bin/bash", "/bin/busybox"] {
        let mut attempt = c.exec(ExecCommand::new([shell, "-c", "echo in"])).await?;
        let said = String::from_utf8(attempt.stdout_to_vec().await?)?;
        assert!(
            attempt.exit_code().await? != Some(0) && !said.starts_with("in"),
            "{shell}: {said}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_memory_of_a_slow_hash_is_given_back() -> anyhow::Result<()> {
    let c = c().await?;
    let token = format!("http://127.0.0.1:{}/oauth/token", c.get_host_port_ipv4(9000).await?);
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
    for n in 0..4 {
        // By names that nobody has: the secret is held against a hash that takes as long as any.
        let body = format!("grant_type=client_credentials&client_id=nobody{n}&client_secret=wrong");
        let guess = client
            .post(&token)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        assert_eq!(guess.send().await?.status(), 401);
    }
    let processes = docker(&["top", c.id(), "-o", "pid,rss"])?;
    let resident = processes.lines().nth(1).and_then(|process| process.split_whitespace().nth(1));
    let resident: u64 = resident.context("no process")?.parse()?;
    assert!(resident < 30_000, "{resident} KiB: a hash's memory is still there");
    Ok(())
}

#[tokio::test]
async fn c_stops_soon_also_while_a_caller_keeps_a_connection_open() -> anyhow::Result<()> {
    let c = c().await?;
    let address = format!("127.0.0.1:{}", c.get_host_port_ipv4(9000).await?);
    let _idle = tokio::net::TcpStream::connect(address).await?;
    let begun = Instant::now();
    c.stop_with_timeout(Some(20)).await?;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(c.exit_code().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn without_a_volume_c_says_what_to_do_and_ends() -> anyhow::Result<()> {
    let c = restricted(image(WaitFor::exit(ExitWaitStrategy::new().with_exit_code(1)))?)
        .start()
        .await?;
    let said = String::from_utf8(c.stderr_to_vec().await?)?;
    let last = said.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("error: the data folder /data cannot be used (setting `data_dir`)"),
        "{said}"
    );
    Ok(())
}
