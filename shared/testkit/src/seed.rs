use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use crate::{Client, Control, ControlError, Resource, User};

const CLAIMS: &str = "/control/claims";

#[derive(Serialize, Deserialize)]
struct Claims {
    claims: Vec<Value>,
}

impl Control {
    /// Returns the seed as it is now: resources, clients, users and claims.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn seed(&self) -> Result<Value, ControlError> {
        self.get("/control/seed").await
    }

    /// Returns a user.
    ///
    /// # Errors
    /// Returns an error if there is no such user, or if the call fails.
    pub async fn user(&self, username: &str) -> Result<User, ControlError> {
        Ok(User::from_members(self.get(&entry_path("users", username)).await?))
    }

    /// Adds or replaces a user, and returns what the server stores, with the `sub`.
    ///
    /// # Errors
    /// Returns an error if a member is unknown or invalid, or if the call fails.
    pub async fn put_user(&self, user: &User) -> Result<User, ControlError> {
        let stored = self.put_entry(&entry_path("users", user.id()), user.members()).await?;
        Ok(User::from_members(stored))
    }

    /// Removes a user with their sessions and grants.
    ///
    /// # Errors
    /// Returns an error if there is no such user, or if the call fails.
    pub async fn delete_user(&self, username: &str) -> Result<(), ControlError> {
        self.delete(&entry_path("users", username)).await
    }

    /// Returns a client.
    ///
    /// # Errors
    /// Returns an error if there is no such client, or if the call fails.
    pub async fn client(&self, client_id: &str) -> Result<Client, ControlError> {
        Ok(Client::from_members(self.get(&entry_path("clients", client_id)).await?))
    }

    /// Adds or replaces a client, and returns what the server stores.
    ///
    /// # Errors
    /// Returns an error if a member is unknown or invalid, or if the call fails.
    pub async fn put_client(&self, client: &Client) -> Result<Client, ControlError> {
        let stored = self.put_entry(&entry_path("clients", client.id()), client.members()).await?;
        Ok(Client::from_members(stored))
    }

    /// Removes a client and revokes its grants.
    ///
    /// # Errors
    /// Returns an error if there is no such client, or if the call fails.
    pub async fn delete_client(&self, client_id: &str) -> Result<(), ControlError> {
        self.delete(&entry_path("clients", client_id)).await
    }

    /// Returns a resource.
    ///
    /// # Errors
    /// Returns an error if there is no such resource, or if the call fails.
    pub async fn resource(&self, identifier: &str) -> Result<Resource, ControlError> {
        Ok(Resource::from_members(self.get(&resource_path(identifier)).await?))
    }

    /// Adds or replaces a resource, and returns what the server stores.
    ///
    /// # Errors
    /// Returns an error if a member is unknown or invalid, or if the call fails.
    pub async fn put_resource(&self, resource: &Resource) -> Result<Resource, ControlError> {
        let stored = self.put_entry(&resource_path(resource.id()), resource.members()).await?;
        Ok(Resource::from_members(stored))
    }

    /// Removes a resource.
    ///
    /// # Errors
    /// Returns an error if there is no such resource, if a client uses it, or if the call fails.
    pub async fn delete_resource(&self, identifier: &str) -> Result<(), ControlError> {
        self.delete(&resource_path(identifier)).await
    }

    /// Returns the custom claims.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn claims(&self) -> Result<Vec<Value>, ControlError> {
        let Claims { claims } = self.get(CLAIMS).await?;
        Ok(claims)
    }

    /// Replaces all custom claims. Each is a JSON object with the members of `[[claims]]`.
    ///
    /// # Errors
    /// Returns an error if a claim is invalid, or if the call fails.
    pub async fn put_claims(&self, claims: Vec<Value>) -> Result<(), ControlError> {
        let Claims { .. } = self.put(CLAIMS, &Claims { claims }).await?;
        Ok(())
    }

    /// Removes all custom claims.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn delete_claims(&self) -> Result<(), ControlError> {
        self.delete(CLAIMS).await
    }

    async fn put_entry<T: DeserializeOwned>(
        &self,
        path: &str,
        members: &Map<String, Value>,
    ) -> Result<T, ControlError> {
        self.put(path, members).await
    }
}

/// Returns the path of a user or client, whose name can contain any characters.
fn entry_path(kind: &str, name: &str) -> String {
    // The base is a constant; only the path is used.
    let Ok(mut url) = Url::parse(&format!("http://localhost/control/{kind}")) else {
        return String::new();
    };
    if let Ok(mut path) = url.path_segments_mut() {
        path.push(name);
    }
    url.path().to_owned()
}

fn resource_path(identifier: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("identifier", identifier);
    format!("/control/resources?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded() {
        assert_eq!(entry_path("users", "a/b ü"), "/control/users/a%2Fb%20%C3%BC");
        assert_eq!(
            resource_path("https://a.example/b?c=d&e"),
            "/control/resources?identifier=https%3A%2F%2Fa.example%2Fb%3Fc%3Dd%26e"
        );
    }
}
