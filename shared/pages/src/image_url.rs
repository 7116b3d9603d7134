use url::Url;

/// The CSP directive `img-src` of every page.
pub(crate) const IMG_SRC: &str = "'self' https: data:";

/// Returns whether a page can show this image of a client or user. Browsers block all others
/// because of `img-src`, and would show a broken image.
#[must_use]
pub fn is_image_url(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        // The image itself (RFC 2397). An `<img>` runs no scripts, not even those in an SVG.
        "data" => url.path().starts_with("image/"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_urls_match_the_content_security_policy() {
        for (image, allowed) in [
            ("https://example.com/a.png", true),
            ("data:image/svg+xml;base64,PHN2Zy8+", true),
            ("http://localhost:9000/a.png", false),
            ("http://c.example/a.png", false),
            ("data:text/html,<script>alert(1)</script>", false),
            ("data:,x", false),
            ("javascript:alert(1)", false),
        ] {
            let url: Url = image.parse().unwrap();
            assert_eq!(is_image_url(&url), allowed, "{image}");
            let scheme = format!(" {}:", url.scheme());
            assert!(!allowed || IMG_SRC.contains(&scheme), "{image}");
        }
    }
}
