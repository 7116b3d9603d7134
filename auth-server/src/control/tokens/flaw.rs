use super::request::TokenKind;
use crate::{control::ControlError, domain::Algorithm};

/// A way in which a token is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The signature does not match.
    Signature,
    /// The `kid` is not in the key set; the signature is right.
    UnknownKid,
    /// The header has no `kid`.
    NoKid,
    /// Another key signed, under the `kid` of this server's key.
    ForeignKey,
    /// `alg` is `none`, and the signature is empty (RFC 8725 §2.1).
    AlgNone,
    /// HMAC with the published key as the secret (RFC 8725 §2.1).
    Hs256WithPublicKey,
    /// The header names an extension that nobody implements in `crit` (RFC 7515 §4.1.11).
    CriticalHeader,
    /// The `typ` of another kind of token.
    WrongTyp,
    WrongIssuer,
    WrongAudience,
    NotYetValid,
    NoExp,
    Expired,
    NoSub,
    MissingScope,
    WrongNonce,
    WrongAtHash,
    /// A logout token without its event.
    NoEvents,
    /// A logout token with a nonce, which only ID tokens have.
    WithNonce,
    /// A logout token with neither `sub` nor `sid`.
    NoSubject,
    NoIat,
    NoJti,
    /// The token was exchanged before.
    Used,
    Revoked,
}

/// The part of a token that a flaw changes. At most one flaw is of [`FlawTarget::Signature`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlawTarget {
    Claims,
    Header,
    Signature,
    /// What the server stores about the token.
    Storage,
}

/// Rejects the flaw that needs a public key if the token is signed with a shared secret.
///
/// # Errors
/// Returns an error that names the flaws.
pub fn ensure_public_key(flaws: &[Flaw], algorithm: Algorithm) -> Result<(), ControlError> {
    if algorithm == Algorithm::HS256 && flaws.contains(&Flaw::Hs256WithPublicKey) {
        let text = "a token signed with HS256 has no public key";
        return Err(ControlError::invalid(text).at("/flaws").expecting("another flaw"));
    }
    Ok(())
}

impl Flaw {
    const ALL: [(&str, Self); 24] = [
        ("signature", Self::Signature),
        ("unknown_kid", Self::UnknownKid),
        ("no_kid", Self::NoKid),
        ("foreign_key", Self::ForeignKey),
        ("alg_none", Self::AlgNone),
        ("hs256_with_public_key", Self::Hs256WithPublicKey),
        ("critical_header", Self::CriticalHeader),
        ("wrong_typ", Self::WrongTyp),
        ("wrong_issuer", Self::WrongIssuer),
        ("wrong_audience", Self::WrongAudience),
        ("not_yet_valid", Self::NotYetValid),
        ("no_exp", Self::NoExp),
        ("expired", Self::Expired),
        ("no_sub", Self::NoSub),
        ("missing_scope", Self::MissingScope),
        ("wrong_nonce", Self::WrongNonce),
        ("wrong_at_hash", Self::WrongAtHash),
        ("no_events", Self::NoEvents),
        ("with_nonce", Self::WithNonce),
        ("no_subject", Self::NoSubject),
        ("no_iat", Self::NoIat),
        ("no_jti", Self::NoJti),
        ("used", Self::Used),
        ("revoked", Self::Revoked),
    ];

