use oauth_types::{Claims, Scope};
use serde_json::Value;

use crate::error::VerifyError;

/// Where a token has its scope, and what the issuer calls the scopes of the resource server.
#[derive(Clone, Debug)]
pub(crate) struct ScopeClaims {
    /// The first of these claims that a token has is its scope.
    pub(crate) claims: Vec<String>,
    /// The issuer's name of a scope, and that of the resource server.
    pub(crate) names: Vec<(String, String)>,
}

impl Default for ScopeClaims {
    /// `scope` is that of RFC 9068 §2.2.3, and `scp` that of Entra ID and Okta.
    fn default() -> Self {
        Self { claims: ["scope", "scp"].map(str::to_owned).to_vec(), names: Vec::new() }
    }
}

impl ScopeClaims {
    /// Returns the scope of a token, with the names of the issuer and those of the resource server.
    ///
    /// Text is a scope as in RFC 6749 §3.3. Of a list, each item is one scope token; of an object,
    /// each member name is (ZITADEL lists roles like this). Items that cannot be scope tokens are
    /// skipped unless they have a name here: an item `"read write"` is not two scopes.
    pub(crate) fn read(&self, claims: &Claims) -> Result<Scope, VerifyError> {
        let Some((name, value)) =
            self.claims.iter().find_map(|name| Some((name, claims.value(name)?)))
        else {
            return Ok(Scope::empty());
        };
        let granted = match value {
            Value::String(text) => text.parse().map_err(|_| VerifyError::wrong_type(name))?,
            Value::Array(list) => {
                let items: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
                return Ok(self.of_items(&items.ok_or_else(|| VerifyError::wrong_type(name))?));
            }
            Value::Object(members) => {
                return Ok(self.of_items(&members.keys().map(String::as_str).collect::<Vec<_>>()));
            }
            _ => return Err(VerifyError::wrong_type(name)),
        };
        let items: Vec<_> = Scope::iter(&granted).collect();
        Ok(self.of_items(&items))
    }

    fn of_items(&self, items: &[&str]) -> Scope {
        let own_names = self
            .names
            .iter()
            .filter(|(of_issuer, _)| items.contains(&of_issuer.as_str()))
            .map(|(_, own)| own.as_str());
        let tokens = items.iter().copied().chain(own_names);
        tokens.filter_map(single_token).fold(Scope::empty(), |scope, token| scope.union(&token))
    }
}

/// Returns a scope of this token, if it is exactly one.
fn single_token(item: &str) -> Option<Scope> {
    let scope: Scope = item.parse().ok()?;
    scope.contains(item).then_some(scope)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(scope_claims: &ScopeClaims, claims: Value) -> Result<String, VerifyError> {
        scope_claims.read(&serde_json::from_value(claims).unwrap()).map(|scope| scope.to_string())
    }

    #[test]
    fn scope_is_text_list_or_object() {
        let default = ScopeClaims::default();
        for (claims, scope) in [
            (json!({ "scope": "a b" }), "a b"),
            (json!({ "scope": ["a", "b"] }), "a b"),
            (json!({ "scp": "a b" }), "a b"),
            (json!({ "scp": ["b", "a", "b"] }), "b a"),
            (json!({ "scp": { "a": { "1": "x" }, "b": {} } }), "a b"),
            (json!({ "roles": ["a"] }), ""),
            (json!({}), ""),
        ] {
            assert_eq!(read(&default, claims.clone()).unwrap(), scope, "{claims}");
        }
    }

    #[test]
    fn first_claim_that_is_present_counts() {
        let default = ScopeClaims::default();
        assert_eq!(read(&default, json!({ "scope": "", "scp": "admin" })).unwrap(), "");
    }

    #[test]
    fn list_item_is_one_scope_token_or_none() {
        let default = ScopeClaims::default();
        let claims = json!({ "scp": ["read write", "F\u{fc}hrung", "", " a", "b"] });
        assert_eq!(read(&default, claims).unwrap(), "b");
    }

    #[test]
    fn other_types_are_rejected() {
        let default = ScopeClaims::default();
        for value in
            [json!(7), json!(true), json!(null), json!([7]), json!(["a", ["b"]]), json!("\"")]
        {
            for name in ["scope", "scp"] {
                assert!(read(&default, json!({ name: value.clone() })).is_err(), "{name} {value}");
            }
        }
    }

    #[test]
    fn scope_of_the_issuer_gets_the_name_of_the_resource_server() {
        let scope_claims = ScopeClaims {
            claims: vec!["roles".to_owned()],
            names: [("Resource Reader", "resource:read"), ("A", "resource:write")]
                .map(|(of_issuer, own)| (of_issuer.to_owned(), own.to_owned()))
                .to_vec(),
        };
        for (roles, scope) in [
            (json!(["Resource Reader", "x"]), "x resource:read"),
            (json!(["A"]), "A resource:write"),
            (json!(["a"]), "a"),
            (json!("A b"), "A b resource:write"),
        ] {
            assert_eq!(read(&scope_claims, json!({ "roles": roles.clone() })).unwrap(), scope);
        }
    }
}
