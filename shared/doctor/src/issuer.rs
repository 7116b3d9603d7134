//! Whether the issuer is reachable, and whether its metadata matches the settings.

mod metadata;
mod reach;

use oauth_types::{AuthorizationServerMetadata, Issuer};
use service_kit::HttpClientError;
use url::Url;

use self::{
    metadata::read_metadata,
    reach::{MetadataResponse, check_reach, fetch},
};
use crate::{
    checks::Checks,
    clock_skew::{Leeway, check_clock},
    connect_error::ConnectError,
    diagnosis::{Diagnosis, SettingNames},
    endpoint_setting::EndpointSetting,
    http_probe::HttpProbe,
};

/// An issuer according to the settings.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    /// Prefix of the names of its checks.
    pub label: String,
    /// Names of its settings `issuer`, `internal_url` and `ca_file`.
    pub names: SettingNames,
    /// The configured issuer identifier.
    pub issuer: String,
    /// URL at which this process reaches it, if that differs.
    pub internal_url: Option<String>,
    /// Who has to reach it.
    pub reached_by: ReachedBy,
    /// Where its metadata is published.
    pub metadata_location: MetadataLocation,
}

/// The listener of an issuer that runs on this machine, where `internal_url` leads.
#[derive(Clone, Debug)]
pub struct OwnListener {
    /// The setting with its address.
    pub setting: &'static str,
    /// Connects to it.
    pub probe: HttpProbe,
}

/// Who has to reach an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReachedBy {
    /// Only this process.
    ThisProcess,
    /// Also the users' browsers, at the issuer identifier.
    Browsers,
}

/// Where the server itself looks for the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataLocation {
    /// According to RFC 8414, or OpenID Connect Discovery if that responds with 404.
    OAuthOrOpenId,
    /// According to OpenID Connect Discovery.
    OpenId,
}

/// An issuer whose metadata has the configured identifier. Secrets may be sent to it.
#[derive(Clone, Debug)]
pub struct ConfirmedIssuer {
    pub(crate) at: IssuerConfig,
    pub(crate) issuer: Issuer,
    pub(crate) metadata: AuthorizationServerMetadata,
    pub(crate) probe: HttpProbe,
    /// The setting that says where this process reaches it.
    setting: &'static str,
}

impl IssuerConfig {
    /// Returns the name of a check of this issuer.
    #[must_use]
    pub fn check(&self, what: &str) -> String {
        format!("{}: {what}", self.label)
    }
}

impl ConfirmedIssuer {
    /// Returns the name of a check of this issuer.
    #[must_use]
    pub fn check(&self, what: &str) -> String {
        self.at.check(what)
    }

    /// Returns its settings.
    #[must_use]
    pub fn config(&self) -> &IssuerConfig {
        &self.at
    }

    /// Returns the probe that its metadata was fetched with.
    #[must_use]
    pub fn probe(&self) -> &HttpProbe {
        &self.probe
    }

    /// Returns `scopes_supported`, empty if the metadata has none.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.metadata.scopes_supported
    }

    /// Diagnoses an unreachable endpoint of an issuer whose metadata is reachable.
    pub(crate) fn diagnose_unreachable(&self, url: &Url, error: &ConnectError) -> Diagnosis {
        let setting = self.setting;
        let advice =
            "the metadata is reachable, this endpoint is not: check proxies and firewalls in between"
                .to_owned();
        error.diagnose(url.as_str(), &EndpointSetting { names: &self.at.names, setting, advice })
    }

    /// Returns `token_endpoint_auth_methods_supported`, empty if the metadata has none.
    #[must_use]
    pub fn auth_methods(&self) -> &[String] {
        &self.metadata.token_endpoint_auth_methods_supported
    }

    /// Returns the URL of one of its endpoints from this process. If it cannot be used, records a
    /// failed check.
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
            None => "the metadata has none".to_owned(),
        };
        let compared = format!(
            "`{name}` in the metadata of {}, and a usable endpoint",
            self.issuer.identifier()
        );
        let advice = "use an issuer that has this endpoint, or correct its metadata";
        let change = self.at.names.change("issuer", advice);
        checks.fail(
            self.check(check),
            format!("its {name} cannot be used"),
            Diagnosis::new(compared, "a URL that can be called", reason, change),
        );
        None
    }
}

