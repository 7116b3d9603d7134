//! The settings of all servers, and how each gets the addresses of the others.

mod environment;
mod roles;
mod wechat;

pub use roles::demo_roles;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use auth_server::{AuthServerSettings, DEMO_CLIENTS, dev_ca_certificate, settings::CompatSettings};
use flow_viewer::FlowViewerSettings;
use service_a::ServiceASettings;
use service_b::{ServiceBSettings, settings::Mode};
use service_kit::TlsFiles;
use url::Url;

/// The URLs of A and both Bs in the demo's clients file.
const DEMO_URLS: [&str; 3] =
    ["http://localhost:9001", "http://localhost:9002", "http://localhost:9003"];
/// What the certificate of A, both Bs and the viewer is valid for. The first names its files.
pub(crate) const CERTIFICATE_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The settings of all servers.
#[derive(Clone, Debug)]
pub struct StackSettings {
    pub auth_server: AuthServerSettings,
    pub service_a: ServiceASettings,
    pub b_local: ServiceBSettings,
    pub b_introspection: ServiceBSettings,
    pub flow_viewer: FlowViewerSettings,
    /// Whether issuer, redirect URI and resource identifiers use the bound ports, so that browsers
    /// and other programs reach them. Otherwise they stay as configured.
    pub urls_from_ports: bool,
    /// Environment variables that override what the stack itself sets.
    environment: Vec<(String, String)>,
    https: bool,
}

/// The addresses at which the servers listen.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The address of the issuer. With https, that of the TLS listener.
    pub auth_server: SocketAddr,
    pub auth_server_tls: SocketAddr,
    pub service_a: SocketAddr,
    pub b_local: SocketAddr,
    pub b_introspection: SocketAddr,
    pub flow_viewer: SocketAddr,
}

/// The URLs of the servers for browsers and other programs.
#[derive(Clone, Debug)]
pub struct Urls {
    pub issuer: String,
    /// Where servers reach C.
    pub auth_server_tls: String,
    pub service_a: String,
    /// Where this process reaches A, if `service_a` is the address of a proxy.
    pub service_a_local: String,
    pub b_local: String,
    pub b_introspection: String,
    pub flow_viewer: String,
    /// The certificate of the development CA, if the servers serve https.
    pub ca_file: Option<PathBuf>,
}

impl StackSettings {
    /// The demo's settings: the documented ports, all data in `folder`. The calls without OAuth are
    /// on, because the lesson begins with them.
    pub fn demo(folder: &Path) -> Self {
        let auth_server = AuthServerSettings {
            data_dir: folder.to_owned(),
            test_controls: true,
            compat: CompatSettings { wechat: true, ..CompatSettings::default() },
            ..AuthServerSettings::default()
        };
        let b = ServiceBSettings::default();
        let b_introspection = ServiceBSettings {
            mode: Mode::Introspection,
            listen: "127.0.0.1:9003".to_owned(),
            resource: "http://localhost:9003".to_owned(),
            ..b.clone()
        };
        let service_a = ServiceASettings {
            data_dir: folder.to_owned(),
            legacy_secret_demo: true,
            ..ServiceASettings::default()
        };
        Self {
            auth_server,
            service_a,
            b_local: ServiceBSettings { legacy_secret_demo: true, ..b },
            b_introspection,
            flow_viewer: FlowViewerSettings::default(),
            urls_from_ports: false,
            environment: Vec::new(),
            https: false,
        }
    }

    /// The demo's settings on free ports. Issuer and resource identifiers stay as in the demo.
    pub fn on_free_ports(folder: &Path) -> Self {
        let mut settings = Self::demo(folder);
        let free = || "127.0.0.1:0".to_owned();
        settings.auth_server.listen = free();
        settings.auth_server.tls_listen = free();
        settings.service_a.listen = free();
        settings.b_local.listen = free();
        settings.b_introspection.listen = free();
        settings.flow_viewer.listen = free();
        settings
    }

    /// Serves https everywhere, with certificates of the development CA. The issuer is the address
    /// of C's TLS listener, and the plain one is off: an issuer is one address
    /// (`docs/decisions/0044-https-demo.md`).
    #[must_use]
    pub fn with_https(mut self) -> Self {
        self.auth_server.listen = String::new();
        self.urls_from_ports = true;
        self.https = true;
        self
    }

    /// Turns the management listener of each server on: 9100 for C, 9101 for A, 9102 and 9103 for
    /// the Bs, 9104 for the viewer.
    #[must_use]
    pub fn with_management(mut self) -> Self {
        for (port, listen) in (9_100..).zip(self.manage_listen_settings()) {
            *listen = format!("127.0.0.1:{port}");
        }
        self
    }

