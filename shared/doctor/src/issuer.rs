//! What an issuer says of itself, and how it is reached.

mod metadata;
mod reach;

use oauth_types::{AuthorizationServerMetadata, Issuer};
use service_kit::HttpClientError;
use url::Url;

use self::{
    metadata::read_metadata,
    reach::{Outcome, check_reach, fetch},
};
use crate::{
    checks::Checks,
    clock_skew::{Leeway, check_clock},
    connect_error::{ConnectError, Way},
    diagnosis::{Diagnosis, SettingNames},
    http_probe::HttpProbe,
};

/// An issuer as the settings have it.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    /// How its checks are called.
    pub label: String,
    /// Where its settings stand: `issuer`, `internal_url` and `ca_file`.
    pub names: SettingNames,
    /// Its identifier, as it is configured.
    pub issuer: String,
    /// Where it is reached, if not there.
    pub internal_url: Option<String>,
    /// Who goes there.
    pub reached_by: ReachedBy,
    /// Where its metadata is looked for.
    pub metadata_location: MetadataLocation,
}

/// Who goes to an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReachedBy {
    /// This process alone.
    ThisProcess,
    /// People's browsers as well, which know it by its own name.
    Browsers,
}

/// Where the metadata is looked for, as the service itself does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataLocation {
    /// As RFC 8414 has it, and where there is nothing, as OpenID Connect Discovery has it.
    OAuthOrOpenId,
    /// As OpenID Connect Discovery has it.
    OpenId,
}

/// An issuer that is the one that is configured.
#[derive(Clone, Debug)]
pub struct ConfirmedIssuer {
    pub(crate) at: IssuerConfig,
    pub(crate) issuer: Issuer,
    pub(crate) metadata: AuthorizationServerMetadata,
    pub(crate) wire: HttpProbe,
}

impl IssuerConfig {
    /// How a check of this issuer is called.
    #[must_use]
    pub fn check(&self, what: &str) -> String {
        format!("{}: {what}", self.label)
    }
}

impl ConfirmedIssuer {
    /// How a check of this issuer is called.
    #[must_use]
    pub fn check(&self, what: &str) -> String {
        self.at.check(what)
    }

    /// The scopes that it says it knows; empty where it does not say.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.metadata.scopes_supported
    }

    /// Nobody answers at one of its endpoints, although its metadata could be had.
    pub(crate) fn not_reached(&self, url: &Url, why: &ConnectError) -> Diagnosis {
        let setting = if self.at.internal_url.is_some() { "internal_url" } else { "issuer" };
        let advice =
            "the issuer's metadata is reached, this endpoint is not: look at what stands between"
                .to_owned();
        why.finding(url.as_str(), &Way { names: &self.at.names, setting, advice })
    }

    /// The ways of client authentication that it says it takes; empty where it does not say.
    #[must_use]
    pub fn auth_methods(&self) -> &[String] {
        &self.metadata.token_endpoint_auth_methods_supported
    }

    /// The way to one of its endpoints. Without one the check has failed, and that is told.
    pub(crate) fn resolve_endpoint(
        &self,
        checks: &mut Checks,
        check: &str,
        name: &str,
        published: Option<&str>,
    ) -> Option<Url> {
        let reason = match published.map(|published| self.issuer.resolve_endpoint(published)) {
            Some(Ok(url)) => return Some(url),
            Some(Err(reason)) => format!("{}: {reason}", published.unwrap_or_default()),
            None => "the metadata names none".to_owned(),
        };
        let compared = format!(
            "`{name}` in the metadata of {}, and what is needed of it",
            self.issuer.identifier()
        );
        let advice = "name an issuer that serves this, or mend its metadata";
        let change = self.at.names.change("issuer", advice);
        checks.fail(
            self.check(check),
            format!("its {name} cannot be used"),
            Diagnosis::new(compared, "a URL that can be called", reason, change),
        );
        None
    }
}

/// Look at all that can be said of an issuer before anything is asked of it. `None` when it is not
/// sure that it is the one that is configured: no secret may be shown to it then (mix-up, RFC 9700
/// §4.4).
pub async fn check_issuer(
    checks: &mut Checks,
    at: &IssuerConfig,
    wire: &Result<HttpProbe, HttpClientError>,
    leeway: Leeway<'_>,
) -> Option<ConfirmedIssuer> {
    let wire = match wire {
        Ok(wire) => wire.clone(),
        Err(error) => {
            let compared = format!("the setting `{}` and the file", at.names.name("ca_file"));
            let change = at
                .names
                .change("ca_file", "name a PEM file with the authorities that are believed");
            checks.fail(
                at.check("certificates"),
                "no certificate authorities",
                Diagnosis::new(compared, "certificates in PEM", error.to_string(), change),
            );
            return None;
        }
    };
    let (inside, outside) = match issuers(at) {
        Ok(issuers) => issuers,
        Err((setting, problem, value)) => {
            let compared = format!(
                "the setting `{}` and what a URL of an issuer may be",
                at.names.name(setting)
            );
            let change =
                at.names.change(setting, "write an absolute URL without query and fragment");
            checks.fail(
                at.check("settings"),
                problem,
                Diagnosis::new(compared, "https://host/path", value, change),
            );
            return None;
        }
    };
    let [inside_answer, outside_answer] = match &outside {
        Some(outside) => {
            let (one, other) = tokio::join!(
                fetch(&wire, &inside, at.metadata_location),
                fetch(&wire, outside, at.metadata_location)
            );
            [Some(one), Some(other)]
        }
        None => [Some(fetch(&wire, &inside, at.metadata_location).await), None],
    };
    let reply = check_reach(checks, at, inside_answer?, outside_answer)?;
    let Outcome { url, reply } = reply;
    let metadata = read_metadata(checks, at, &url, &reply)?;
    check_clock(checks, &at.check("clock"), &reply, leeway);
    Some(ConfirmedIssuer { at: at.clone(), issuer: inside, metadata, wire })
}

type Unusable<'a> = (&'static str, &'static str, &'a str);

/// The issuer as this process reaches it, and as the world does where that is another way.
fn issuers(at: &IssuerConfig) -> Result<(Issuer, Option<Issuer>), Unusable<'_>> {
    let own = Issuer::new(at.issuer.clone(), None)
        .map_err(|problem| ("issuer", problem, at.issuer.as_str()))?;
    match at.internal_url.as_deref() {
        None => Ok((own, None)),
        Some(url) => {
            let inside = Issuer::new(at.issuer.clone(), Some(url));
            Ok((inside.map_err(|problem| ("internal_url", problem, url))?, Some(own)))
        }
    }
}
