use flow_events::{Event, FieldValue, IdTokenSummary, TokenHeader};
use oauth_types::{AccessTokenClaims, Fingerprint};
use serde::Serialize;

/// The contents of a token, without the token itself.
#[derive(Clone, Debug, Serialize)]
pub struct TokenInfo {
    pub header: Option<TokenHeader>,
    #[serde(flatten)]
    pub claims: TokenClaims,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", content = "claims", rename_all = "snake_case")]
pub enum TokenClaims {
    AccessToken(AccessTokenClaims),
    IdToken(IdTokenSummary),
}

/// Returns every fingerprint in an event.
pub(super) fn fingerprints(event: &Event) -> Vec<&Fingerprint> {
    let subject = match event {
        Event::TokenIssued { token, .. }
        | Event::IdTokenIssued { token, .. }
        | Event::TokenReused { token, .. } => Some(token),
        _ => None,
    };
    let in_fields = event.fields().iter().filter_map(|field| match &field.value {
        FieldValue::Fingerprint(fingerprint) => Some(fingerprint),
        FieldValue::Text(_) | FieldValue::Secret => None,
    });
    subject.into_iter().chain(in_fields).collect()
}
