use std::collections::BTreeSet;

use oauth_types::{Scope, StandardClaims};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Client;

/// Names of standard claims that a client requests one by one, besides those of the scope (OpenID
/// Connect Core §5.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestedClaims {
    pub userinfo: BTreeSet<String>,
    pub id_token: BTreeSet<String>,
}

/// The `claims` parameter of an authorization request. What C does not know is ignored, as are the
/// values of claims that describe the user: the client compares them itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimsParameter {
    pub requested: RequestedClaims,
    /// Subjects of which one has to sign in; `None` allows every user.
    pub subjects: Option<Vec<String>>,
    /// Values of an essential `acr`.
    pub essential_acr: Option<Vec<String>>,
    /// The ID token has to contain `auth_time`.
    pub auth_time: bool,
}

impl RequestedClaims {
    /// Returns the part that the client may request: claims that one of its scopes carries. The
    /// parameter gives a client nothing that its registration withholds.
    #[must_use]
    pub fn narrowed_to(&self, client: &Client) -> Self {
        let of_client = |names: &BTreeSet<String>| {
            let is_own = |name: &&String| scope_of(name).is_some_and(|s| client.scopes.contains(s));
            names.iter().filter(is_own).cloned().collect()
        };
        Self { userinfo: of_client(&self.userinfo), id_token: of_client(&self.id_token) }
    }

    /// Returns the names that no scope of the request carries. The user is asked for each of them.
    pub fn beyond(&self, scope: &Scope) -> BTreeSet<String> {
        let all = self.userinfo.union(&self.id_token);
        all.filter(|name| !scope_of(name).is_some_and(|own| scope.contains(own))).cloned().collect()
    }
}

/// Returns the claims that the scope carries, and those with these names.
pub fn released_claims(
    claims: &StandardClaims,
    scope: &Scope,
    names: &BTreeSet<String>,
) -> StandardClaims {
    let members = |claims: StandardClaims| match serde_json::to_value(claims) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let mut released = members(claims.for_scope(scope));
    let all = members(claims.clone().without_empty());
    released.extend(all.into_iter().filter(|(name, _)| names.contains(name)));
    serde_json::from_value(Value::Object(released)).unwrap_or_default()
}

/// Returns the scope that carries a standard claim (OpenID Connect Core §5.4).
fn scope_of(claim: &str) -> Option<&'static str> {
    match claim {
        "email" | "email_verified" => Some("email"),
        "phone_number" | "phone_number_verified" => Some("phone"),
        "address" => Some("address"),
        name if StandardClaims::NAMES.contains(&name) => Some("profile"),
        _ => None,
    }
}

impl ClaimsParameter {
    /// Parses the parameter.
    ///
    /// # Errors
    /// Returns what is malformed.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Ok(Value::Object(members)) = serde_json::from_str(text) else {
            return Err("claims is not a JSON object");
        };
        let mut parsed = Self::default();
        for (target, is_id_token) in [("userinfo", false), ("id_token", true)] {
            let requests = match members.get(target) {
                None | Some(Value::Null) => continue,
                Some(Value::Object(requests)) => requests,
                Some(_) => return Err("claims: userinfo and id_token are objects"),
            };
            for (name, request) in requests {
                parsed.add(name, &ClaimRequest::parse(request)?, is_id_token);
            }
        }
        Ok(parsed)
    }

    fn add(&mut self, name: &str, request: &ClaimRequest, is_id_token: bool) {
        match name {
            "sub" => {
                if let Some(subjects) = request.texts() {
                    let both = |before: Vec<String>| {
                        before.into_iter().filter(|sub| subjects.contains(sub)).collect()
                    };
                    self.subjects = Some(self.subjects.take().map_or(subjects.clone(), both));
                }
            }
            "acr" if is_id_token && request.essential => self.essential_acr = request.texts(),
            // A voluntary request would let pairwise clients join users by exact times.
            "auth_time" if is_id_token && request.essential => self.auth_time = true,
            _ if scope_of(name).is_some() => {
                let Self { requested: RequestedClaims { userinfo, id_token }, .. } = self;
                let names = if is_id_token { id_token } else { userinfo };
                names.insert(name.to_owned());
            }
            _ => {}
        }
    }
}

