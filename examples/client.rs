//! The smallest client: it calls a resource server with access tokens that it keeps fresh.
//!
//! Start the demo with `cargo run`, then `cargo run -p examples --example client`.

use token_client::{
    AuthorizedClient, TokenClient, TokenTarget,
    oauth_types::ClientSecret,
    reqwest::{Client, Url},
};

pub async fn call(tokens: TokenClient, url: Url) -> anyhow::Result<String> {
    let target = TokenTarget { scope: "resource:read".parse()?, resource: None };
    let http = Client::new();
    let resource_server = AuthorizedClient::new(http.clone(), tokens, target);
    let response = resource_server.send(http.get(url).build()?).await?;
    Ok(response.error_for_status()?.text().await?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let secret = ClientSecret::new("abc123");
    let tokens = TokenClient::builder("http://localhost:9000", "service-a", secret).build()?;
    let response = call(tokens, "http://localhost:9002/api/resource".parse()?).await?;
    #[expect(clippy::print_stdout, reason = "the output of the program")]
    {
        println!("{response}");
    }
    Ok(())
}
