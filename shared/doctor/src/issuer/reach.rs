//! Is it reached from here, and is it reached where browsers go?

use oauth_types::{AuthorizationServerMetadata, Issuer};
use service_kit::is_loopback_url;
use url::Url;

use super::{IssuerConfig, MetadataLocation, ReachedBy};
use crate::{
    checks::Checks,
    connect_error::{ConnectError, Way, bare},
    diagnosis::Diagnosis,
    http_probe::{HttpProbe, ProbeResponse},
};

/// An answer, and whose.
pub(super) struct Outcome {
    pub(super) url: String,
    pub(super) reply: ProbeResponse,
}

pub(super) type Answer = Result<Outcome, (String, ConnectError)>;

/// The metadata, looked for where the service looks for it.
pub(super) async fn fetch(
    wire: &HttpProbe,
    issuer: &Issuer,
    metadata_location: MetadataLocation,
) -> Answer {
    let [oauth, openid] = issuer.metadata_urls();
    let first = match metadata_location {
        MetadataLocation::OAuthOrOpenId => get(wire, &oauth).await,
        MetadataLocation::OpenId => return get(wire, &openid).await,
    };
    match first {
        Ok(Outcome { reply: ProbeResponse { status: 404, .. }, .. }) => get(wire, &openid).await,
        other => other,
    }
}

async fn get(wire: &HttpProbe, url: &str) -> Answer {
    match wire.get(url).await {
        Ok(reply) => Ok(Outcome { url: url.to_owned(), reply }),
        Err(why) => Err((url.to_owned(), why)),
    }
}

/// Say whether it is reached, by the way that is configured for this process and by its own name.
pub(super) fn check_reach(
    checks: &mut Checks,
    at: &IssuerConfig,
    inside: Answer,
    outside: Option<Answer>,
) -> Option<Outcome> {
    let check = at.check("reached");
    let outcome = match (inside, &outside) {
        (Ok(outcome), _) => {
            checks.ok(check, bare(&outcome.url));
            Some(outcome)
        }
        (Err((url, why)), Some(Ok(_))) => {
            let compared = format!(
                "the settings `{}` and `{}`",
                at.names.name("internal_url"),
                at.names.name("issuer")
            );
            let advice = "leave it out: the issuer answers under its own name; or write where it is reached from here";
            let finding = match &why {
                why if why.is_somebody() => why.finding(&url, &way(at)),
                why => Diagnosis::new(
                    compared,
                    "an answer at both",
                    why.words(),
                    at.names.change("internal_url", advice),
                ),
            };
            checks.fail(check, format!("not at {}: {}", bare(&url), why.words()), finding);
            None
        }
        (Err((url, why)), _) => {
            checks.fail(
                check,
                format!("not at {}: {}", bare(&url), why.words()),
                why.finding(&url, &way(at)),
            );
            None
        }
    };
    look_outside(checks, at, outside);
    outcome
}

fn way(at: &IssuerConfig) -> Way<'_> {
    let (setting, value) = match &at.internal_url {
        Some(url) => ("internal_url", url),
        None => ("issuer", &at.issuer),
    };
    let own = Url::parse(value).is_ok_and(|url| is_loopback_url(&url));
    let advice = match (own, &at.internal_url) {
        (true, None) => {
            "start the issuer; in a container localhost is the container itself: set `internal_url` to where the issuer is reached from there, and leave `issuer` as it is"
        }
        (true, Some(_)) => {
            "start the issuer; in a container localhost is the container itself: write the name that the issuer has there"
        }
        (false, _) => "start the issuer, or write the host and the port that it has from here",
    };
    Way { names: &at.names, setting, advice: advice.to_owned() }
}

/// What browsers meet can be guessed only: they are elsewhere. What is sure is told, and what is
/// odd is a warning.
fn look_outside(checks: &mut Checks, at: &IssuerConfig, outside: Option<Answer>) {
    if at.reached_by == ReachedBy::ThisProcess {
        return;
    }
    let check = at.check("browsers");
    let Ok(own) = Url::parse(&at.issuer) else { return };
    if let Some(host) = own.domain().filter(|host| !host.contains('.') && !is_loopback_url(&own)) {
        let compared =
            format!("the host of `{}` and the names that browsers know", at.names.name("issuer"));
        let advice = "use the name that browsers know, everywhere the same; where this process reaches the issuer is `internal_url`";
        let finding = Diagnosis::new(
            compared,
            "a host that the world knows, or localhost",
            host,
            at.names.change("issuer", advice),
        );
        return checks.warn(
            check,
            format!("`{host}` looks like a name of this network alone"),
            finding,
        );
    }
    match outside {
        None => checks.ok(check, "they go where this process goes"),
        Some(Ok(Outcome { url, reply })) => check_namesake(checks, at, &url, &reply),
        Some(Err((url, why))) if why.is_somebody() => {
            checks.ok(
                check,
                format!(
                    "{} answers, with a certificate that browsers judge for themselves",
                    bare(&url)
                ),
            );
        }
        Some(Err(_)) if is_loopback_url(&own) => {
            checks.ok(
                check,
                format!("{} is theirs alone, as in a container it should be", at.issuer),
            );
        }
        Some(Err((url, why))) => {
            let compared = format!("{} and what this process meets there", bare(&url));
            let advice = "open it in a browser: if that fails too, nobody can log in";
            let finding = Diagnosis::new(
                compared,
                "an answer, unless browsers are in another network",
                why.words(),
                at.names.change("issuer", advice),
            );
            checks.warn(check, "not reached from here under its own name", finding);
        }
    }
}

/// Both addresses should lead to the same issuer.
fn check_namesake(checks: &mut Checks, at: &IssuerConfig, url: &str, reply: &ProbeResponse) {
    let check = at.check("browsers");
    let named = serde_json::from_slice::<AuthorizationServerMetadata>(&reply.body)
        .ok()
        .map(|metadata| metadata.issuer);
    match named.filter(|_| reply.status == 200) {
        Some(name) if name == at.issuer => {
            checks.ok(check, format!("{} is the same issuer", bare(url)))
        }
        found => {
            let compared = format!(
                "what answers at {} and the setting `{}`",
                bare(url),
                at.names.name("issuer")
            );
            let found = found.unwrap_or_else(|| format!("status {} and no metadata", reply.status));
            let change =
                at.names.change("issuer", "browsers and this process must reach the same issuer");
            checks.fail(
                check,
                "another server answers where browsers go",
                Diagnosis::new(compared, &at.issuer, found, change),
            );
        }
    }
}