    /// Turns the management listener of each server on, on free ports.
    #[must_use]
    pub fn with_management_on_free_ports(mut self) -> Self {
        for listen in self.manage_listen_settings() {
            "127.0.0.1:0".clone_into(listen);
        }
        self
    }

    fn manage_listen_settings(&mut self) -> [&mut String; 5] {
        [
            &mut self.auth_server.manage_listen,
            &mut self.service_a.manage_listen,
            &mut self.b_local.manage_listen,
            &mut self.b_introspection.manage_listen,
            &mut self.flow_viewer.manage_listen,
        ]
    }

    /// Returns whether all servers serve https.
    #[must_use]
    pub fn https(&self) -> bool {
        self.https
    }

    /// Returns the URLs of the servers. [`StackSettings::connect`] has set them.
    pub(crate) fn urls(&self, at: &Addresses) -> Urls {
        Urls {
            issuer: self.auth_server.issuer(),
            auth_server_tls: format!("https://localhost:{}", at.auth_server_tls.port()),
            service_a: self.service_a.public_url.clone(),
            service_a_local: self.url(at.service_a),
            b_local: self.service_a.targets.local.url.clone(),
            b_introspection: self.service_a.targets.introspection.url.clone(),
            flow_viewer: self.url(at.flow_viewer),
            ca_file: self.https.then(|| dev_ca_certificate(&self.auth_server)),
        }
    }

