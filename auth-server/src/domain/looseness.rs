//! Rules that a test server does not apply. Each is named by itself, and there is none by default
//! (`docs/decisions/0054-named-looseness.md`).

use std::collections::BTreeSet;

use oauth_types::{closest_match, is_web_origin};
use url::Url;

use super::{UserLoginConfig, redirect_uri::is_redirectable};

/// The rules that do not apply. Never among them: signatures, single use, PKCE once a client sent
/// it, and the rotation of refresh tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looseness {
    flags: BTreeSet<Flag>,
    /// Clients that can have redirect URIs in plain http at any host.
    plain_http_clients: BTreeSet<String>,
    /// Origins whose pages may read what the pages of public clients may.
    origins: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Flag {
    AnyLoopbackPort,
    AnyRedirect,
    PickUser,
    AnyClient,
    AnyAudience,
    UnlimitedFailures,
    BackchannelHosts,
}

const FLAGS: [(&str, Flag); 7] = [
    ("redirect.any_loopback_port", Flag::AnyLoopbackPort),
    ("redirect.any", Flag::AnyRedirect),
    ("login.pick_user", Flag::PickUser),
    ("client.any", Flag::AnyClient),
    ("audience.any", Flag::AnyAudience),
    ("failures.unlimited", Flag::UnlimitedFailures),
    ("backchannel_hosts", Flag::BackchannelHosts),
];
const PLAIN_HTTP: &str = "redirect.plain_http";
const CORS: &str = "cors";

impl Looseness {
    /// Parses the names.
    ///
    /// # Errors
    /// Returns the index of the wrong name and what is wrong with it.
    pub fn parse(names: &[String]) -> Result<Self, (usize, String)> {
        let mut looseness = Self::default();
        for (index, name) in names.iter().enumerate() {
            looseness.add(name).map_err(|problem| (index, problem))?;
        }
        Ok(looseness)
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        if let Some((_, flag)) = FLAGS.iter().find(|(known, _)| *known == name) {
            self.flags.insert(*flag);
            return Ok(());
        }
        match name.split_once(':') {
            Some((PLAIN_HTTP, client_id)) if !client_id.is_empty() => {
                self.plain_http_clients.insert(client_id.to_owned());
                Ok(())
            }
            Some((CORS, origin)) if is_web_origin(origin) => {
                self.origins.insert(origin.to_owned());
                Ok(())
            }
            Some((CORS, origin)) => Err(format!(
                "`{origin}` is not an origin as browsers send it, such as http://localhost:5173"
            )),
            _ => Err(unknown(name)),
        }
    }

    /// Returns the names, sorted.
    pub fn names(&self) -> Vec<String> {
        let flags = FLAGS.iter().filter(|(_, flag)| self.flags.contains(flag));
        let flags = flags.map(|(name, _)| (*name).to_owned());
        let clients = self.plain_http_clients.iter().map(|id| format!("{PLAIN_HTTP}:{id}"));
        let origins = self.origins.iter().map(|origin| format!("{CORS}:{origin}"));
        let mut names: Vec<String> = flags.chain(clients).chain(origins).collect();
        names.sort_unstable();
        names
    }

    fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// Returns whether a client may use a redirect URI.
    pub fn allows_redirect_to(&self, login: &UserLoginConfig, requested: &str) -> bool {
        login.allows_redirect_to(requested)
            || self.has(Flag::AnyRedirect) && is_redirectable(requested)
            || self.has(Flag::AnyLoopbackPort) && login.differs_in_port_of_loopback(requested)
    }

    /// Returns whether a redirect URI of a client may be in plain http.
    pub fn allows_plain_http(&self, client_id: &str, uri: &str) -> bool {
        let is_http = || Url::parse(uri).is_ok_and(|url| url.scheme() == "http");
        self.plain_http_clients.contains(client_id) && is_redirectable(uri) && is_http()
    }

    /// Returns whether users sign in by a click.
    pub fn lets_users_be_picked(&self) -> bool {
        self.has(Flag::PickUser)
    }

    /// Returns whether an unregistered client id is accepted.
    pub fn accepts_any_client(&self) -> bool {
        self.has(Flag::AnyClient)
    }

