use serde::{Deserialize, Deserializer, Serialize};

/// The Bs that A can call. Each target has its own defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Targets {
    /// The B that verifies access tokens locally.
    #[serde(deserialize_with = "deserialize_local")]
    pub local: Target,
    /// The B that introspects access tokens at C.
    #[serde(deserialize_with = "deserialize_introspection")]
    pub introspection: Target,
}

/// One B.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Base URL under which A reaches B. Default: `http://localhost:9002`, for `introspection`
    /// `http://localhost:9003`. Production requires https.
    pub url: String,
    /// Resource identifier of B, the audience of access tokens for it (RFC 8707). Default: as
    /// `url`. Production requires a host other than loopback.
    pub resource: String,
    /// Whether A exchanges a user's access token for one that names A as the actor (RFC 8693)
    /// before it calls this B in the user's name. Applies to users of C. Default: `false`, for
    /// `introspection` `true`.
    pub token_exchange: bool,
}

/// A target in which every member is optional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartialTarget {
    url: Option<String>,
    resource: Option<String>,
    token_exchange: Option<bool>,
}

impl PartialTarget {
    fn or_default(self, default: Target) -> Target {
        Target {
            url: self.url.unwrap_or(default.url),
            resource: self.resource.unwrap_or(default.resource),
            token_exchange: self.token_exchange.unwrap_or(default.token_exchange),
        }
    }
}

impl Default for Targets {
    fn default() -> Self {
        let at = |url: &str, token_exchange| Target {
            url: url.to_owned(),
            resource: url.to_owned(),
            token_exchange,
        };
        Self {
            local: at("http://localhost:9002", false),
            introspection: at("http://localhost:9003", true),
        }
    }
}

fn deserialize_local<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
    PartialTarget::deserialize(deserializer)
        .map(|target| target.or_default(Targets::default().local))
}

fn deserialize_introspection<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Target, D::Error> {
    PartialTarget::deserialize(deserializer)
        .map(|target| target.or_default(Targets::default().introspection))
}

#[cfg(test)]
mod tests {
    use service_kit::{Sources, load};

    use crate::ServiceASettings;

    fn read(pairs: &[(&str, &str)]) -> Result<ServiceASettings, String> {
        let name = |name: &str| format!("GATEPASS__SERVICE_A__TARGETS__{name}");
        let environment =
            pairs.iter().map(|(key, value)| (name(key), (*value).to_owned())).collect();
        load(&Sources { environment, ..Sources::default() }).map_err(|error| error.to_string())
    }

    #[test]
    fn unset_members_of_a_target_keep_their_defaults() {
        let targets =
            read(&[("INTROSPECTION__URL", "http://b:9003"), ("LOCAL__URL", "http://b:9002")])
                .unwrap()
                .targets;
        assert_eq!(
            (targets.introspection.url.as_str(), targets.local.url.as_str()),
            ("http://b:9003", "http://b:9002")
        );
        assert!(targets.introspection.token_exchange && !targets.local.token_exchange);
        assert_eq!(targets.introspection.resource, "http://localhost:9003");
        assert_eq!(targets.local.resource, "http://localhost:9002");
        let targets =
            read(&[("INTROSPECTION__TOKEN_EXCHANGE", "false"), ("LOCAL__TOKEN_EXCHANGE", "true")])
                .unwrap()
                .targets;
        assert!(!targets.introspection.token_exchange && targets.local.token_exchange);
        assert_eq!(targets.introspection.url, "http://localhost:9003");
    }

    #[test]
    fn unknown_member_of_a_target_is_rejected_with_a_suggestion() {
        let error = read(&[("LOCAL__TOKEN_EXCHNAGE", "true")]).unwrap_err();
        assert!(error.contains("did you mean `token_exchange`?"), "{error}");
    }
}
