use std::{net::TcpListener, ops::Deref};

use aws_lc_rs::rand;
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt,
    core::{IntoContainerPort, WaitFor},
    runners::AsyncRunner,
};

use crate::{Control, StartError};

const HTTP: u16 = 9_000;
const CONTROL: u16 = 9_005;
const SETTING: &str = "GATEPASS__AUTH_SERVER__";
/// C logs this line once it is ready, or, with a late issuer, once it waits for it.
const STARTED: &str = "auth-server starts to serve";

/// An authorization server in a container, with the methods of [`Control`]. The container is
/// removed when it is dropped.
///
/// ```no_run
/// use gatepass_testkit::{GatepassContainer, Mint};
///
/// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
/// let gatepass = GatepassContainer::builder("gatepass", "local").start().await?;
/// let token = gatepass.mint(Mint::access("service-a")).await?;
/// # let _ = token;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct GatepassContainer {
    control: Control,
    issuer: String,
    container: ContainerAsync<GenericImage>,
}

/// The settings of a container. See [`GatepassContainer::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `start`"]
pub struct GatepassContainerBuilder {
    image: (String, String),
    issuer: Option<String>,
    network: Option<(String, String)>,
    settings: Vec<(String, String)>,
}

impl GatepassContainer {
    /// Returns the settings of a container of this image, which `docker build -t gatepass:local .`
    /// in the repository builds.
    pub fn builder(image: impl Into<String>, tag: impl Into<String>) -> GatepassContainerBuilder {
        GatepassContainerBuilder {
            image: (image.into(), tag.into()),
            issuer: None,
            network: None,
            settings: Vec::new(),
        }
    }

    /// Returns the issuer identifier.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the container.
    #[must_use]
    pub fn container(&self) -> &ContainerAsync<GenericImage> {
        &self.container
    }
}

impl GatepassContainerBuilder {
    /// The issuer identifier. Without one, it is `http://localhost` with a free port of this
    /// machine, at which the container is reachable. Containers of one network use
    /// `http://NAME:9000` with the name of [`GatepassContainerBuilder::network`].
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Adds the container to a network under this name.
    pub fn network(mut self, network: impl Into<String>, name: impl Into<String>) -> Self {
        self.network = Some((network.into(), name.into()));
        self
    }

    /// Changes a setting of the server: `setting("tokens.access_token_ttl_seconds", "60")`.
    pub fn setting(mut self, name: &str, value: impl Into<String>) -> Self {
        let name = name.to_ascii_uppercase().replace('.', "__");
        self.settings.push((format!("{SETTING}{name}"), value.into()));
        self
    }

    /// Starts the container and waits until the server listens.
    ///
    /// # Errors
    /// Returns an error if the container does not start, or ends.
    pub async fn start(self) -> Result<GatepassContainer, StartError> {
        // Port 0 would let the engine choose, but the issuer must be known at the start.
        let port = free_port().map_err(StartError::new)?;
        // The engine publishes no other port beside one that is mapped.
        let control_port = free_port().map_err(StartError::new)?;
        let issuer = self.issuer.unwrap_or_else(|| format!("http://localhost:{port}"));
        let token = random_token()?;
        let (name, tag) = self.image;
        let mut request = GenericImage::new(name, tag)
            .with_wait_for(WaitFor::message_on_either_std(STARTED))
            .with_mapped_port(control_port, CONTROL.tcp())
            .with_mapped_port(port, HTTP.tcp())
            // An empty environment variable counts as unset.
            .with_cmd(["auth-server", "--set", "tls_listen="]);
        let own = [
            ("ISSUER", issuer.as_str()),
            ("LISTEN", "0.0.0.0:9000"),
            ("ALLOWED_HOSTS", "localhost,127.0.0.1"),
            ("CONTROL__LISTEN", "0.0.0.0:9005"),
            ("CONTROL__TOKEN", token.as_str()),
        ];
        for (name, value) in own {
            request = request.with_env_var(format!("{SETTING}{name}"), value);
        }
        for (name, value) in self.settings {
            request = request.with_env_var(name, value);
        }
        if let Some((network, name)) = self.network {
            request = request.with_network(network).with_container_name(name);
        }
        let container = request.start().await.map_err(StartError::new)?;
        let host = container.get_host().await.map_err(StartError::new)?;
        let control = Control::with_token(&format!("http://{host}:{control_port}"), token);
        Ok(GatepassContainer { control: control.map_err(StartError::new)?, issuer, container })
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The control API is published on all interfaces of this machine.
fn random_token() -> Result<String, StartError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes)
        .map_err(|_| StartError::new("the system random number generator failed"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Deref for GatepassContainer {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}
