use oauth_types::{Audience, Claims, Scope, StandardClaims, same_resource};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Unexpected},
};
use serde_json::Value;

use super::{Attributes, Client, ConsentedClaims, SubjectType, User};
use crate::typed_json::JsonProblem;

/// Maximum size of a constant, as JSON, in bytes.
const MAX_CONSTANT_BYTES: usize = 4_096;

/// Names that tokens and responses define, besides the standard claims about a user (RFC 7519 §4.1,
/// RFC 7662 §2.2, RFC 7800, RFC 8693 §4, RFC 9068 §2.2, OpenID Connect Core §2, §5.6.2, and its
/// logout specifications). `scp` is the scope of other issuers, which resource servers read.
const RESERVED: [&str; 33] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "active",
    "scope",
    "scp",
    "client_id",
    "username",
    "token_type",
    "act",
    "may_act",
    "cnf",
    "auth_time",
    "acr",
    "amr",
    "nonce",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "events",
    "sub_jwk",
    "sub_id",
    "typ",
    "token_use",
    "_claim_names",
    "_claim_sources",
    "authorization_details",
];

/// A claim that the operator defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomClaim {
    pub name: String,
    pub from: ClaimSource,
    #[serde(rename = "in")]
    pub targets: Vec<ClaimTarget>,
    /// Only with this scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Only in access tokens for this resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// Where the value of a claim comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ClaimSource {
    /// `user.NAME` or `client.NAME`: an attribute, or a member of one (`user.org.unit`).
    Attribute(String),
    Constant(ConstantValue),
}

/// A value that is the same in every token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConstantValue {
    pub value: Value,
}

const SOURCES: &str = "`user.NAME`, `client.NAME`, or an object with `value`";

impl<'de> Deserialize<'de> for ClaimSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(path) => Ok(Self::Attribute(path)),
            Value::Object(mut members) if members.len() == 1 => match members.remove("value") {
                Some(value) => Ok(Self::Constant(ConstantValue { value })),
                None => Err(D::Error::invalid_value(Unexpected::Map, &SOURCES)),
            },
            _ => Err(D::Error::invalid_value(Unexpected::Other("value"), &SOURCES)),
        }
    }
}

/// Where a claim is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimTarget {
    AccessToken,
    IdToken,
    Userinfo,
    Introspection,
}

/// The claims of the settings, in their order, and the scopes that only carry claims.
#[derive(Clone, Debug, Default)]
pub struct CustomClaims {
    claims: Vec<CustomClaim>,
    scopes: Scope,
}

/// Input of [`CustomClaims::values`].
#[derive(Clone, Copy, Debug)]
pub struct ClaimContext<'a> {
    pub target: ClaimTarget,
    pub client: &'a Client,
    /// The user, if the token is for one.
    pub user: Option<&'a User>,
    /// The claims about the user that the user agreed to give away.
    pub consented: &'a ConsentedClaims,
    pub scope: &'a Scope,
    /// The audience of the access token.
    pub audience: Option<&'a Audience>,
}

impl CustomClaim {
    /// Checks what does not depend on other settings.
    ///
    /// # Errors
    /// Returns what is wrong.
    pub fn check(&self) -> Result<(), JsonProblem> {
        let reject = |member: &str, problem: String, expected: &str| {
            let text = format!("claims: `{}`: {problem}", self.name);
            Err(JsonProblem::new(format!("/{member}"), text).expecting(expected))
        };
        if self.name.is_empty() {
            return reject("name", "the name is empty".to_owned(), "a name");
        }
        if is_reserved(&self.name) {
            let text = "the name is reserved by OAuth 2.0 or OpenID Connect; use another";
            return reject("name", text.to_owned(), "another name");
        }
        if self.targets.is_empty() {
            let text = "in: is empty; list access_token, id_token, userinfo or introspection";
            return reject("in", text.to_owned(), "at least one of them");
        }
        match &self.from {
            ClaimSource::Attribute(path) if !is_attribute_path(path) => {
                let text = format!(
                    "from: `{path}` is neither user.NAME nor client.NAME; write a constant as a \
                     table with `value`"
                );
                return reject("from", text, SOURCES);
            }
            ClaimSource::Constant(ConstantValue { value })
                if value.to_string().len() > MAX_CONSTANT_BYTES =>
            {
                let text = format!("from: has more than {MAX_CONSTANT_BYTES} bytes as JSON");
                return reject("from", text, "a shorter value");
            }
            _ => {}
        }
        let has = |target| self.targets.contains(&target);
        let at_resource = has(ClaimTarget::AccessToken) || has(ClaimTarget::Introspection);
        if self.is_of_user() && at_resource && self.scope.is_none() && self.resource.is_none() {
            let text = "an attribute of the user in access tokens or introspection requires a scope or \
                        a resource, so that not every resource server receives it";
            return reject("scope", text.to_owned(), "a scope, or `resource` in its place");
        }
        if self.resource.is_some() && (has(ClaimTarget::IdToken) || has(ClaimTarget::Userinfo)) {
            let text = "resource: applies to access_token and introspection; write a second [[claims]] \
                        for id_token and userinfo";
            return reject("resource", text.to_owned(), "no such member");
        }
        Ok(())
    }

