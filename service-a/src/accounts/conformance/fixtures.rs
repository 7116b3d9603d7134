//! Identities, logins and sessions for the tests.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    accounts::{Email, ExternalIdentity, Identity, LoginPurpose, PendingLogin, Profile, Session},
    random_id::Digest,
};

pub(super) fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("id-{n}")).collect()
}

pub(super) fn digest(text: &str) -> Digest {
    Digest::of(text)
}

pub(super) fn issuer(provider: &str) -> String {
    format!("https://{provider}.example")
}

pub(super) fn email(address: &str, verified: bool) -> Option<Email> {
    Some(Email { address: address.to_owned(), verified })
}

pub(super) fn external(provider: &str, subject: &str, address: Option<&str>) -> ExternalIdentity {
    ExternalIdentity {
        identity: Identity { issuer: issuer(provider), subject: subject.to_owned() },
        provider: provider.to_owned(),
        profile: Profile {
            nickname: Some(subject.to_owned()),
            picture: Some("https://example.com/ada.png".to_owned()),
            email: address.and_then(|address| email(address, true)),
        },
    }
}

/// The network of a browser.
pub(super) const NETWORK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) fn pending(state: &str, expires_at: i64) -> PendingLogin {
    PendingLogin {
        state: digest(state),
        browser: digest("browser"),
        provider: "platform".to_owned(),
        purpose: LoginPurpose::Link,
        session: None,
        sealed_secrets: b"sealed".to_vec(),
        expires_at,
    }
}

/// Session of `a1`, last used at 100, expiring at 1000.
pub(super) fn session(id: &str, sid: &str) -> Session {
    Session {
        id: digest(id),
        account_id: "a1".to_owned(),
        provider: "platform".to_owned(),
        identity: Identity { issuer: issuer("platform"), subject: "ada".to_owned() },
        sid: Some(sid.to_owned()),
        sealed_tokens: b"sealed".to_vec(),
        last_seen_at: 100,
        expires_at: 1_000,
    }
}
