use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a client says of itself, unchecked (RFC 7591 §2; OpenID Connect Dynamic Client Registration
/// §2, and the specifications that add to it). What this server does not know is ignored, as §2
/// asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uris: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    /// `web` or `native`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// `public` or `pairwise`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_logout_redirect_uris: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_session_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Read to be refused, and never kept.
    #[serde(skip_serializing)]
    pub software_statement: Option<Value>,
    /// What is meant for people, in other languages (`client_name#zh`, RFC 7591 §2.2), besides what
    /// is not known.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// What may be said in several languages.
const FOR_PEOPLE: [&str; 5] = ["client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"];

impl ClientMetadata {
    /// What is meant for people, in other languages: the member's name, the language's tag, and the
    /// text.
    pub fn translations(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        self.others.iter().filter_map(|(name, value)| {
            let (name, tag) = name.split_once('#')?;
            let name = FOR_PEOPLE.into_iter().find(|known| *known == name)?;
            Some((name, tag, value.as_str()?))
        })
    }

    /// Keep of what is not known the translations alone.
    pub fn remove_unknown(&mut self) {
        let known: Vec<String> =
            self.translations().map(|(name, tag, _)| format!("{name}#{tag}")).collect();
        self.others.retain(|name, _| known.contains(name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_is_forgotten_and_translations_are_kept() {
        let said = json!({ "client_name": "Shop", "client_name#zh": "商店", "policy_uri#de": 7, "x#zh": "y", "z": [1] });
        let mut metadata: ClientMetadata = serde_json::from_value(said).unwrap();
        metadata.remove_unknown();
        let kept = json!({ "client_name": "Shop", "client_name#zh": "商店" });
        assert_eq!(serde_json::to_value(&metadata).unwrap(), kept);
        assert_eq!(metadata.translations().collect::<Vec<_>>(), [("client_name", "zh", "商店")]);
    }
}
