use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Unvalidated client metadata (RFC 7591 §2; OpenID Connect Dynamic Client Registration §2, and
/// their extensions). Unknown members are ignored, as RFC 7591 §2 requires.
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
    pub require_signed_request_object: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// Where a third party starts a login at the client (OpenID Connect Core §4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_session_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Read only to be rejected; never stored.
    #[serde(skip_serializing)]
    pub software_statement: Option<Value>,
    /// Translated members (`client_name#zh`, RFC 7591 §2.2) and unknown ones.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// Members that can be translated.
const TRANSLATABLE: [&str; 5] = ["client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"];

impl ClientMetadata {
    /// Returns the translated members as name, language tag and text.
    pub fn translations(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        self.others.iter().filter_map(|(name, value)| {
            let (name, tag) = name.split_once('#')?;
            let name = TRANSLATABLE.into_iter().find(|known| *known == name)?;
            Some((name, tag, value.as_str()?))
        })
    }

    /// Removes unknown members, except translations.
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
    fn unknown_members_are_removed_and_translations_kept() {
        let received = json!({ "client_name": "Shop", "client_name#zh": "商店", "policy_uri#de": 7, "x#zh": "y", "z": [1] });
        let mut metadata: ClientMetadata = serde_json::from_value(received).unwrap();
        metadata.remove_unknown();
        let kept = json!({ "client_name": "Shop", "client_name#zh": "商店" });
        assert_eq!(serde_json::to_value(&metadata).unwrap(), kept);
        assert_eq!(metadata.translations().collect::<Vec<_>>(), [("client_name", "zh", "商店")]);
    }
}