    /// Parses the name of a flaw that a token of this kind can have.
    pub fn parse(name: &str, kind: TokenKind) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, flaw)| *flaw).filter(|flaw| flaw.applies_to(kind))
    }

    /// Returns the names of the flaws that a token of this kind can have.
    pub fn names_for(kind: TokenKind) -> Vec<&'static str> {
        let of_kind = Self::ALL.iter().filter(|(_, flaw)| flaw.applies_to(kind));
        of_kind.map(|(name, _)| *name).collect()
    }

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, flaw)| *flaw == self).map_or("", |(name, _)| *name)
    }

    pub fn target(self) -> FlawTarget {
        match self {
            Self::Signature | Self::ForeignKey | Self::AlgNone | Self::Hs256WithPublicKey => {
                FlawTarget::Signature
            }
            Self::UnknownKid | Self::NoKid | Self::CriticalHeader | Self::WrongTyp => {
                FlawTarget::Header
            }
            Self::Used | Self::Revoked => FlawTarget::Storage,
            _ => FlawTarget::Claims,
        }
    }

    /// Returns the parts of the token that the flaw changes: the signature, or members of header
    /// and claims.
    fn changes(self) -> &'static [&'static str] {
        match self {
            Self::Signature | Self::ForeignKey | Self::AlgNone | Self::Hs256WithPublicKey => {
                &["signature"]
            }
            Self::UnknownKid | Self::NoKid => &["kid"],
            Self::CriticalHeader => &["crit"],
            Self::WrongTyp => &["typ"],
            Self::WrongIssuer => &["iss"],
            Self::WrongAudience => &["aud"],
            Self::NotYetValid => &["nbf", "exp"],
            Self::Expired => &["iat", "exp"],
            Self::NoExp => &["exp"],
            Self::NoIat => &["iat"],
            Self::NoSub => &["sub"],
            Self::NoSubject => &["sub", "sid"],
            Self::MissingScope => &["scope"],
            Self::WrongNonce | Self::WithNonce => &["nonce"],
            Self::WrongAtHash => &["at_hash"],
            Self::NoEvents => &["events"],
            Self::NoJti => &["jti"],
            Self::Used | Self::Revoked => &[],
        }
    }

    fn applies_to(self, kind: TokenKind) -> bool {
        let is_of_logout = matches!(
            self,
            Self::NoEvents | Self::WithNonce | Self::NoSubject | Self::NoIat | Self::NoJti
        );
        match kind {
            TokenKind::Access => {
                let of_others = matches!(self, Self::WrongNonce | Self::WrongAtHash | Self::Used);
                !is_of_logout && !of_others
            }
            TokenKind::Id => {
                let of_others = matches!(self, Self::MissingScope | Self::Used | Self::Revoked);
                !is_of_logout && !of_others
            }
            TokenKind::Logout => match self.target() {
                FlawTarget::Claims => !matches!(
                    self,
                    Self::NoSub | Self::MissingScope | Self::WrongNonce | Self::WrongAtHash
                ),
                FlawTarget::Header | FlawTarget::Signature => true,
                FlawTarget::Storage => false,
            },
            TokenKind::Code | TokenKind::Refresh => {
                matches!(self, Self::Expired | Self::Used | Self::Revoked)
            }
        }
    }
}

/// Parses the flaws of a token. Two of them that change the same part of it cannot be combined: the
/// second one would undo the first.
///
/// # Errors
/// Returns an error that names the flaw and those that this kind of token can have.
pub fn parse_flaws(names: &[String], kind: TokenKind) -> Result<Vec<Flaw>, ControlError> {
    let mut flaws: Vec<Flaw> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let at = format!("/flaws/{index}");
        let flaw = Flaw::parse(name, kind).ok_or_else(|| {
            ControlError::invalid(format!("this kind of token has no flaw `{name}`"))
                .at(&*at)
                .expecting(Flaw::names_for(kind).join(", "))
        })?;
        let contradicts = |other: &&Flaw| {
            let others = other.changes();
            flaw.changes().iter().any(|part| others.contains(part))
        };
        if let Some(other) = flaws.iter().find(contradicts) {
            let text = format!("`{name}` and `{}` cannot be combined", other.name());
            return Err(ControlError::invalid(text).at(at).expecting("one of the two"));
        }
        flaws.push(flaw);
    }
    Ok(flaws)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_has_a_name_of_its_own() {
        for (name, flaw) in Flaw::ALL {
            assert_eq!(flaw.name(), name);
        }
    }

    #[test]
    fn flaws_that_would_undo_each_other_cannot_be_combined() {
        let parsed = |names: &[&str], kind| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            parse_flaws(&names, kind)
        };
        for (names, kind) in [
            (["expired", "no_exp"], TokenKind::Access),
            (["no_exp", "expired"], TokenKind::Id),
            (["not_yet_valid", "expired"], TokenKind::Access),
            (["unknown_kid", "no_kid"], TokenKind::Access),
            (["signature", "alg_none"], TokenKind::Access),
            (["no_iat", "expired"], TokenKind::Logout),
        ] {
            let error = parsed(&names, kind).unwrap_err().to_string();
            let [first, second] = names;
            assert_eq!(error, format!("/flaws/1: `{second}` and `{first}` cannot be combined"));
        }
        let all = ["foreign_key", "unknown_kid", "wrong_typ", "wrong_issuer", "expired", "no_sub"];
        assert_eq!(parsed(&all, TokenKind::Access).map(|flaws| flaws.len()), Ok(6));
        assert_eq!(
            parsed(&["used", "revoked"], TokenKind::Refresh).map(|flaws| flaws.len()),
            Ok(2)
        );
    }

    #[test]
    fn flaws_of_another_kind_of_token_are_unknown() {
        assert_eq!(Flaw::parse("wrong_nonce", TokenKind::Id), Some(Flaw::WrongNonce));
        assert_eq!(Flaw::parse("wrong_nonce", TokenKind::Access), None);
        assert_eq!(Flaw::names_for(TokenKind::Code), ["expired", "used", "revoked"]);
        assert_eq!(Flaw::parse("no_events", TokenKind::Logout), Some(Flaw::NoEvents));
        for (name, kind) in [
            ("no_events", TokenKind::Access),
            ("with_nonce", TokenKind::Id),
            ("no_sub", TokenKind::Logout),
            ("revoked", TokenKind::Logout),
        ] {
            assert_eq!(Flaw::parse(name, kind), None, "{name}");
        }
    }
}
