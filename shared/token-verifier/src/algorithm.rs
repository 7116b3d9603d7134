/// A signature algorithm for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
    /// RSA PKCS #1 v1.5 with SHA-256.
    RS256,
    /// RSA PKCS #1 v1.5 with SHA-384.
    RS384,
    /// RSA PKCS #1 v1.5 with SHA-512.
    RS512,
    /// RSA-PSS with SHA-256.
    PS256,
    /// RSA-PSS with SHA-384.
    PS384,
    /// RSA-PSS with SHA-512.
    PS512,
    /// HMAC with SHA-256 and a shared secret. For learning only.
    HS256,
}

impl Algorithm {
    /// The algorithms of public keys, which [`LocalSettings`](crate::LocalSettings) may list.
    pub const ASYMMETRIC: [Self; 9] = [
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
    ];

    /// Returns the algorithm with this name (RFC 7518 §3.1, RFC 8037 §3.1), if it is supported.
    /// `Ed25519` is another name of `EdDSA` with this curve (RFC 9864 §2.2).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::HS256),
            "Ed25519" => Some(Self::EdDSA),
            _ => Self::ASYMMETRIC.into_iter().find(|algorithm| algorithm.name() == name),
        }
    }

    /// Returns the name of the algorithm.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::HS256 => "HS256",
        }
    }

    pub(crate) fn jws(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::ES256 => jsonwebtoken::Algorithm::ES256,
            Self::ES384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDSA => jsonwebtoken::Algorithm::EdDSA,
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
            Self::RS384 => jsonwebtoken::Algorithm::RS384,
            Self::RS512 => jsonwebtoken::Algorithm::RS512,
            Self::PS256 => jsonwebtoken::Algorithm::PS256,
            Self::PS384 => jsonwebtoken::Algorithm::PS384,
            Self::PS512 => jsonwebtoken::Algorithm::PS512,
            Self::HS256 => jsonwebtoken::Algorithm::HS256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_parsed_from_its_name() {
        for algorithm in Algorithm::ASYMMETRIC.into_iter().chain([Algorithm::HS256]) {
            assert_eq!(Algorithm::parse(algorithm.name()), Some(algorithm));
        }
        assert_eq!(Algorithm::parse("Ed25519"), Some(Algorithm::EdDSA));
        for unsupported in ["none", "ES512", "ES256K", "HS512", "RSA-OAEP", "es256", ""] {
            assert_eq!(Algorithm::parse(unsupported), None, "{unsupported}");
        }
    }
}
