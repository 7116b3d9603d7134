use crate::{
    accounts::FailedLogin,
    http::website_error::WebsiteError,
    providers::{Provider, ProviderError},
    services::Services,
};

/// Maximum length of a stored reason, in characters.
const MAX_REASON: usize = 500;

/// Stores why a login failed, for `service-a doctor`.
pub(super) async fn record_failure(services: &Services, provider: &Provider, error: &WebsiteError) {
    let Some(reason) = reason(error) else { return };
    let failed = FailedLogin {
        provider: provider.name.clone(),
        failed_at: services.clock.seconds(),
        reason: reason.to_string().chars().take(MAX_REASON).collect(),
    };
    if let Err(error) = services.accounts.record_failed_login(&failed).await {
        tracing::warn!(%error, "failed to store the reason of a failed login");
    }
}

/// Returns the error if the provider's responses caused it. A browser can cause the others with a
/// made-up authorization response: they would replace the reason that an operator looks for.
fn reason(error: &WebsiteError) -> Option<&ProviderError> {
    match error {
        WebsiteError::Provider(ProviderError::MixUp(_) | ProviderError::InvalidGrant(..)) => None,
        WebsiteError::Provider(error) => Some(error),
        _ => None,
    }
}
