use url::Url;

/// The authorization server: its one name, and where it is reached.
///
/// The browser and the containers know the same server by different addresses. There is still one
/// issuer; a machine only goes another way to it.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The identifier, as configured, to the byte.
    identifier: String,
    base: Url,
}

impl Issuer {
    /// An issuer by its identifier, reached at `internal_url` if that is another address.
    ///
    /// # Errors
    /// What is wrong with one of the two.
    pub fn new(identifier: String, internal_url: Option<&str>) -> Result<Self, &'static str> {
        let public = parse_identifier(&identifier)?;
        let base = internal_url.map(parse_identifier).transpose()?.unwrap_or(public);
        Ok(Self { identifier, base })
    }

    /// The identifier, as configured, to the byte.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Where its metadata is published: by RFC 8414 §3.1, else as OpenID Connect Discovery §4 has
    /// it.
    #[must_use]
    pub fn metadata_urls(&self) -> [String; 2] {
        let base = self.base.as_str().trim_end_matches('/');
        [
            crate::well_known_url(base, "oauth-authorization-server"),
            format!("{base}/.well-known/openid-configuration"),
        ]
    }

    /// The way to an endpoint whose public URL the metadata tells.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn resolve_endpoint(&self, published: &str) -> Result<Url, &'static str> {
        let url = match self.below(published) {
            Some(rest) => {
                parse_endpoint_url(&format!("{}{rest}", self.base.as_str().trim_end_matches('/')))?
            }
            None => parse_endpoint_url(published)?,
        };
        // Metadata must not be able to talk a client out of TLS: the secret would go over the wire
        // in the clear.
        if self.base.scheme() == "https" && url.scheme() != "https" {
            return Err(
                "the endpoint is plain http, although the authorization server is reached by https",
            );
        }
        Ok(url)
    }

    /// What follows the issuer in `published`. It ends at a boundary: `http://c.example.evil` is
    /// not below `http://c.example`.
    fn below<'a>(&self, published: &'a str) -> Option<&'a str> {
        let rest = published.strip_prefix(self.identifier.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
    }
}

/// An issuer identifier has neither query nor fragment (RFC 8414 §2).
fn parse_identifier(text: &str) -> Result<Url, &'static str> {
    let url = parse_endpoint_url(text)?;
    if url.query().is_some() { Err("it has a query") } else { Ok(url) }
}

/// A URL that requests can go to, and that can be shown in errors and events.
///
/// # Errors
/// What is wrong with it.
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
    fn an_endpoint_below_the_issuer_is_reached_at_the_internal_url() {
        let issuer = issuer("http://localhost:9000", "https://auth-server:9443");
        let way = issuer.resolve_endpoint("http://localhost:9000/oauth/token").unwrap();
        assert_eq!(way.as_str(), "https://auth-server:9443/oauth/token");
        assert_eq!(
            issuer.metadata_urls()[0],
            "https://auth-server:9443/.well-known/oauth-authorization-server"
        );
    }

    #[test]
    fn an_issuer_with_a_path_keeps_it_out_of_the_well_known_prefix() {
        let [oauth, openid] =
            issuer("https://c.example/t/", "https://in.example/t/").metadata_urls();
        assert_eq!(oauth, "https://in.example/.well-known/oauth-authorization-server/t");
        assert_eq!(openid, "https://in.example/t/.well-known/openid-configuration");
    }

    #[test]
    fn a_name_that_only_begins_like_the_issuer_is_somebody_elses() {
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
    fn what_no_request_should_go_to_is_refused() {
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
