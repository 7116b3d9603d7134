//! Cookies that recognize a browser in which a user has signed in before.

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{domain::User, keys::derive_key};

/// Issues and verifies the cookies of known devices.
///
/// A cookie has an entry for each user who signed in in this browser. It authenticates nobody: it
/// only gives the attempts of that user a rate limit of their own, so that others who guess the
/// password cannot lock the user out.
pub struct KnownDevices(hmac::Key);

/// A device that a genuine cookie names. Whether it still is one of the user is for
/// [`KnownDevices::belongs_to`] to say.
#[derive(Clone, Copy, Debug)]
pub struct KnownDevice {
    id: [u8; 16],
    user: [u8; 16],
}

/// How long a cookie is valid after a sign-in.
pub const KNOWN_DEVICE_TTL_SECONDS: i64 = 90 * 86_400;

/// Maximum number of users whom one browser is known to. The least recent one is forgotten.
const MAX_USERS: usize = 4;

/// An entry of a cookie. All tags are HMACs, so the cookie reveals no user name.
#[derive(Clone, Copy)]
struct Entry {
    /// Tag of the user name, to find the entry of an attempt without the database.
    name: [u8; 16],
    /// Random. A new one at each sign-in, so that a copy of an earlier cookie cannot use up the
    /// attempts of this one.
    device: [u8; 16],
    /// Seconds since 1970.
    exp: i64,
    /// Tag of the account, its password hash and its device generation. It is wrong after the
    /// events that end known devices.
    user: [u8; 16],
    /// Tag of all other members.
    tag: [u8; 16],
}

impl Entry {
    const BYTES: usize = 72;

    fn parse(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let (name, rest) = bytes.split_first_chunk()?;
        let (device, rest) = rest.split_first_chunk()?;
        let (exp, rest) = rest.split_first_chunk()?;
        let (user, rest) = rest.split_first_chunk()?;
        let (tag, _) = rest.split_first_chunk()?;
        let exp = i64::from_be_bytes(*exp);
        Some(Self { name: *name, device: *device, exp, user: *user, tag: *tag })
    }

    fn bytes(&self) -> Vec<u8> {
        [&self.name[..], &self.device, &self.exp.to_be_bytes(), &self.user, &self.tag].concat()
    }
}

impl KnownDevices {
    pub fn new(installation_secret: &[u8; 32]) -> Self {
        Self(derive_key(installation_secret, "known devices"))
    }

    /// Returns the device that a cookie names for the user of this normalized name, if the entry is
    /// genuine and has not expired. This takes the same work for every name and asks no database.
    pub fn find(&self, cookie: &str, username: &str, now: i64) -> Option<KnownDevice> {
        let name = self.name_tag(username);
        let entry = self.entries(cookie, now).into_iter().find(|entry| entry.name == name)?;
        Some(KnownDevice { id: entry.device, user: entry.user })
    }

    /// Returns whether the device is one of this user, and the user's password has not changed
    /// since.
    pub fn belongs_to(&self, device: &KnownDevice, user: &User) -> bool {
        constant_time::verify_slices_are_equal(&device.user, &self.user_tag(user)).is_ok()
    }

    /// Returns the cookie of a browser in which `user` has signed in. It keeps the valid entries of
    /// other users in `cookie`.
    pub fn issue(&self, cookie: &str, user: &User, device: [u8; 16], now: i64) -> String {
        let exp = now + KNOWN_DEVICE_TTL_SECONDS;
        let (name, user) = (self.name_tag(&user.username), self.user_tag(user));
        let tag = self.entry_tag(&name, &device, exp, &user);
        let others = self.entries(cookie, now).into_iter().filter(|entry| entry.name != name);
        let entries = std::iter::once(Entry { name, device, exp, user, tag }).chain(others);
        let bytes: Vec<u8> = entries.take(MAX_USERS).flat_map(|entry| entry.bytes()).collect();
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the genuine entries that have not expired.
    fn entries(&self, cookie: &str, now: i64) -> Vec<Entry> {
        if cookie.len() > MAX_USERS * Entry::BYTES * 4 / 3 {
            return Vec::new();
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cookie).unwrap_or_default();
        let (entries, _) = bytes.as_chunks::<{ Entry::BYTES }>();
        let is_valid = |entry: &Entry| {
            let Entry { name, device, exp, user, tag } = entry;
            let expected = self.entry_tag(name, device, *exp, user);
            constant_time::verify_slices_are_equal(tag, &expected).is_ok() && now < *exp
        };
        entries.iter().filter_map(Entry::parse).filter(is_valid).collect()
    }

    fn name_tag(&self, username: &str) -> [u8; 16] {
        self.tag("name", &[username.as_bytes()])
    }

    fn user_tag(&self, user: &User) -> [u8; 16] {
        let generation = user.device_generation.to_be_bytes();
        self.tag("user", &[user.sub.as_bytes(), user.password.cache_key(), &generation])
    }

    fn entry_tag(&self, name: &[u8], device: &[u8], exp: i64, user: &[u8]) -> [u8; 16] {
        self.tag("entry", &[name, device, &exp.to_be_bytes(), user])
    }

    fn tag(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut tag = [0; 16];
        tag.copy_from_slice(&context.sign().as_ref()[..16]);
        tag
    }
}

impl KnownDevice {
    /// Returns the subject of this device's rate limit.
    pub fn rate_limit_subject(&self, user: &User) -> String {
        let id: String = self.id.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}/{id}", user.sub)
    }
}

