//! The members of a client as options, one for each member of the clients file.

use anyhow::{Context, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use serde_json::{Map, Value, json};

/// A member of a client, named as in the clients file, and the option that sets it.
struct Member {
    option: &'static str,
    /// The name in the clients file, with a dot for those of `[clients.login]`.
    name: &'static str,
    kind: Kind,
    help: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text. The second field names the value in the help.
    Text(&'static str),
    /// A list, from an option that can be repeated.
    List(&'static str),
    /// `true`, or `false` by the other option.
    Switch(&'static str),
    /// Token exchange rules.
    Rules { beyond_grant: bool },
    /// Values by language tag.
    ByLanguage,
    /// The JSON in a file.
    JsonFile,
}

const MEMBERS: [Member; 34] = [
    member(
        "scope",
        "scopes",
        Kind::Text("SCOPE"),
        "Scopes that the client can request, separated by spaces",
    ),
    member(
        "default-scope",
        "default_scope",
        Kind::Text("SCOPE"),
        "Scopes of a request without any; without this option all but those of OpenID Connect",
    ),
    member(
        "resource",
        "resources",
        Kind::List("RESOURCE"),
        "Identifier of a resource that the client can request access tokens for",
    ),
    member(
        "default-resource",
        "default_resource",
        Kind::Text("RESOURCE"),
        "The resource of a request that names none and fits several",
    ),
    member(
        "introspection-audience",
        "introspection_audiences",
        Kind::List("RESOURCE"),
        "Identifier of a resource whose access tokens the client can introspect",
    ),
    member(
        "token-exchange",
        "token_exchange",
        Kind::Rules { beyond_grant: false },
        "Resource and scopes, separated by spaces, that the client can obtain by token exchange",
    ),
    member(
        "token-exchange-beyond-grant",
        "token_exchange",
        Kind::Rules { beyond_grant: true },
        "The same, even if the user did not grant these scopes to the first client. The two options together replace the rules",
    ),
    member(
        "token-format",
        "token_format",
        Kind::Text("FORMAT"),
        "Format of its access tokens: `jwt` or `opaque`",
    ),
    member("name", "login.client_name", Kind::Text("NAME"), "Name that users see"),
    member(
        "name-in",
        "login.client_names",
        Kind::ByLanguage,
        "Name in another language, such as `zh=商店`",
    ),
    member(
        "redirect-uri",
        "login.redirect_uris",
        Kind::List("URI"),
        "Redirect URI for user login, compared byte by byte",
    ),
    member(
        "post-logout-redirect-uri",
        "login.post_logout_redirect_uris",
        Kind::List("URI"),
        "Redirect URI after sign-out",
    ),
    member(
        "backchannel-logout-uri",
        "login.backchannel_logout_uri",
        Kind::Text("URL"),
        "URL that C notifies when a session ends",
    ),
    member(
        "public",
        "login.public",
        Kind::Switch("no-public"),
        "Public client without a secret: a native app or a single-page app",
    ),
    member(
        "allowed-origin",
        "login.allowed_origins",
        Kind::List("ORIGIN"),
        "Origin whose pages can call C",
    ),
    member(
        "token-endpoint-auth-method",
        "login.token_endpoint_auth_method",
        Kind::Text("METHOD"),
        "Client authentication method: `client_secret_basic` or `client_secret_post`",
    ),
    member(
        "first-party",
        "login.first_party",
        Kind::Switch("no-first-party"),
        "First-party client: its users are not asked for consent",
    ),
    member(
        "refresh-tokens",
        "login.refresh_tokens",
        Kind::Switch("no-refresh-tokens"),
        "Issue refresh tokens without `offline_access`; they end with the session",
    ),
    member(
        "grant-type",
        "login.grant_types",
        Kind::List("GRANT_TYPE"),
        "Grant type that it can use; without this option all",
    ),
    member(
        "id-token-signed-response-alg",
        "login.id_token_signed_response_alg",
        Kind::Text("ALGORITHM"),
        "Signature algorithm of its ID tokens",
    ),
    member(
        "id-token-claims",
        "login.id_token_claims",
        Kind::Switch("no-id-token-claims"),
        "Put the claims about the user that the scope allows into the ID token too",
    ),
    member(
        "userinfo-signed-response-alg",
        "login.userinfo_signed_response_alg",
        Kind::Text("ALGORITHM"),
        "Signature algorithm of its userinfo responses; without this option they are plain JSON",
    ),
    member(
        "jwks",
        "login.jwks",
        Kind::JsonFile,
        "File with its public keys for signed authorization requests, as a JWK set",
    ),
    member(
        "jwks-uri",
        "login.jwks_uri",
        Kind::Text("URL"),
        "URL of those keys, in place of `--jwks`",
    ),
    member(
        "request-object-signing-alg",
        "login.request_object_signing_alg",
        Kind::Text("ALGORITHM"),
        "Required signature algorithm of its authorization requests",
    ),
    member(
        "require-pushed-authorization-requests",
        "login.require_pushed_authorization_requests",
        Kind::Switch("no-require-pushed-authorization-requests"),
        "Require pushed authorization requests",
    ),
    member("require-pkce", "login.require_pkce", Kind::Switch("no-require-pkce"), "Require PKCE"),
    member(
        "require-signed-request-object",
        "login.require_signed_request_object",
        Kind::Switch("no-require-signed-request-object"),
        "Require signed authorization requests",
    ),
    member(
        "subject-type",
        "login.subject_type",
        Kind::Text("TYPE"),
        "Which `sub` it receives for a user: `public` or `pairwise`",
    ),
    member(
        "sector-identifier-uri",
        "login.sector_identifier_uri",
        Kind::Text("URL"),
        "URL whose host is the sector of pairwise subjects",
    ),
    member(
        "client-uri",
        "login.client_uri",
        Kind::Text("URL"),
        "Website of the client, for the consent page",
    ),
    member("logo-uri", "login.logo_uri", Kind::Text("URL"), "Logo of the client"),
    member("policy-uri", "login.policy_uri", Kind::Text("URL"), "Privacy policy of the client"),
    member("tos-uri", "login.tos_uri", Kind::Text("URL"), "Terms of service of the client"),
];

const fn member(
    option: &'static str,
    name: &'static str,
    kind: Kind,
    help: &'static str,
) -> Member {
    Member { option, name, kind, help }
}

/// Values of the options that were given.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientOptions(Vec<(usize, Vec<String>)>);

impl ClientOptions {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the members that were given. An empty value removes a member or empties a list.
    ///
    /// # Errors
    /// Returns an error if a value does not have the form that its option needs.
    pub(super) fn apply_to(self, members: &mut Map<String, Value>) -> anyhow::Result<()> {
        let mut given = Map::new();
        for (at, values) in self.0 {
            let Member { name, kind, option, .. } = &MEMBERS[at];
            let value = value(*kind, values).with_context(|| format!("--{option}"))?;
            match (given.get_mut(*name), value) {
                // Two options set one list.
                (Some(Value::Array(earlier)), Value::Array(more)) => earlier.extend(more),
                (Some(Value::Array(_)), Value::Null) => (),
                (_, value) => drop(given.insert((*name).to_owned(), value)),
            }
        }
        for (name, value) in given {
            let (table, name) = match name.strip_prefix("login.") {
                Some(name) => {
                    let login = members.entry("login").or_insert_with(|| json!({}));
                    (login.as_object_mut().context("login is not a table")?, name)
                }
                None => (&mut *members, name.as_str()),
            };
            match value {
                Value::Null => drop(table.remove(name)),
                value => drop(table.insert(name.to_owned(), value)),
            }
        }
        Ok(())
    }
}

/// Returns the value of a member. No value is `null`, which removes the member.
fn value(kind: Kind, mut values: Vec<String>) -> anyhow::Result<Value> {
    values.retain(|value| !value.is_empty());
    if values.is_empty() {
        return Ok(Value::Null);
    }
    Ok(match kind {
        Kind::List(_) => json!(values),
        Kind::Rules { beyond_grant } => {
            let rules = values.iter().map(|rule| token_exchange_rule(rule, beyond_grant));
            Value::Array(rules.collect::<Result<_, _>>()?)
        }
        Kind::ByLanguage => {
            let pair = |value: &String| {
                let (language, name) =
                    value.split_once('=').context("needs LANGUAGE=NAME, such as `zh=商店`")?;
                Ok((language.to_owned(), json!(name)))
            };
            Value::Object(values.iter().map(pair).collect::<anyhow::Result<_>>()?)
        }
        Kind::Switch(_) => values.pop().map_or(Value::Null, |value| json!(value == "true")),
        Kind::Text(_) => values.pop().map_or(Value::Null, Value::String),
        Kind::JsonFile => match values.pop() {
            None => Value::Null,
            Some(path) => {
                let text = std::fs::read(&path).with_context(|| format!("cannot read {path}"))?;
                serde_json::from_slice(&text).with_context(|| format!("{path} is not JSON"))?
            }
        },
    })
}

fn token_exchange_rule(text: &str, beyond_grant: bool) -> anyhow::Result<Value> {
    let (resource, scopes) =
        text.trim().split_once(' ').context("name a resource and at least one scope")?;
    ensure!(!scopes.trim().is_empty(), "name a resource and at least one scope");
    Ok(json!({ "resource": resource, "scopes": scopes.trim(), "beyond_grant": beyond_grant }))
}

impl Member {
    fn arguments(&self) -> Vec<Arg> {
        let arg = Arg::new(self.option).long(self.option);
        let (repeatable, value_name) = match self.kind {
            Kind::Switch(no) => return self.switches(no),
            Kind::Text(name) => (false, name),
            Kind::List(name) => (true, name),
            Kind::Rules { .. } => (true, "RESOURCE SCOPE..."),
            Kind::ByLanguage => (true, "LANGUAGE=NAME"),
            Kind::JsonFile => (false, "FILE"),
        };
        let (action, note) =
            if repeatable { (ArgAction::Append, "; repeatable") } else { (ArgAction::Set, "") };
        vec![arg.value_name(value_name).action(action).help(format!("{}{note}", self.help))]
    }

    fn switches(&self, no: &'static str) -> Vec<Arg> {
        let on = Arg::new(self.option).long(self.option).help(self.help);
        let off = Arg::new(no).long(no).help(format!("Opposite of `--{}`", self.option));
        vec![on.action(ArgAction::SetTrue).conflicts_with(no), off.action(ArgAction::SetTrue)]
    }

    /// Returns the given values; those of a switch are `true` or `false`.
    fn given(&self, matches: &ArgMatches) -> Option<Vec<String>> {
        if let Kind::Switch(no) = self.kind {
            return match (matches.get_flag(self.option), matches.get_flag(no)) {
                (true, _) => Some(vec!["true".to_owned()]),
                (false, true) => Some(vec!["false".to_owned()]),
                (false, false) => None,
            };
        }
        Some(matches.get_many::<String>(self.option)?.cloned().collect())
    }
}

impl FromArgMatches for ClientOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut options = Self::default();
        options.update_from_arg_matches(matches)?;
        Ok(options)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let given = MEMBERS.iter().enumerate();
        self.0.extend(given.filter_map(|(at, member)| Some((at, member.given(matches)?))));
        Ok(())
    }
}

impl clap::Args for ClientOptions {
    fn augment_args(command: Command) -> Command {
        command.args(MEMBERS.iter().flat_map(Member::arguments))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser;

    use super::*;
    use crate::clients::client_member_names;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: ClientOptions,
    }

    fn applied(line: &[&str], to: Value) -> anyhow::Result<Value> {
        let line = Line::try_parse_from(["client"].iter().chain(line))?;
        let Value::Object(mut members) = to else { panic!("not a table") };
        line.options.apply_to(&mut members)?;
        Ok(Value::Object(members))
    }

    /// Members that other arguments give: the client's id, its secret, and attributes.
    const OTHERS: [&str; 5] =
        ["client_id", "client_secret", "client_secret_hash", "login", "attributes"];
    #[test]
    fn every_member_of_the_clients_file_has_an_option() {
        let known = MEMBERS.iter().map(|member| member.name).chain(OTHERS);
        let known: BTreeSet<&str> = known.collect();
        let names = client_member_names();
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let missing = names.difference(&known);
        assert_eq!(missing.collect::<Vec<_>>(), Vec::<&&str>::new());
        assert_eq!(known.difference(&names).collect::<Vec<_>>(), Vec::<&&str>::new());
    }

    #[test]
    fn options_set_members_and_empty_values_remove_them() {
        let line = [
            "--scope",
            "openid",
            "--resource",
            "https://b",
            "--resource",
            "https://c",
            "--public",
            "--name-in",
            "zh=商店",
            "--token-exchange",
            "https://b read write",
            "--token-exchange-beyond-grant",
            "https://c read",
        ];
        let set = applied(&line, json!({ "client_id": "x" })).unwrap();
        let expected = json!({
            "client_id": "x",
            "scopes": "openid",
            "resources": ["https://b", "https://c"],
            "token_exchange": [
                { "resource": "https://b", "scopes": "read write", "beyond_grant": false },
                { "resource": "https://c", "scopes": "read", "beyond_grant": true },
            ],
            "login": { "public": true, "client_names": { "zh": "商店" } },
        });
        assert_eq!(set, expected);
        let line = [
            "--scope",
            "",
            "--resource",
            "",
            "--token-exchange",
            "",
            "--name-in",
            "",
            "--no-public",
        ];
        let expected = json!({
            "client_id": "x",
            "login": { "public": false },
        });
        assert_eq!(applied(&line, set).unwrap(), expected);
    }

    #[test]
    fn malformed_values_name_their_option() {
        for (line, part) in [
            (["--token-exchange", "https://b"], "--token-exchange: name a resource"),
            (["--name-in", "Laden"], "--name-in: needs LANGUAGE=NAME"),
            (["--jwks", "/nowhere.json"], "--jwks: cannot read /nowhere.json"),
        ] {
            let error = format!("{:#}", applied(&line, json!({})).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
