use url::Url;

/// From where a page may load pictures.
pub(crate) const IMG_SRC: &str = "'self' https: data:";

/// May a page show this picture of a client or a person? Browsers load no other one under
/// `img-src`, and would show a broken one in its place.
#[must_use]
pub fn is_image_url(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        // The picture itself (RFC 2397), in which an `<img>` runs no script.
        "data" => url.path().starts_with("image/"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_from_where_the_policy_lets_it_come_from() {
        for (picture, shown) in [
            ("https://example.com/a.png", true),
            ("data:image/svg+xml;base64,PHN2Zy8+", true),
            ("http://localhost:9000/a.png", false),
            ("http://c.example/a.png", false),
            ("data:text/html,<script>alert(1)</script>", false),
            ("data:,x", false),
            ("javascript:alert(1)", false),
        ] {
            let url: Url = picture.parse().unwrap();
            assert_eq!(is_image_url(&url), shown, "{picture}");
            let scheme = format!(" {}:", url.scheme());
            assert!(!shown || IMG_SRC.contains(&scheme), "{picture}");
        }
    }
}