/// How a single claim is requested (§5.5.1).
struct ClaimRequest {
    essential: bool,
    values: Option<Vec<Value>>,
}

impl ClaimRequest {
    fn parse(request: &Value) -> Result<Self, &'static str> {
        let members = match request {
            Value::Null => return Ok(Self { essential: false, values: None }),
            Value::Object(members) => members,
            _ => return Err("claims: a claim is requested by null or an object"),
        };
        let essential = match members.get("essential") {
            None => false,
            Some(Value::Bool(essential)) => *essential,
            Some(_) => return Err("claims: essential is true or false"),
        };
        let values = match (members.get("value"), members.get("values")) {
            (Some(_), Some(_)) => return Err("claims: value and values exclude each other"),
            (Some(value), None) => Some(vec![value.clone()]),
            (None, Some(Value::Array(values))) if !values.is_empty() => Some(values.clone()),
            (None, Some(_)) => return Err("claims: values is a list with at least one value"),
            (None, None) => None,
        };
        Ok(Self { essential, values })
    }

    /// Returns the requested values that are text. `sub` and `acr` have no others.
    fn texts(&self) -> Option<Vec<String>> {
        let values = self.values.as_ref()?;
        Some(values.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: &Value) -> Result<ClaimsParameter, &'static str> {
        ClaimsParameter::parse(&value.to_string())
    }

    #[test]
    fn malformed_claims_parameter_is_rejected() {
        assert!(ClaimsParameter::parse("{").is_err());
        for value in [
            json!([]),
            json!({ "userinfo": ["email"] }),
            json!({ "id_token": { "email": true } }),
            json!({ "id_token": { "email": { "essential": "yes" } } }),
            json!({ "id_token": { "acr": { "values": "1" } } }),
            json!({ "id_token": { "acr": { "values": [] } } }),
            json!({ "id_token": { "acr": { "value": "1", "values": ["1"] } } }),
        ] {
            assert!(parse(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn claims_parameter_has_names_subjects_and_acr() {
        let parsed = parse(&json!({
            "userinfo": { "email": null, "sub": { "values": ["a", "b"] }, "unknown": null },
            "id_token": {
                "name": { "essential": true, "x": 1 }, "sub": { "value": "b" },
                "auth_time": { "essential": true },
                "acr": { "essential": true, "values": ["gold"] },
            },
            "other": 1,
        }));
        let parsed = parsed.unwrap();
        let names = |name: &str| BTreeSet::from([name.to_owned()]);
        let requested = RequestedClaims { userinfo: names("email"), id_token: names("name") };
        assert_eq!(parsed.requested, requested);
        assert_eq!(parsed.subjects, Some(vec!["b".to_owned()]));
        assert_eq!(parsed.essential_acr, Some(vec!["gold".to_owned()]));
        assert!(parsed.auth_time);
        assert_eq!(requested.beyond(&"email".parse().unwrap()), names("name"));
        let voluntary = json!({ "id_token": { "acr": { "values": ["gold"] }, "auth_time": null } });
        let voluntary = parse(&voluntary).unwrap();
        assert_eq!(voluntary, ClaimsParameter::default());
    }

    #[test]
    fn claims_parameter_gives_nothing_beyond_the_scopes_of_the_client() {
        let scopes = "openid email".parse().unwrap();
        let client = Client { scopes, ..Client::without_access("a") };
        let names = ["email", "name"].map(str::to_owned).into();
        let requested = RequestedClaims { userinfo: names, ..RequestedClaims::default() };
        let narrowed = requested.narrowed_to(&client);
        assert_eq!(narrowed.userinfo, BTreeSet::from(["email".to_owned()]));
    }
}
