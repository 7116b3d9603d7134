use super::{ShownClient, ShownUser};
use crate::domain::{Client, User};

impl From<&Client> for ShownClient {
    fn from(client: &Client) -> Self {
        let login = client.login.clone().unwrap_or_default();
        Self {
            name: client.shown_name().to_owned(),
            client_uri: login.client_uri,
            logo_uri: login.logo_uri,
            policy_uri: login.policy_uri,
            tos_uri: login.tos_uri,
        }
    }
}

impl From<&User> for ShownUser {
    fn from(user: &User) -> Self {
        Self {
            name: user.shown_name().to_owned(),
            picture: user.claims.picture.clone(),
            email: user.claims.email.clone(),
        }
    }
}
