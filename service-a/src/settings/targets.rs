use serde::{Deserialize, Deserializer, Serialize};

/// The Bs that A can call. Whatever is not said of one is as its own default says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Targets {
    /// The B that checks passes by itself.
    #[serde(deserialize_with = "said_of_local")]
    pub local: Target,
    /// The B that asks C about each pass.
    #[serde(deserialize_with = "said_of_introspection")]
    pub introspection: Target,
}

/// One B.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Where A reaches it.
    pub url: String,
    /// Its resource identifier: whom the pass is for (RFC 8707).
    pub resource: String,
    /// It is a further hop: instead of a person's own pass it is shown one for which A exchanged
    /// that, and which says that A acts for them (RFC 8693). For people of the platform.
    pub token_exchange: bool,
}

/// What is said of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    url: Option<String>,
    resource: Option<String>,
    token_exchange: Option<bool>,
}

impl Said {
    fn over(self, default: Target) -> Target {
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

fn said_of_local<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
    Said::deserialize(deserializer).map(|said| said.over(Targets::default().local))
}

fn said_of_introspection<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
    Said::deserialize(deserializer).map(|said| said.over(Targets::default().introspection))
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
    fn what_is_not_said_of_a_target_is_as_its_default_says() {
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
    fn an_unknown_part_of_a_target_is_named() {
        let error = read(&[("LOCAL__TOKEN_EXCHNAGE", "true")]).unwrap_err();
        assert!(error.contains("did you mean `token_exchange`?"), "{error}");
    }
}
