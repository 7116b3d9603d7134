use std::collections::BTreeMap;

use oauth_types::ErrorCode;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IntoDeserializer, value::StrDeserializer},
};
use serde_json::Value;

use crate::{
    control::{
        ControlError,
        traffic::{
            Authentication, Endpoint, HIDDEN, JournalEntry, Traffic, public_path, public_value,
            truncated,
        },
    },
    typed_json::with_token,
};

/// The methods of requests that browsers and clients send.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/// The requests that an expectation is about. A member that is missing matches any value.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestMatch {
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    endpoint: Option<Endpoint>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    client_id: Option<Nullable<String>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    authentication: Option<Authentication>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    authenticated: Option<bool>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pkce: Option<bool>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    status: Option<Nullable<u16>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    error: Option<Nullable<String>>,
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    fault_id: Option<Nullable<u64>>,
    /// Parameters that the request must have, as they were sent or as the journal writes them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
}

/// A value of the journal, which is `null` if the request has none.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Nullable<T>(Option<T>);

/// Deserializes a member that is there. `null` is no wildcard: it stands for itself.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// How many requests must match.
#[derive(Clone, Copy)]
pub enum Count {
    Exactly(usize),
    AtLeast(usize),
    AtMost(usize),
}

/// A [`Count`] as a body has it: one of the members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountMembers {
    exactly: Option<usize>,
    at_least: Option<usize>,
    at_most: Option<usize>,
}

/// The request that differs least from what was expected.
#[derive(Serialize)]
pub struct Nearest {
    request: JournalEntry,
    /// The members that differ, `fields.NAME` for a parameter.
    differs: Vec<String>,
}

impl RequestMatch {
    /// Returns the members as the journal writes them. Parameters are compared in both ways.
    ///
    /// # Errors
    /// Returns an error if the journal hides the value of a parameter, or if there is no such
    /// method or error.
    pub fn into_recorded(self, traffic: &Traffic) -> Result<Self, ControlError> {
        let is_hidden = |(name, value): &(&String, &String)| {
            *value != HIDDEN && public_value(name, value).is_none()
        };
        if let Some((name, _)) = self.fields.iter().find(is_hidden) {
            let text = format!("the journal hides the value of the parameter `{name}`");
            return Err(ControlError::invalid(text)
                .at(with_token("/match/fields".to_owned(), name))
                .expecting(format!("`{HIDDEN}`, which every request with this parameter has")));
        }
        if let Some(method) = self.method.as_deref().filter(|method| !METHODS.contains(method)) {
            return Err(ControlError::invalid(format!("there is no method `{method}`"))
                .at("/match/method")
                .expecting(METHODS.join(", ")));
        }
        let is_wechat = |code: &str| traffic.authorization.wechat && code.parse::<i64>().is_ok();
        let is_unknown =
            |code: &&str| !is_error_code(code) && !traffic.has_error(code) && !is_wechat(code);
        let error = self.error.as_ref().and_then(|error| error.0.as_deref());
        if let Some(code) = error.filter(is_unknown) {
            return Err(ControlError::invalid(format!("there is no error `{code}`"))
                .at("/match/error")
                .expecting("an error code of OAuth, or one that a fault sends"));
        }
        Ok(Self {
            path: self.path.as_deref().map(public_path),
            client_id: self.client_id.map(|id| Nullable(id.0.as_deref().map(truncated))),
            ..self
        })
    }

    /// Returns whether a request has all members.
    pub fn matches(&self, entry: &JournalEntry) -> bool {
        self.differences(entry).is_empty()
    }

    /// Returns the members in which a request differs.
    fn differences(&self, entry: &JournalEntry) -> Vec<String> {
        let members = |value: Result<Value, _>| match value {
            Ok(Value::Object(members)) => members,
            _ => serde_json::Map::new(),
        };
        let (expected, actual) =
            (members(serde_json::to_value(self)), members(serde_json::to_value(entry)));
        let mut differs: Vec<String> = expected
            .iter()
            .filter(|(name, value)| *name != "fields" && actual.get(*name) != Some(value))
            .map(|(name, _)| name.clone())
            .collect();
        let is_sent = |name: &str, value: &str| {
            entry.fields.get(name).is_some_and(|recorded| {
                recorded == value || public_value(name, value).as_ref() == Some(recorded)
            })
        };
        let other = self.fields.iter().filter(|(name, value)| !is_sent(name, value));
        differs.extend(other.map(|(name, _)| format!("fields.{name}")));
        differs
    }

    /// Returns the request with the fewest differences, the latest of several.
    pub fn nearest(&self, entries: Vec<JournalEntry>) -> Option<Nearest> {
        let different = entries.into_iter().rev().filter_map(|request| {
            let differs = self.differences(&request);
            (!differs.is_empty()).then_some(Nearest { request, differs })
        });
        different.min_by_key(|nearest| nearest.differs.len())
    }
}

fn is_error_code(text: &str) -> bool {
    let text: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    ErrorCode::deserialize(text).is_ok()
}

impl CountMembers {
    /// # Errors
    /// Returns an error if it is not exactly one member, or if every number of requests would do.
    pub fn count(&self) -> Result<Count, ControlError> {
        match (self.exactly, self.at_least, self.at_most) {
            (None, Some(0), None) => {
                let text = "`at_least` 0 holds for any number of requests";
                Err(ControlError::invalid(text).at("/count/at_least").expecting("1 or more"))
            }
            (Some(number), None, None) => Ok(Count::Exactly(number)),
            (None, Some(number), None) => Ok(Count::AtLeast(number)),
            (None, None, Some(number)) => Ok(Count::AtMost(number)),
            _ => Err(ControlError::invalid("`count` does not have exactly one member")
                .at("/count")
                .expecting("one of `exactly`, `at_least`, `at_most`")),
        }
    }
}

impl Count {
    pub fn allows(self, matched: usize) -> bool {
        match self {
            Self::Exactly(number) => matched == number,
            Self::AtLeast(number) => matched >= number,
            Self::AtMost(number) => matched <= number,
        }
    }

    /// Returns whether any number of further requests is allowed.
    pub fn is_lower_bound(self) -> bool {
        matches!(self, Self::AtLeast(_))
    }

    /// Returns whether no request need arrive, so that only time shows whether too many do.
    pub fn is_upper_bound(self) -> bool {
        matches!(self, Self::AtMost(_) | Self::Exactly(0))
    }

    /// Returns whether requests are missing.
    pub fn is_above(self, matched: usize) -> bool {
        match self {
            Self::Exactly(number) | Self::AtLeast(number) => matched < number,
            Self::AtMost(_) => false,
        }
    }
}