    fn is_of_user(&self) -> bool {
        matches!(&self.from, ClaimSource::Attribute(path) if path.starts_with("user."))
    }

    fn applies(&self, context: &ClaimContext<'_>) -> bool {
        let in_scope = self.scope.as_ref().is_none_or(|scope| context.scope.contains(scope));
        let at_resource = self
            .resource
            .as_ref()
            .is_none_or(|own| context.audience.is_some_and(|audience| audience.contains(own)));
        // Without a scope the user has not been asked, and an attribute may identify the user.
        let is_withheld = self.is_of_user() && self.scope.is_none() && is_pairwise(context.client);
        let is_released = !self.is_of_user() || self.is_consented(context.consented);
        let has_target = self.targets.contains(&context.target);
        has_target && in_scope && at_resource && !is_withheld && is_released
    }

    /// Returns whether the user agreed to it, for the scope or resource that gives it away.
    fn is_consented(&self, consented: &ConsentedClaims) -> bool {
        match (&self.scope, &self.resource) {
            (Some(scope), _) => consented.has_of_scope(scope, &self.name),
            (None, Some(resource)) => consented.has_of_resource(resource, &self.name),
            (None, None) => consented.has_of_scope("openid", &self.name),
        }
    }

    /// Returns the value, which is never null or an empty string (OpenID Connect Core §5.3.2).
    fn value(&self, client: &Client, user: Option<&User>) -> Option<Value> {
        let value = match &self.from {
            ClaimSource::Constant(ConstantValue { value }) => Some(value),
            ClaimSource::Attribute(path) => {
                let (of, path) = path.split_once('.')?;
                let path: Vec<String> = path.split('.').map(str::to_owned).collect();
                let attributes: &Attributes = match of {
                    "user" => &user?.attributes,
                    _ => &client.attributes,
                };
                attributes.get(&path)
            }
        };
        value.filter(|value| !value.is_null() && value.as_str() != Some("")).cloned()
    }
}

impl CustomClaims {
    pub fn new(claims: Vec<CustomClaim>) -> Self {
        Self { claims, scopes: Scope::empty() }
    }

    /// Returns the claims with scopes that no resource has, as none has `profile`.
    #[must_use]
    pub fn with_scopes(self, scopes: Scope) -> Self {
        Self { scopes, ..self }
    }

    /// Returns whether a scope only carries claims.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// Returns the scopes that only carry claims.
    pub fn scopes(&self) -> &Scope {
        &self.scopes
    }

    /// Returns the claims for a token or a response. Of several with one name, the first one that
    /// has a value counts.
    pub fn values(&self, context: &ClaimContext<'_>) -> Claims {
        let mut values = Claims::default();
        for claim in self.claims.iter().filter(|claim| claim.applies(context)) {
            if values.contains(&claim.name) {
                continue;
            }
            if let Some(value) = claim.value(context.client, context.user) {
                values.insert(&claim.name, value);
            }
        }
        values
    }

    /// Returns whether a target has custom claims.
    pub fn are_used_in(&self, target: ClaimTarget) -> bool {
        self.claims.iter().any(|claim| claim.targets.contains(&target))
    }

