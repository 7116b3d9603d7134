use std::{collections::HashSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A set of scope tokens in the order of the request (RFC 6749 §3.3). On the wire it is one string
/// with the tokens separated by spaces.
///
/// ```
/// use oauth_types::Scope;
/// let requested: Scope = "resource:read resource:write".parse()?;
/// assert!(requested.contains("resource:read"));
/// assert_eq!(requested.to_string(), "resource:read resource:write");
/// # Ok::<(), oauth_types::ScopeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Vec<String>);

/// The error for a scope with a character that RFC 6749 §3.3 does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scope has a character that RFC 6749 section 3.3 does not allow: {0:?}")]
pub struct ScopeError(char);

impl Scope {
    /// Returns a scope without tokens.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Returns whether the scope has no tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the scope contains `token`, compared case-sensitively.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|own| own == token)
    }

    /// Returns the scope tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Returns the union of both scopes, each token once.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let more = other.0.iter().filter(|token| !self.contains(token));
        Self(self.0.iter().chain(more).cloned().collect())
    }

    /// Returns the tokens for which `keep` returns `true`.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let mut tokens: Vec<String> = Vec::new();
        // A set, because the scope is parsed before the client is authenticated and may be as long
        // as a request body: a linear search for duplicates would make the time quadratic.
        let mut known = HashSet::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            // scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
            if let Some(bad) =
                token.chars().find(|c| !matches!(c, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E'))
            {
                return Err(ScopeError(bad));
            }
            if known.insert(token) {
                tokens.push(token.to_owned());
            }
        }
        Ok(Self(tokens))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn duplicate_tokens_and_extra_spaces_are_removed() {
        let scope: Scope = " b  a b ".parse().unwrap();
        assert_eq!(scope.to_string(), "b a");
    }

    #[test]
    fn quotes_backslashes_and_controls_are_refused() {
        for bad in ["a\"b", "a\\b", "a\tb", "ä", "a\u{7f}"] {
            assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_prints_and_parses_to_the_same(text in ".*") {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
            }
        }
    }
}