    /// Returns the URL of a server on this machine.
    fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://localhost:{}", address.port())
    }

    /// Returns the folder of the certificate of A, both Bs and the viewer.
    pub(crate) fn certificate_folder(&self) -> PathBuf {
        self.auth_server.data_dir.join("https")
    }

    /// Configures each server with the addresses of the others. What the environment sets, it
    /// overrides.
    ///
    /// # Errors
    /// Returns an error if a variable of the environment is not a setting.
    pub(crate) fn connect(&mut self, at: &Addresses) -> anyhow::Result<()> {
        if self.urls_from_ports {
            self.auth_server.issuer = self.url(at.auth_server).parse().context("the issuer")?;
            self.b_local.resource = self.url(at.b_local);
            self.b_introspection.resource = self.url(at.b_introspection);
        }
        if self.https {
            self.use_development_certificate();
        }
        // Other machines must not be able to make A give its secret away.
        let is_loopback = at.service_a.ip().is_loopback() && at.b_local.ip().is_loopback();
        self.service_a.legacy_secret_demo &= is_loopback;
        self.b_local.legacy_secret_demo &= is_loopback;
        let viewer: Option<Url> = Some(self.url(at.flow_viewer).parse().context("the viewer")?);
        self.auth_server.viewer_page_url.clone_from(&viewer);
        self.service_a.viewer_page_url = viewer;
        self.apply_environment_to_c()?;
        self.add_roles();
        let issuer = self.auth_server.issuer();
        let ca_file = Some(dev_ca_certificate(&self.auth_server));
        let auth_server_tls = format!("https://localhost:{}", at.auth_server_tls.port());
        let internal_url = Some(auth_server_tls.clone());
        let urls_from_ports = self.urls_from_ports;
        for b in [&mut self.b_local, &mut self.b_introspection] {
            if urls_from_ports {
                b.issuer.clone_from(&issuer);
            }
            b.internal_url.clone_from(&internal_url);
            b.ca_file.clone_from(&ca_file);
        }
        self.apply_environment_to_bs()?;
        self.service_a.public_url = self.url(at.service_a);
        self.service_a.internal_url.clone_from(&internal_url);
        self.service_a.ca_file.clone_from(&ca_file);
        self.service_a.targets.local.url = self.url(at.b_local);
        self.service_a.targets.introspection.url = self.url(at.b_introspection);
        if urls_from_ports {
            self.service_a.issuer.clone_from(&issuer);
            self.service_a.targets.local.resource.clone_from(&self.b_local.resource);
            self.service_a
                .targets
                .introspection
                .resource
                .clone_from(&self.b_introspection.resource);
        }
        self.apply_environment_to_a()?;
        self.add_wechat(&auth_server_tls, ca_file);
        self.connect_viewer(at, &issuer);
        self.apply_environment_to_viewer()
    }

    fn use_development_certificate(&mut self) {
        let folder = self.certificate_folder();
        let tls = TlsFiles {
            cert_file: Some(folder.join("localhost.pem")),
            key_file: Some(folder.join("localhost-key.pem")),
        };
        let ca_file = Some(dev_ca_certificate(&self.auth_server));
        // C calls A's website for back-channel logout.
        self.auth_server.ca_file.clone_from(&ca_file);
        self.flow_viewer.ca_file = ca_file;
        let files = [
            &mut self.service_a.tls,
            &mut self.b_local.tls,
            &mut self.b_introspection.tls,
            &mut self.flow_viewer.tls,
        ];
        for file in files {
            file.clone_from(&tls);
        }
    }

    fn connect_viewer(&mut self, at: &Addresses, issuer: &str) {
        self.flow_viewer.auth_server.url = self.url(at.auth_server);
        let viewer = &mut self.flow_viewer;
        viewer.service_a.url.clone_from(&self.service_a.public_url);
        viewer.service_a.public_url.clone_from(&self.service_a.public_url);
        viewer.b_local.url.clone_from(&self.service_a.targets.local.url);
        viewer.b_introspection.url.clone_from(&self.service_a.targets.introspection.url);
        if self.urls_from_ports {
            issuer.clone_into(&mut viewer.auth_server.public_url);
            viewer.b_local.public_url.clone_from(&self.b_local.resource);
            viewer.b_introspection.public_url.clone_from(&self.b_introspection.resource);
        }
    }

    /// Returns the demo's clients file with the URLs of these servers, or `None` if C has another
    /// one or the URLs are those of the demo.
    pub(crate) fn own_clients(&self) -> Option<String> {
        let urls = [
            self.service_a.public_url.trim_end_matches('/'),
            &self.b_local.resource,
            &self.b_introspection.resource,
        ];
        let is_needed =
            self.urls_from_ports && self.auth_server.clients_file.is_none() && urls != DEMO_URLS;
        is_needed.then(|| {
            // In two steps, because a URL of one server may be that of another in the demo.
            let marks = ["\u{1}", "\u{2}", "\u{3}"];
            let replace = |text: String, (from, to): (&str, &str)| text.replace(from, to);
            let marked = DEMO_URLS.into_iter().zip(marks).fold(DEMO_CLIENTS.to_owned(), replace);
            marks.into_iter().zip(urls).fold(marked, replace)
        })
    }

    /// Returns the path of [`StackSettings::own_clients`]. Its name contains the issuer, because
    /// demos on free ports may share a data folder.
    pub(crate) fn own_clients_file(&self) -> PathBuf {
        let issuer = self.auth_server.issuer();
        let host = issuer.split_once("://").map_or(issuer.as_str(), |(_, host)| host);
        let host: String =
            host.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        self.auth_server.data_dir.join(format!("clients-{host}.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_without_oauth_are_on_only_at_loopback_addresses() {
        let with_a_at = |address: &str, environment: &[(&str, &str)]| {
            let pairs =
                environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
            let settings = StackSettings::demo(Path::new("data"));
            let mut settings = settings.with_environment(pairs.collect()).unwrap();
            let local: SocketAddr = "127.0.0.1:1".parse().unwrap();
            let addresses = Addresses {
                auth_server: local,
                auth_server_tls: local,
                service_a: address.parse().unwrap(),
                b_local: local,
                b_introspection: local,
                flow_viewer: local,
            };
            settings.connect(&addresses).unwrap();
            [settings.service_a.legacy_secret_demo, settings.b_local.legacy_secret_demo]
        };
        assert_eq!(with_a_at("127.0.0.1:9001", &[]), [true, true]);
        assert_eq!(with_a_at("[::1]:9001", &[]), [true, true]);
        assert_eq!(with_a_at("0.0.0.0:9001", &[]), [false, false]);
        let off = [("GATEPASS__SERVICE_A__LEGACY_SECRET_DEMO", "false")];
        assert_eq!(with_a_at("127.0.0.1:9001", &off), [false, true]);
        let on = [("GATEPASS__SERVICE_A__LEGACY_SECRET_DEMO", "true")];
        assert_eq!(with_a_at("0.0.0.0:9001", &on), [true, false], "as the operator chose");
    }

    #[test]
    fn clients_file_has_the_urls_of_the_servers_even_if_they_swap_ports() {
        let mut settings = StackSettings::demo(Path::new("data"));
        settings.urls_from_ports = true;
        assert_eq!(settings.own_clients(), None);
        settings.service_a.public_url = DEMO_URLS[1].to_owned();
        settings.b_local.resource = DEMO_URLS[0].to_owned();
        let clients = settings.own_clients().unwrap();
        assert!(clients.contains("identifier = \"http://localhost:9001\""), "{clients}");
        assert!(clients.contains("client_uri = \"http://localhost:9002/\""), "{clients}");
        settings.auth_server.clients_file = Some("other.toml".into());
        assert_eq!(settings.own_clients(), None, "C has its own file");
    }
}