    /// Returns whether a target needs the user's attributes.
    pub fn need_user(&self, target: ClaimTarget) -> bool {
        self.claims.iter().any(|claim| claim.is_of_user() && claim.targets.contains(&target))
    }

    /// Returns the names of the claims that apply, also of those without a value.
    pub fn names(&self, context: &ClaimContext<'_>) -> Vec<&str> {
        let applying = self.claims.iter().filter(|claim| claim.applies(context));
        applying.map(|claim| claim.name.as_str()).collect()
    }

    /// Returns the names of the claims that clients can receive, for `claims_supported`.
    pub fn names_for_clients(&self) -> impl Iterator<Item = &str> {
        let is_for_clients = |claim: &&CustomClaim| {
            [ClaimTarget::IdToken, ClaimTarget::Userinfo]
                .iter()
                .any(|target| claim.targets.contains(target))
        };
        self.claims.iter().filter(is_for_clients).map(|claim| claim.name.as_str())
    }

    /// Returns the names of the claims about the user that a scope gives away. Those without scope
    /// belong to `openid`.
    pub fn names_of_scope(&self, scope: &str) -> Vec<String> {
        self.names_of_user(|claim| match (&claim.scope, &claim.resource) {
            (Some(own), _) => own == scope,
            (None, None) => scope == "openid",
            (None, Some(_)) => false,
        })
    }

    /// Returns the names of the claims about the user that a resource receives with any scope.
    pub fn names_of_resource(&self, resource: &str) -> Vec<String> {
        let is_own = |own: &String| same_resource(own, resource);
        self.names_of_user(|claim| {
            claim.scope.is_none() && claim.resource.as_ref().is_some_and(is_own)
        })
    }

