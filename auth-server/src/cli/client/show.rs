use serde_json::{Map, Value, json};
use service_kit::cli::translated;

use crate::{cli::attribute::listed, clients::client_members, domain::Client};

/// A client and where it is from.
pub(super) struct ClientView<'a> {
    client: &'a Client,
    source: &'static str,
}

impl<'a> ClientView<'a> {
    pub(super) fn of_file(client: &'a Client) -> Self {
        Self { client, source: "clients file" }
    }

    pub(super) fn of_database(client: &'a Client) -> Self {
        let source = match (client.dynamic, client.approved) {
            (true, true) => "approved registration",
            (true, false) => "registration",
            (false, _) => "database",
        };
        Self { client, source }
    }

    fn state(&self) -> &'static str {
        if self.client.enabled { "enabled" } else { "disabled" }
    }

    /// Returns one line of the list.
    pub(super) fn line(&self) -> String {
        let Client { client_id, scopes, resources, .. } = self.client;
        let (state, source) = (translated(self.state()), translated(self.source));
        let format = self.client.token_format.as_str();
        format!(
            "{client_id}  {state}  {source}  tokens={format}  scope=\"{scopes}\"  resources={}{}",
            resources.join(","),
            listed(&self.client.attributes)
        )
    }

    /// Returns every member in the format of the clients file. Secrets are only counted.
    ///
    /// # Errors
    /// Returns an error if a member cannot be written in this format.
    pub(super) fn toml(&self) -> anyhow::Result<String> {
        let state = self.state();
        let (source, secrets) = (self.source, self.client.secrets.len());
        let text = toml::to_string(&json!({ "clients": [client_members(self.client)?] }))?;
        let heading = format!("{source}, {state}, secrets: {secrets}");
        Ok(format!("# {}\n{}", translated(&heading), text.trim_end()))
    }

    /// Returns every member in one line of JSON, named as in the clients file.
    ///
    /// # Errors
    /// Returns an error if a member cannot be written in this format.
    pub(super) fn json(&self) -> anyhow::Result<String> {
        let own = json!({
            "source": self.source,
            "enabled": self.client.enabled,
            "secrets": self.client.secrets.len(),
        });
        let mut members: Map<String, Value> = client_members(self.client)?;
        if let Value::Object(own) = own {
            members.extend(own);
        }
        Ok(serde_json::to_string(&members)?)
    }
}