/// Checks everything about an issuer that needs no credentials. Returns `None` if its identity is
/// not confirmed: no secret may be sent to it then (mix-up attack, RFC 9700 §4.4).
pub async fn check_issuer(
    checks: &mut Checks,
    at: &IssuerConfig,
    probe: &Result<HttpProbe, HttpClientError>,
    leeway: Leeway<'_>,
) -> Option<ConfirmedIssuer> {
    check_issuer_at(checks, at, probe, None, leeway).await
}

/// Checks an issuer as [`check_issuer`] does, from the machine that it runs on.
pub async fn check_own_issuer(
    checks: &mut Checks,
    at: &IssuerConfig,
    probe: &Result<HttpProbe, HttpClientError>,
    own: &OwnListener,
    leeway: Leeway<'_>,
) -> Option<ConfirmedIssuer> {
    check_issuer_at(checks, at, probe, Some(own), leeway).await
}

async fn check_issuer_at(
    checks: &mut Checks,
    at: &IssuerConfig,
    probe: &Result<HttpProbe, HttpClientError>,
    own: Option<&OwnListener>,
    leeway: Leeway<'_>,
) -> Option<ConfirmedIssuer> {
    let setting = match own {
        Some(own) => own.setting,
        None if at.internal_url.is_some() => "internal_url",
        None => "issuer",
    };
    let probe = match probe {
        Ok(probe) => probe.clone(),
        Err(error) => {
            let compared = format!("the setting `{}` and the file", at.names.name("ca_file"));
            let change =
                at.names.change("ca_file", "set it to a PEM file with the trusted authorities");
            checks.fail(
                at.check("certificates"),
                "cannot load the certificate authorities",
                Diagnosis::new(compared, "certificates in PEM", error.to_string(), change),
            );
            return None;
        }
    };
    let (internal, public) = match issuers(at) {
        Ok(issuers) => issuers,
        Err((setting, problem, value)) => {
            let compared =
                format!("the setting `{}` and the rules for issuer URLs", at.names.name(setting));
            let change = at.names.change(setting, "use an absolute URL without query and fragment");
            checks.fail(
                at.check("settings"),
                problem,
                Diagnosis::new(compared, "https://host/path", value, change),
            );
            return None;
        }
    };
    let internal_probe = own.map_or(&probe, |own| &own.probe);
    let [internal_result, public_result] = match &public {
        Some(public) => {
            let (one, other) = tokio::join!(
                fetch(internal_probe, &internal, at.metadata_location),
                fetch(&probe, public, at.metadata_location)
            );
            [Some(one), Some(other)]
        }
        None => [Some(fetch(internal_probe, &internal, at.metadata_location).await), None],
    };
    let reply = check_reach(checks, at, setting, internal_result?, public_result)?;
    let MetadataResponse { url, reply } = reply;
    let metadata = read_metadata(checks, at, setting, &url, &reply)?;
    check_clock(checks, &at.check("clock"), &reply, leeway);
    let probe = internal_probe.clone();
    Some(ConfirmedIssuer { at: at.clone(), issuer: internal, metadata, probe, setting })
}

type Unusable<'a> = (&'static str, &'static str, &'a str);

/// Returns the issuer as this process reaches it, and as others reach it if that differs.
fn issuers(at: &IssuerConfig) -> Result<(Issuer, Option<Issuer>), Unusable<'_>> {
    let public = Issuer::new(at.issuer.clone(), None)
        .map_err(|problem| ("issuer", problem, at.issuer.as_str()))?;
    match at.internal_url.as_deref() {
        None => Ok((public, None)),
        Some(url) => {
            let internal = Issuer::new(at.issuer.clone(), Some(url));
            Ok((internal.map_err(|problem| ("internal_url", problem, url))?, Some(public)))
        }
    }
}
