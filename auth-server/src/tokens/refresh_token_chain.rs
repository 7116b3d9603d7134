use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::RefreshToken;

use crate::domain::{REFRESH_TOKEN_PREFIX, TokenHash};
use crate::keys::derive_key;

/// Maximum number of successors after which a refresh token is still recognized. Equals seventy
/// days at one refresh every ten minutes.
const MAX_GENERATIONS: u32 = 10_000;

/// Derives the successor of a refresh token with an HMAC under a key of this installation. A
/// repeated request therefore gets the same successor, and the database stores only the hash of the
/// latest token of a grant: every earlier genuine token leads to it.
pub struct RefreshTokenChain(hmac::Key);

/// A parsed refresh token: `gprt_<grant>.<number>.<secret>`.
struct ParsedRefreshToken<'a> {
    grant_id: &'a str,
    number: u32,
}

impl RefreshTokenChain {
    pub fn new(installation_secret: &[u8; 32]) -> Self {
        Self(derive_key(installation_secret, "refresh token rotation"))
    }

    /// Returns the successor of a token, or `None` if the token is malformed.
    pub fn successor(&self, token: &RefreshToken) -> Option<RefreshToken> {
        let ParsedRefreshToken { grant_id, number } = parse(token)?;
        let tag = hmac::sign(&self.0, token.expose().as_bytes());
        Some(format_refresh_token(grant_id, number.checked_add(1)?, tag.as_ref()))
    }

    /// Returns the number of successors of the presented token if it is genuine. `number` and
    /// `hash` are those of the latest token of the grant, which only a genuine token leads to.
    pub fn generations_since(
        &self,
        presented: &RefreshToken,
        number: u32,
        hash: TokenHash,
    ) -> Option<u32> {
        let generations = number
            .checked_sub(parse(presented)?.number)
            .filter(|generations| *generations <= MAX_GENERATIONS)?;
        let mut token = RefreshToken::new(presented.expose());
        for _ in 0..generations {
            token = self.successor(&token)?;
        }
        (TokenHash::of_text(token.expose()) == hash).then_some(generations)
    }
}

/// Returns the first refresh token of a grant, with 256 random bits (RFC 6749 §10.10 requires 128).
pub fn first_refresh_token(grant_id: &str, random: &[u8; 32]) -> RefreshToken {
    format_refresh_token(grant_id, 0, random)
}

/// Returns the grant id in a refresh token, unverified.
pub fn grant_id_of_refresh_token(token: &RefreshToken) -> Option<&str> {
    parse(token).map(|parsed| parsed.grant_id)
}

fn format_refresh_token(grant_id: &str, number: u32, secret: &[u8]) -> RefreshToken {
    let secret = BASE64_URL_SAFE_NO_PAD.encode(secret);
    RefreshToken::new(format!("{REFRESH_TOKEN_PREFIX}{grant_id}.{number}.{secret}"))
}

fn parse(token: &RefreshToken) -> Option<ParsedRefreshToken<'_>> {
    let mut parts = token.expose().strip_prefix(REFRESH_TOKEN_PREFIX)?.splitn(3, '.');
    let (grant_id, number, _secret) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
    Some(ParsedRefreshToken { grant_id, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nth(chain: &RefreshTokenChain, number: u32) -> RefreshToken {
        (0..number)
            .fold(first_refresh_token("g", &[7; 32]), |token, _| chain.successor(&token).unwrap())
    }

    #[test]
    fn successor_depends_on_token_and_key() {
        let (one, other) = (RefreshTokenChain::new(&[1; 32]), RefreshTokenChain::new(&[2; 32]));
        let token = nth(&one, 0);
        assert_eq!(one.successor(&token).unwrap().expose(), nth(&one, 1).expose());
        assert_ne!(one.successor(&token).unwrap().expose(), nth(&other, 1).expose());
        assert_ne!(nth(&one, 2).expose(), nth(&one, 1).expose());
        assert_eq!(grant_id_of_refresh_token(&nth(&one, 12)), Some("g"));
    }

    #[test]
    fn only_a_genuine_token_leads_to_the_current_one() {
        let chain = RefreshTokenChain::new(&[1; 32]);
        let latest = TokenHash::of_text(nth(&chain, 5).expose());
        for generations in 0..=5 {
            assert_eq!(
                chain.generations_since(&nth(&chain, 5 - generations), 5, latest),
                Some(generations)
            );
        }
        let forged = [
            first_refresh_token("g", &[8; 32]),
            nth(&RefreshTokenChain::new(&[2; 32]), 4),
            nth(&chain, 6),
            RefreshToken::new(nth(&chain, 4).expose().replace(".4.", ".5.")),
            RefreshToken::new(nth(&chain, 4).expose().replace(".4.", ".3.")),
            RefreshToken::new(nth(&chain, 4).expose().replace("_g.", "_h.")),
            RefreshToken::new("gprt_g"),
            RefreshToken::new("gprt_g.x.y"),
            RefreshToken::new(""),
        ];
        for token in forged {
            assert_eq!(chain.generations_since(&token, 5, latest), None, "{}", token.expose());
        }
    }

    #[test]
    fn cost_of_a_forged_generation_is_bounded() {
        let chain = RefreshTokenChain::new(&[1; 32]);
        let latest = TokenHash::of_text(nth(&chain, 0).expose());
        assert_eq!(chain.generations_since(&nth(&chain, 0), MAX_GENERATIONS + 1, latest), None);
        assert!(chain.successor(&format_refresh_token("g", u32::MAX, &[0; 32])).is_none());
    }
}
