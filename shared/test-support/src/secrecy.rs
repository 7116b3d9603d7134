//! Searches texts for secrets. The texts also contain random ids, so a search must not match
//! letters that stand in such an id by chance.

/// The beginnings of every JWT: `{"alg":"`, `{"kid":"` and `{"typ":"` in base64url.
pub const JWT_PREFIXES: [&str; 3] = ["eyJhbGciOi", "eyJraWQiOi", "eyJ0eXAiOi"];

/// Returns whether `text` contains a JWT or the beginning of one.
pub fn contains_jwt(text: &str) -> bool {
    JWT_PREFIXES.iter().any(|prefix| text.contains(prefix))
}

/// Returns whether `text` contains `secret`, not as a part of a longer word. Use it for secrets so
/// short that a random id may contain them.
pub fn contains_word(text: &str, secret: &str) -> bool {
    text.match_indices(secret).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + secret.len()..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signer::Signer;

    #[test]
    fn every_signed_token_is_found() {
        let token = Signer::es256("one").sign(&serde_json::json!({}), &serde_json::json!({}));
        assert!(contains_jwt(&format!("token={token}")));
        assert!(!contains_jwt("gatepass-a-session=x3eyJ81LsV0eyJ"));
    }

    #[test]
    fn word_inside_of_an_id_is_not_found() {
        assert!(contains_word("id=9abc1234 secret=abc123&x", "abc123"));
        assert!(!contains_word("id=9abc1234 abc1239 0abc123", "abc123"));
    }
}
