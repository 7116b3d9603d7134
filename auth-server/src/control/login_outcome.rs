use axum::response::Response;
use oauth_types::{ErrorCode, OAuthError};
use serde::{Deserialize, Serialize};

use super::{error::ControlError, named_user::enabled_user_named, sessions::start_session};
use crate::{
    http::{HtmlError, SignedIn},
    oauth::authorize::Interaction,
};

/// How a login ends: with a user who approves the request, or with an error for the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginOutcome {
    /// The user name.
    User(String),
    Error(ErrorCode),
}

/// Why an authorization request was not completed.
pub enum LoginError {
    /// C shows an error page.
    Page(HtmlError),
    Control(ControlError),
}

impl LoginOutcome {
    /// Reads the outcome from the members `user` and `error`, one of which must be set.
    ///
    /// # Errors
    /// Returns an error if both are set, or neither.
    pub fn of(user: Option<String>, error: Option<ErrorCode>) -> Result<Self, ControlError> {
        match (user, error) {
            (Some(user), None) => Ok(Self::User(user)),
            (None, Some(error)) => Ok(Self::Error(error)),
            (Some(_), Some(_)) => {
                let error = ControlError::invalid("`user` and `error` cannot be combined");
                Err(error.at("/error").expecting("one of user, error"))
            }
            (None, None) => {
                let text = "the login needs a `user` or an `error`";
                Err(ControlError::invalid(text).at("").expecting("one of user, error"))
            }
        }
    }
}

/// Completes an authorization request, and returns the response to the client.
///
/// # Errors
/// Returns an error if the user cannot sign in, or if the database fails.
pub async fn complete_login(
    interaction: &Interaction<'_>,
    outcome: &LoginOutcome,
) -> Result<Response, LoginError> {
    let context = interaction.context;
    match outcome {
        LoginOutcome::Error(code) => {
            let error = OAuthError::new(*code, "the login of a test ends with this error");
            Ok(interaction.reject(None, error).await?)
        }
        LoginOutcome::User(name) => {
            let user = enabled_user_named(&*context.store, name).await?;
            let session = start_session(context, &user, interaction.address).await?;
            Ok(interaction.approve_without_pages(&SignedIn { session, user }).await?)
        }
    }
}

impl From<HtmlError> for LoginError {
    fn from(error: HtmlError) -> Self {
        Self::Page(error)
    }
}

impl From<ControlError> for LoginError {
    fn from(error: ControlError) -> Self {
        Self::Control(error)
    }
}
