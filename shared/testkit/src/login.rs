use oauth_types::ErrorCode;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Control, ControlError};

const NEXT_LOGINS: &str = "/control/next-logins";

/// How a login ends. A `&str` is the name of the user who approves the request, and an
/// [`ErrorCode`] the error that the client gets instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginOutcome {
    /// This user signs in and consents.
    User(String),
    /// The client gets this error.
    Error(ErrorCode),
}

impl From<&str> for LoginOutcome {
    fn from(user: &str) -> Self {
        Self::User(user.to_owned())
    }
}

impl From<String> for LoginOutcome {
    fn from(user: String) -> Self {
        Self::User(user)
    }
}

impl From<ErrorCode> for LoginOutcome {
    fn from(code: ErrorCode) -> Self {
        Self::Error(code)
    }
}

/// A login without a browser. See [`Control::login`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `follow`"]
pub struct Login<'a> {
    control: &'a Control,
    outcome: LoginOutcome,
}

/// A login that has ended.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct CompletedLogin {
    /// The URL to which the server sends the browser back.
    pub redirect_to: Url,
    /// The authorization code in it.
    pub code: Option<String>,
}

impl CompletedLogin {
    /// Returns a parameter of the redirect, such as `state`, `iss` or `error`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = self.redirect_to.query_pairs();
        parameters.find_map(|(own, value)| (own == name).then(|| value.into_owned()))
    }
}

/// Logins that answer by themselves when a browser comes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct NextLogin {
    /// Identifies them.
    pub id: u64,
    /// The client that sends the browser.
    pub client_id: String,
    /// The user who approves the request.
    pub user: Option<String>,
    /// The error that the client gets instead.
    pub error: Option<String>,
    /// How many logins are still answered.
    pub remaining: u32,
}

#[derive(Serialize)]
struct Body<'a, T> {
    #[serde(flatten)]
    request: T,
    #[serde(flatten)]
    outcome: &'a LoginOutcome,
}

#[derive(Serialize)]
struct Follow<'a> {
    authorization_url: &'a str,
}

#[derive(Serialize)]
struct AddNextLogin<'a> {
    client_id: &'a str,
    times: u32,
}

#[derive(Deserialize)]
struct NextLogins {
    next_logins: Vec<NextLogin>,
}

impl Control {
    /// Signs a user in without a browser, or ends a login with an error:
    /// `login("alice").follow(url)`.
    pub fn login(&self, outcome: impl Into<LoginOutcome>) -> Login<'_> {
        Login { control: self, outcome: outcome.into() }
    }

    /// Lets the next login of a client answer by itself when a browser comes.
    ///
    /// # Errors
    /// Returns an error if the client or the user does not exist, or if the call fails.
    pub async fn next_login(
        &self,
        client_id: &str,
        outcome: impl Into<LoginOutcome>,
    ) -> Result<NextLogin, ControlError> {
        self.next_logins(client_id, outcome, 1).await
    }

    /// Lets as many logins of a client answer by themselves.
    ///
    /// # Errors
    /// Returns an error if the client or the user does not exist, if `times` is 0, or if the call
    /// fails.
    pub async fn next_logins(
        &self,
        client_id: &str,
        outcome: impl Into<LoginOutcome>,
        times: u32,
    ) -> Result<NextLogin, ControlError> {
        let request = AddNextLogin { client_id, times };
        self.post(NEXT_LOGINS, &Body { request, outcome: &outcome.into() }).await
    }

    /// Returns the logins that still answer by themselves, oldest first.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn pending_logins(&self) -> Result<Vec<NextLogin>, ControlError> {
        let list: NextLogins = self.get(NEXT_LOGINS).await?;
        Ok(list.next_logins)
    }

    /// Deletes all logins that answer by themselves.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn delete_next_logins(&self) -> Result<(), ControlError> {
        self.delete(NEXT_LOGINS).await
    }

    /// Deletes logins that answer by themselves.
    ///
    /// # Errors
    /// Returns an error if there are none with this id, or if the call fails.
    pub async fn delete_next_login(&self, id: u64) -> Result<(), ControlError> {
        self.delete(&format!("{NEXT_LOGINS}/{id}")).await
    }
}

impl Login<'_> {
    /// Takes the URL to which a website sends the browser to the URL to which the server sends it
    /// back. Every check of the authorization request holds.
    ///
    /// # Errors
    /// Returns an error if the server would show an error page in place of a redirect, or if the
    /// call fails.
    pub async fn follow(
        &self,
        authorization_url: impl AsRef<str>,
    ) -> Result<CompletedLogin, ControlError> {
        let request = Follow { authorization_url: authorization_url.as_ref() };
        self.control.post("/control/logins", &Body { request, outcome: &self.outcome }).await
    }
}