    /// Returns whether access tokens can be for unregistered resources.
    pub fn accepts_any_audience(&self) -> bool {
        self.has(Flag::AnyAudience)
    }

    /// Returns whether rate limits do not apply.
    pub fn has_unlimited_failures(&self) -> bool {
        self.has(Flag::UnlimitedFailures)
    }

    /// Returns whether the metadata names the endpoints for servers at the host that asks.
    pub fn has_backchannel_hosts(&self) -> bool {
        self.has(Flag::BackchannelHosts)
    }

    /// Returns whether pages of this origin may read responses.
    pub fn lists_origin(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }
}

fn unknown(name: &str) -> String {
    let forms = [format!("{PLAIN_HTTP}:CLIENT"), format!("{CORS}:ORIGIN")];
    let known = FLAGS.iter().map(|(known, _)| *known).chain(forms.iter().map(String::as_str));
    let nearest = closest_match(name, known.clone());
    match nearest {
        Some(nearest) => format!("there is no looseness `{name}`; did you mean `{nearest}`?"),
        None => {
            let known: Vec<&str> = known.collect();
            format!("there is no looseness `{name}`; there are: {}", known.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(names: &[&str]) -> Looseness {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Looseness::parse(&names).unwrap()
    }

    #[test]
    fn names_are_parsed_and_listed_in_order() {
        let names = [
            "audience.any",
            "backchannel_hosts",
            "client.any",
            "cors:http://localhost:5173",
            "failures.unlimited",
            "login.pick_user",
            "redirect.any",
            "redirect.any_loopback_port",
            "redirect.plain_http:site",
        ];
        let mut reversed = names;
        reversed.reverse();
        assert_eq!(loose(&reversed).names(), names);
        assert!(loose(&[]) == Looseness::default() && loose(&names) != Looseness::default());
        for (wrong, words) in [
            ("client.eny", "did you mean `client.any`?"),
            ("everything", "there are: "),
            ("redirect.plain_http:", "no looseness"),
            ("cors:localhost", "`localhost` is not an origin"),
            ("cors:http://localhost:5173/", "is not an origin"),
        ] {
            let names = ["client.any".to_owned(), wrong.to_owned()];
            let (index, problem) = Looseness::parse(&names).unwrap_err();
            assert!(index == 1 && problem.contains(words), "{problem}");
        }
    }

    #[test]
    fn redirect_uris_are_exact_unless_a_looseness_says_otherwise() {
        let login = UserLoginConfig {
            redirect_uris: vec!["http://localhost:5000/cb".to_owned()],
            ..UserLoginConfig::default()
        };
        let (strict, any_port) = (loose(&[]), loose(&["redirect.any_loopback_port"]));
        let any = loose(&["redirect.any"]);
        for (uri, with_any_port, with_any) in [
            ("http://localhost:5001/cb", true, true),
            ("http://127.0.0.1:5000/cb", false, true),
            ("http://localhost:5001/other", false, true),
            ("https://evil.example/cb", false, true),
            ("javascript:alert(1)", false, false),
            ("data:text/html,x", false, false),
            ("http://localhost:5000/cb#x", false, false),
            ("/cb", false, false),
        ] {
            assert!(!strict.allows_redirect_to(&login, uri), "{uri}");
            assert_eq!(any_port.allows_redirect_to(&login, uri), with_any_port, "{uri}");
            assert_eq!(any.allows_redirect_to(&login, uri), with_any, "{uri}");
        }
        assert!(strict.allows_redirect_to(&login, "http://localhost:5000/cb"));
    }

    #[test]
    fn plain_http_is_for_the_named_client_alone() {
        let looseness = loose(&["redirect.plain_http:site"]);
        assert!(looseness.allows_plain_http("site", "http://site:5000/cb"));
        for (client_id, uri) in [
            ("forum", "http://site:5000/cb"),
            ("site", "ftp://site:5000/cb"),
            ("site", "http://user@site/cb"),
            ("site", "http://site:5000/cb#x"),
        ] {
            assert!(!looseness.allows_plain_http(client_id, uri), "{client_id} {uri}");
        }
    }
}