    /// Returns the claims about the user that a scope and resources give away.
    pub fn of_access<'a>(
        &self,
        scope: &'a Scope,
        resources: impl Iterator<Item = &'a str>,
    ) -> ConsentedClaims {
        ConsentedClaims::new(
            scope.iter().map(|scope| (scope.to_owned(), self.names_of_scope(scope))),
            resources.map(|one| (one.to_owned(), self.names_of_resource(one))),
        )
    }

    fn names_of_user(&self, matches: impl Fn(&CustomClaim) -> bool) -> Vec<String> {
        let found = self.claims.iter().filter(|claim| claim.is_of_user() && matches(claim));
        let mut names: Vec<_> = found.map(|claim| claim.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn is_pairwise(client: &Client) -> bool {
    client.login.as_ref().is_some_and(|login| login.subject_type == SubjectType::Pairwise)
}

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || StandardClaims::NAMES.contains(&name) || name.ends_with("_verified")
}

fn is_attribute_path(path: &str) -> bool {
    let mut parts = path.split('.');
    matches!(parts.next(), Some("user" | "client"))
        && path.contains('.')
        && parts.all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;
    use crate::domain::{SecretHash, UserLoginConfig};

    fn claim(value: Value) -> CustomClaim {
        from_value(value).unwrap()
    }

    fn client() -> Client {
        let attributes = from_value(json!({ "tenant": "north", "empty": "" })).unwrap();
        Client { attributes, ..Client::without_access("a") }
    }

    #[test]
    fn reserved_names_are_rejected_and_those_of_rfc_9068_are_allowed() {
        let named = |name: &str| {
            claim(json!({ "name": name, "from": "client.x", "in": ["access_token"] })).check()
        };
        let reserved =
            ["iss", "scope", "scp", "cnf", "act", "email", "address", "age_verified", "active"];
        for name in reserved {
            assert!(named(name).unwrap_err().description.contains("reserved"), "{name}");
        }
        for name in ["roles", "groups", "entitlements", "https://example.com/tier"] {
            assert_eq!(named(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn claims_that_make_no_sense_are_rejected() {
        for (value, expected) in [
            (json!({ "from": "roles", "in": ["id_token"] }), "neither user.NAME nor client.NAME"),
            (json!({ "from": "user", "in": ["id_token"] }), "neither"),
            (json!({ "from": "user..a", "in": ["id_token"] }), "neither"),
            (json!({ "from": "user.a", "in": [] }), "in: is empty"),
            (json!({ "from": "user.a", "in": ["access_token"] }), "requires a scope or a resource"),
            (json!({ "from": "user.a", "in": ["introspection"] }), "requires a scope"),
            (json!({ "from": "user.a", "in": ["id_token"], "resource": "http://b" }), "second"),
            (json!({ "from": { "value": "x".repeat(5_000) }, "in": ["id_token"] }), "bytes"),
        ] {
            let mut value = value;
            value["name"] = json!("roles");
            let problem = claim(value).check().unwrap_err().description;
            assert!(
                problem.starts_with("claims: `roles`: ") && problem.contains(expected),
                "{problem}"
            );
        }
    }

    #[test]
    fn claim_depends_on_target_scope_and_resource() {
        let claims = CustomClaims::new(vec![claim(
            json!({ "name": "tenant", "from": "client.tenant", "in": ["access_token"],
                          "scope": "read", "resource": "http://b" }),
        )]);
        let values = |target, scope: &str, resource: Option<&str>| {
            let (client, scope) = (client(), scope.parse().unwrap());
            let audience = resource.map(|resource| Audience::new([resource]));
            let audience = audience.as_ref();
            let consented = &ConsentedClaims::default();
            let client = &client;
            claims.values(&ClaimContext {
                target,
                client,
                user: None,
                consented,
                scope: &scope,
                audience,
            })
        };
        let found = values(ClaimTarget::AccessToken, "read", Some("http://b/"));
        assert_eq!(found.text("tenant"), Some("north"));
        for (target, scope, resource) in [
            (ClaimTarget::IdToken, "read", Some("http://b")),
            (ClaimTarget::AccessToken, "write", Some("http://b")),
            (ClaimTarget::AccessToken, "read", Some("http://c")),
            (ClaimTarget::AccessToken, "read", None),
        ] {
            assert!(values(target, scope, resource).is_empty(), "{target:?} {scope} {resource:?}");
        }
    }

    #[test]
    fn pairwise_client_gets_attributes_of_the_user_only_by_scope() {
        let attributes = from_value(json!({ "number": 7 })).unwrap();
        let user = User {
            sub: "s".to_owned(),
            username: "alice".to_owned(),
            password: SecretHash::Argon2id(String::new()),
            claims: StandardClaims::default(),
            attributes,
            enabled: true,
            device_generation: 0,
        };
        let names = |subject_type, from: &str, scope: Option<&str>| {
            let claims = CustomClaims::new(vec![claim(
                json!({ "name": "n", "from": from, "in": ["id_token"], "scope": scope }),
            )]);
            let login = UserLoginConfig { subject_type, ..UserLoginConfig::default() };
            let client = Client { login: Some(login), ..client() };
            let context = ClaimContext {
                target: ClaimTarget::IdToken,
                client: &client,
                user: Some(&user),
                consented: &claims.of_access(&"openid read".parse().unwrap(), [].into_iter()),
                scope: &"openid read".parse().unwrap(),
                audience: None,
            };
            let names = claims.names(&context).len();
            assert_eq!(claims.values(&context).iter().count(), names);
            names
        };
        let (public, pairwise) = (SubjectType::Public, SubjectType::Pairwise);
        assert_eq!(names(pairwise, "user.number", None), 0);
        assert_eq!(names(pairwise, "user.number", Some("read")), 1);
        assert_eq!(names(pairwise, "client.tenant", None), 1);
        assert_eq!(names(public, "user.number", None), 1);
    }

    #[test]
    fn missing_values_are_omitted_and_the_first_one_counts() {
        let of = |from: Value| claim(json!({ "name": "t", "from": from, "in": ["id_token"] }));
        let value = |sources: Vec<Value>| {
            let claims = CustomClaims::new(sources.into_iter().map(of).collect());
            let (client, scope, target) = (client(), Scope::empty(), ClaimTarget::IdToken);
            let context = ClaimContext {
                target,
                client: &client,
                user: None,
                consented: &ConsentedClaims::default(),
                scope: &scope,
                audience: None,
            };
            claims.values(&context).value("t").cloned()
        };
        assert_eq!(value(vec![json!("client.none"), json!("user.t")]), None);
        assert_eq!(
            value(vec![json!("client.empty"), json!("client.tenant")]),
            Some(json!("north"))
        );
        assert_eq!(value(vec![json!({ "value": [1] }), json!("client.tenant")]), Some(json!([1])));
    }
}
