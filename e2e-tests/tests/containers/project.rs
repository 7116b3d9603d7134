use std::{fs, path::PathBuf, process};

use anyhow::{Context, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    binary::repository,
    engine::{self, docker, run},
    image,
    wait::eventually,
};

/// The services, in the order in which they must become healthy.
pub const SERVICES: [&str; 4] = [AUTH_SERVER, B_LOCAL, B_INTROSPECTION, A];
pub const AUTH_SERVER: &str = "auth-server";
pub const B_LOCAL: &str = "service-b-local";
pub const B_INTROSPECTION: &str = "service-b-introspection";
pub const A: &str = "service-a";
pub const FLOW_VIEWER: &str = "flow-viewer";
/// The service of `docker-compose.test.yml`.
pub const TEST_SERVER: &str = "gatepass";

/// A project of a Compose file with a unique name, on free ports. It is removed on drop.
pub struct Project {
    pub name: String,
    image: String,
    file: &'static str,
    services: &'static [&'static str],
    /// Values of variables that the Compose file names.
    variables: Vec<(&'static str, String)>,
    /// Whether the published ports are those of `docker-compose.yml`.
    own_ports: bool,
    changes: PathBuf,
    pub folder: TempDir,
}

impl Project {
    /// Returns a project of `docker-compose.yml` that is not started.
    pub fn new(test: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let name = format!("gatepass-test-{test}-{}", process::id());
        Ok(Self {
            name,
            image: image::built()?,
            file: "docker-compose.yml",
            services: &SERVICES,
            variables: Vec::new(),
            own_ports: false,
            changes: folder.path().join("changes.json"),
            folder,
        })
    }

    /// Returns a project on the documented ports. Only one such test can run at a time.
    #[cfg(feature = "browser")]
    pub fn on_its_own_ports(test: &str) -> anyhow::Result<Self> {
        let mut project = Self::new(test)?;
        project.own_ports = true;
        Ok(project)
    }

    /// Returns a project of `docker-compose.test.yml` that is not started.
    pub fn for_tests(test: &str, issuer: &str, seed: &str) -> anyhow::Result<Self> {
        let mut project = Self::new(test)?;
        project.file = "docker-compose.test.yml";
        project.services = &[TEST_SERVER];
        project.variables =
            vec![("GATEPASS_ISSUER", issuer.to_owned()), ("GATEPASS_SEED", seed.to_owned())];
        Ok(project)
    }

    /// Starts `docker-compose.test.yml` with an issuer and a seed, and waits until it is healthy.
    pub fn up_for_tests(test: &str, issuer: &str, seed: &str) -> anyhow::Result<Self> {
        let project = Self::for_tests(test, issuer, seed)?;
        project.start()?;
        Ok(project)
    }

    /// Starts all services and waits until they are healthy.
    pub fn up(test: &str) -> anyhow::Result<Self> {
        let project = Self::new(test)?;
        project.start()?;
        Ok(project)
    }

    /// Overrides parts of the services, or adds services. JSON is valid YAML.
    pub fn change(&self, services: &Value) -> anyhow::Result<()> {
        Ok(fs::write(&self.changes, serde_json::json!({ "services": services }).to_string())?)
    }

    /// Writes a file that containers can mount.
    pub fn file(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    pub fn start(&self) -> anyhow::Result<()> {
        let up = self.compose(&["up", "--detach", "--no-build"]);
        up.with_context(|| {
            self.compose(&["logs", "--no-color", "--tail", "20"]).unwrap_or_default()
        })?;
        self.services.iter().try_for_each(|service| self.healthy(service))
    }

    pub fn compose(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = engine::compose()?;
        command.args(["--project-name", &self.name, "--project-directory"]).arg(repository());
        command.arg("--file").arg(repository().join(self.file));
        if self.changes.exists() {
            command.arg("--file").arg(&self.changes);
        }
        for port in ["C", "C_TLS", "A", "B_LOCAL", "B_INTROSPECTION", "VIEWER", "CONTROL"] {
            let port = format!("GATEPASS_PORT_{port}");
            match self.own_ports {
                true => command.env_remove(port),
                // Port 0 lets the engine choose, so that tests run in parallel.
                false => command.env(port, "0"),
            };
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        run(command.env("GATEPASS_IMAGE", &self.image).args(arguments))
    }

    /// Returns the id of a service's container, running or not.
    pub fn container(&self, service: &str) -> anyhow::Result<String> {
        let (project, service) =
            (self.label("project", &self.name), self.label("service", service));
        let id = docker(&["ps", "--all", "--quiet", "--filter", &project, "--filter", &service])?;
        ensure!(!id.is_empty() && !id.contains('\n'), "not one container but: `{id}`");
        Ok(id)
    }

    /// Returns the address of a service on the host. A restart changes it.
    pub fn url(&self, service: &str) -> anyhow::Result<String> {
        let port = match service {
            AUTH_SERVER | TEST_SERVER => "9000",
            A => "9001",
            B_LOCAL => "9002",
            FLOW_VIEWER => "9004",
            _ => "9003",
        };
        self.url_of_port(service, port)
    }

    /// Returns the address of one port of a service on the host.
    pub fn url_of_port(&self, service: &str, port: &str) -> anyhow::Result<String> {
        Ok(format!("http://{}", docker(&["port", &self.container(service)?, port])?))
    }

    /// Runs the image once in the network of the project, and returns what it prints.
    pub fn run_in_network(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let network = format!("{}_default", self.name);
        docker(&[&["run", "--rm", "--network", &network, &self.image], arguments].concat())
    }

    pub fn healthy(&self, service: &str) -> anyhow::Result<()> {
        eventually(&format!("{service} healthy"), || {
            let health = docker(&[
                "inspect",
                "--format",
                "{{.State.Health.Status}}",
                &self.container(service)?,
            ])?;
            ensure!(health == "healthy", "{service} is {health}");
            Ok(())
        })
    }

    /// Returns what Docker knows about the container of a service, such as `.State`.
    pub fn inspect(&self, service: &str, part: &str) -> anyhow::Result<Value> {
        let format = format!("{{{{json {part}}}}}");
        let text = docker(&["inspect", "--format", &format, &self.container(service)?])?;
        Ok(serde_json::from_str(&text)?)
    }

    fn label(&self, key: &str, value: &str) -> String {
        format!("label=com.docker.compose.{key}={value}")
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // Ignore errors: a failed test has already reported its own. Remaining containers have the
        // name of the project.
        let _ = self.compose(&["down", "--volumes", "--remove-orphans", "--timeout", "5"]);
    }
}
