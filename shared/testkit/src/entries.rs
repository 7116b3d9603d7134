use serde_json::{Map, Value, json};

/// Defines an entry of the seed. Its members are those of the files of the server, so that each of
/// them can be set; the most frequent ones have methods.
macro_rules! entry {
    ($(#[$about:meta])* $name:ident, $id:literal) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq)]
        #[must_use]
        pub struct $name {
            id: String,
            members: Map<String, Value>,
        }

        impl $name {
            #[doc = concat!("An entry with this `", $id, "`.")]
            pub fn new(id: impl Into<String>) -> Self {
                Self { id: id.into(), members: Map::new() }
            }

            #[doc = concat!("Returns the `", $id, "`.")]
            #[must_use]
            pub fn id(&self) -> &str {
                &self.id
            }

            /// Sets any member. The server names unknown ones in its error.
            pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
                self.members.insert(member.to_owned(), value.into());
                self
            }

            /// Returns a member.
            #[must_use]
            pub fn get(&self, member: &str) -> Option<&Value> {
                self.members.get(member)
            }

            /// Sets a member of a member.
            #[allow(dead_code, reason = "not every kind of entry has nested members")]
            fn with_nested(mut self, member: &str, inner: &str, value: Value) -> Self {
                let outer = self.members.entry(member).or_insert_with(|| json!({}));
                if let Value::Object(outer) = outer {
                    outer.insert(inner.to_owned(), value);
                }
                self
            }

            pub(crate) fn from_members(mut members: Map<String, Value>) -> Self {
                let id = match members.remove($id) {
                    Some(Value::String(id)) => id,
                    _ => String::new(),
                };
                Self { id, members }
            }

            pub(crate) fn members(&self) -> &Map<String, Value> {
                &self.members
            }

            /// Returns all members, as the seed has them.
            pub(crate) fn into_members(mut self) -> Map<String, Value> {
                self.members.insert($id.to_owned(), self.id.into());
                self.members
            }
        }
    };
}

entry!(
    /// A user of the seed, with the members of `[[users]]`.
    User,
    "username"
);
entry!(
    /// A client of the seed, with the members of `[[clients]]`.
    Client,
    "client_id"
);
entry!(
    /// A resource of the seed, with the members of `[[resources]]`.
    Resource,
    "identifier"
);

impl User {
    /// The password.
    pub fn password(self, password: &str) -> Self {
        self.with("password", password)
    }

    /// The subject identifier. Without one, the server makes one up.
    pub fn subject(self, sub: &str) -> Self {
        self.with("sub", sub)
    }

    /// A claim of OpenID Connect, such as `email`.
    pub fn claim(self, name: &str, value: impl Into<Value>) -> Self {
        self.with_nested("claims", name, value.into())
    }

    /// An attribute, which custom claims can take.
    pub fn attribute(self, name: &str, value: impl Into<Value>) -> Self {
        self.with_nested("attributes", name, value.into())
    }
}

impl Client {
    /// The secret.
    pub fn secret(self, secret: &str) -> Self {
        self.with("client_secret", secret)
    }

    /// The scopes that the client can get, with spaces between them.
    pub fn scopes(self, scopes: &str) -> Self {
        self.with("scopes", scopes)
    }

    /// The resources that the client can get access tokens for.
    pub fn resources(self, identifiers: &[&str]) -> Self {
        self.with("resources", identifiers)
    }

    /// The redirect URIs, which make it a client that logs users in.
    pub fn redirect_uris(self, uris: &[&str]) -> Self {
        self.with_nested("login", "redirect_uris", json!(uris))
    }

    /// Any other member of `[clients.login]`.
    pub fn login(self, member: &str, value: impl Into<Value>) -> Self {
        self.with_nested("login", member, value.into())
    }
}

impl Resource {
    /// The scopes of the resource, with spaces between them.
    pub fn scopes(self, scopes: &str) -> Self {
        self.with("scopes", scopes)
    }
}
