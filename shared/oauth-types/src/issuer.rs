use url::Url;

/// An authorization server: its issuer identifier and the base URL for requests to it.
///
/// Both differ if this process reaches the server at an internal address, for example in a
/// container network. The issuer identifier in tokens and metadata is the same for everyone.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The issuer identifier, byte for byte as configured.
    identifier: String,
    base: Url,
}

impl Issuer {
    /// Creates an issuer. Requests go to `internal_url`, or to the identifier if that is `None`.
    ///
    /// # Errors
    /// Returns an error if one of the two is not an acceptable URL, see [`parse_endpoint_url`], or
    /// has a query.
    pub fn new(identifier: String, internal_url: Option<&str>) -> Result<Self, &'static str> {
        let public = parse_identifier(&identifier)?;
        let base = internal_url.map(parse_identifier).transpose()?.unwrap_or(public);
        Ok(Self { identifier, base })
    }

    /// The issuer identifier, byte for byte as configured.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Returns the URLs of the metadata, in the order to try them: by RFC 8414 §3.1, then by OpenID
    /// Connect Discovery §4.
    #[must_use]
    pub fn metadata_urls(&self) -> [String; 2] {
        let base = self.base.as_str().trim_end_matches('/');
        [
            crate::well_known_url(base, "oauth-authorization-server"),
            format!("{base}/.well-known/openid-configuration"),
        ]
    }

    /// Returns the URL for requests to an endpoint that the metadata lists as `published`. A URL
    /// below the issuer identifier is mapped to the internal base URL.
    ///
    /// # Errors
    /// Returns an error if the URL is not acceptable, or if it is plain http although the base URL
    /// is https.
    pub fn resolve_endpoint(&self, published: &str) -> Result<Url, &'static str> {
        let url = match self.below(published) {
            Some(rest) => {
                parse_endpoint_url(&format!("{}{rest}", self.base.as_str().trim_end_matches('/')))?
            }
            None => parse_endpoint_url(published)?,
        };
        // Manipulated metadata must not cause a downgrade to plain http, which would expose the
        // client secret.
        if self.base.scheme() == "https" && url.scheme() != "https" {
            return Err(
                "the endpoint is plain http, although the authorization server is reached by https",
            );
        }
        Ok(url)
    }

    /// Returns what follows the issuer identifier in `published`. The match ends at a path or query
    /// boundary: `http://c.example.evil` is not below `http://c.example`.
    fn below<'a>(&self, published: &'a str) -> Option<&'a str> {
        let rest = published.strip_prefix(self.identifier.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
    }
}

/// Parses an issuer identifier, which has neither query nor fragment (RFC 8414 §2).
fn parse_identifier(text: &str) -> Result<Url, &'static str> {
    let url = parse_endpoint_url(text)?;
    if url.query().is_some() { Err("it has a query") } else { Ok(url) }
}

/// Parses an absolute `http` or `https` URL without user information and fragment. Such a URL can
/// be logged, because it contains no credentials.
///
/// # Errors
/// Returns what is wrong with the URL.
pub fn parse_endpoint_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not an absolute URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it is neither https nor http");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or a password inside");
    }
    if url.fragment().is_some() {
        return Err("it has a fragment");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(name: &str, internal: &str) -> Issuer {
        Issuer::new(name.to_owned(), Some(internal)).unwrap()
    }

    #[test]
    fn endpoint_below_the_issuer_is_mapped_to_the_internal_url() {
        let issuer = issuer("http://localhost:9000", "https://auth-server:9443");
        let endpoint = issuer.resolve_endpoint("http://localhost:9000/oauth/token").unwrap();
        assert_eq!(endpoint.as_str(), "https://auth-server:9443/oauth/token");
        assert_eq!(
            issuer.metadata_urls()[0],
            "https://auth-server:9443/.well-known/oauth-authorization-server"
        );
    }

    #[test]
    fn path_of_an_issuer_follows_the_well_known_prefix() {
        let [oauth, openid] =
            issuer("https://c.example/t/", "https://in.example/t/").metadata_urls();
        assert_eq!(oauth, "https://in.example/.well-known/oauth-authorization-server/t");
        assert_eq!(openid, "https://in.example/t/.well-known/openid-configuration");
    }

    #[test]
    fn url_that_only_shares_a_prefix_is_not_mapped() {
        let issuer = issuer("https://c.example", "https://in.example");
        for other in ["https://c.example.evil/token", "https://c.example:8443/token"] {
            assert_eq!(issuer.resolve_endpoint(other).unwrap().as_str(), other);
        }
    }

    #[test]
    fn metadata_cannot_take_the_secret_out_of_tls() {
        assert!(
            issuer("https://c.example", "https://in.example")
                .resolve_endpoint("http://c.example/token")
                .is_err()
        );
        assert!(
            issuer("http://localhost:1", "http://localhost:2")
                .resolve_endpoint("http://localhost:1/token")
                .is_ok()
        );
    }

    #[test]
    fn unacceptable_endpoint_urls_are_rejected() {
        for bad in ["c.example", "ftp://c.example", "https://u:p@c.example", "https://c.example#x"]
        {
            assert!(parse_endpoint_url(bad).is_err(), "{bad}");
        }
        assert!(
            parse_identifier("https://c.example?x").is_err()
                && parse_endpoint_url("https://c.example?x").is_ok()
        );
    }
}
