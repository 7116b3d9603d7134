//! The HTTP client for servers on this machine.

use std::path::Path;

use anyhow::Context;
use reqwest::{Certificate, Client, ClientBuilder};

/// Returns a client that uses no proxy and trusts only the authorities in `ca_file`. Without one,
/// it reaches plain http alone.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub(crate) fn local_client(ca_file: Option<&Path>) -> anyhow::Result<ClientBuilder> {
    let authorities = match ca_file {
        Some(path) => {
            let name = || path.display().to_string();
            Certificate::from_pem_bundle(&std::fs::read(path).with_context(name)?)
                .with_context(name)?
        }
        None => Vec::new(),
    };
    Ok(Client::builder().no_proxy().tls_certs_only(authorities))
}
