//! An HTTP client, and assertions on responses of A and B.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, redirect::Policy};
pub use test_support::{
    http::{TestResponse, send},
    wait::until,
};

/// Returns a client that opens a connection for each request, follows redirects and trusts no CA.
pub fn client() -> Client {
    let builder = test_support::http::client_builder().tls_certs_only([]);
    builder.redirect(Policy::limited(10)).timeout(Duration::from_secs(60)).build().unwrap()
}

pub fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

/// Assertions on responses of A and B.
pub trait ResponseAssertions {
    /// Asserts that B rejected an access token: status, error code, words of the description, and
    /// the same code in the challenge beside the URL of B's metadata (RFC 6750 §3, RFC 9728 §5.1).
    fn assert_rejected(&self, status: u16, code: &str, words: &str);

    /// Asserts that A failed at a step of a call to B: `get_token` or `call_b`.
    fn assert_failed_at(&self, step: &str, words: &str);
}

impl ResponseAssertions for TestResponse {
    #[track_caller]
    fn assert_rejected(&self, status: u16, code: &str, words: &str) {
        self.assert_bearer_error(status, code, words);
        let challenge = self.header("www-authenticate");
        assert!(challenge.contains("resource_metadata="), "{challenge}");
    }

    #[track_caller]
    fn assert_failed_at(&self, step: &str, words: &str) {
        assert_eq!((self.status, self.member("step").as_str()), (502, step), "{self:?}");
        assert!(self.member("error_description").contains(words), "`{words}` is not in {self:?}");
        assert!(!self.member("request_id").is_empty(), "{self:?}");
    }
}