#[cfg(test)]
mod tests {
    use oauth_types::StandardClaims;

    use super::*;
    use crate::domain::{Attributes, SecretHash};

    fn devices() -> KnownDevices {
        KnownDevices::new(&[1; 32])
    }

    fn user(name: &str) -> User {
        User {
            sub: format!("sub-of-{name}"),
            username: name.to_owned(),
            password: SecretHash::Argon2id("$argon2id$one".to_owned()),
            claims: StandardClaims::default(),
            enabled: true,
            attributes: Attributes::default(),
            device_generation: 0,
        }
    }

    fn is_known(cookie: &str, user: &User, now: i64) -> bool {
        let found = devices().find(cookie, &user.username, now);
        found.is_some_and(|device| devices().belongs_to(&device, user))
    }

    #[test]
    fn device_is_known_to_the_user_who_signed_in_until_it_expires() {
        let cookie = devices().issue("", &user("alice"), [7; 16], 1_000);
        let end = 1_000 + KNOWN_DEVICE_TTL_SECONDS;
        assert!(is_known(&cookie, &user("alice"), 1_000));
        assert!(is_known(&cookie, &user("alice"), end - 1));
        assert!(!is_known(&cookie, &user("alice"), end));
        assert!(!is_known(&cookie, &user("bob"), 1_000));
        assert!(!is_known("", &user("alice"), 1_000));
        let other_installation = KnownDevices::new(&[2; 32]);
        assert!(other_installation.find(&cookie, "alice", 1_000).is_none());
    }

    #[test]
    fn new_password_hash_generation_or_account_ends_known_devices() {
        let cookie = devices().issue("", &user("alice"), [7; 16], 0);
        let changed = SecretHash::Argon2id("$argon2id$two".to_owned());
        assert!(!is_known(&cookie, &User { password: changed, ..user("alice") }, 0));
        assert!(!is_known(&cookie, &User { device_generation: 1, ..user("alice") }, 0));
        assert!(!is_known(&cookie, &User { sub: "new".to_owned(), ..user("alice") }, 0));
    }

    #[test]
    fn changed_and_shortened_cookies_are_not_genuine() {
        let cookie = devices().issue("", &user("alice"), [7; 16], 0);
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&cookie).unwrap();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            let changed = BASE64_URL_SAFE_NO_PAD.encode(changed);
            assert!(devices().find(&changed, "alice", 0).is_none(), "byte {position}");
        }
        for length in 0..cookie.len() {
            assert!(devices().find(&cookie[..length], "alice", 0).is_none(), "length {length}");
        }
        assert!(devices().find(&"A".repeat(65_000), "alice", 0).is_none());
    }

    #[test]
    fn browser_is_known_to_the_last_four_users() {
        let names = ["a", "b", "c", "d", "e"];
        let mut cookie = String::new();
        for (now, name) in (0..).zip(names) {
            cookie = devices().issue(&cookie, &user(name), [7; 16], now);
        }
        let known: Vec<&str> =
            names.into_iter().filter(|name| is_known(&cookie, &user(name), 10)).collect();
        assert_eq!(known, ["b", "c", "d", "e"]);
        assert_eq!(cookie.len(), MAX_USERS * Entry::BYTES * 4 / 3);
        let again = devices().issue(&cookie, &user("c"), [8; 16], 10);
        assert_eq!(again.len(), cookie.len(), "one entry for each user");
    }

    #[test]
    fn each_sign_in_makes_a_device_with_a_rate_limit_of_its_own() {
        let first = devices().issue("", &user("alice"), [7; 16], 0);
        let second = devices().issue(&first, &user("alice"), [8; 16], 1);
        let subject = |cookie: &str| {
            devices().find(cookie, "alice", 1).unwrap().rate_limit_subject(&user("alice"))
        };
        assert_ne!(subject(&first), subject(&second));
    }

    #[test]
    fn cookie_contains_no_user_name() {
        let cookie = devices().issue("", &user("alice"), [7; 16], 0);
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&cookie).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"alice"));
    }
}
