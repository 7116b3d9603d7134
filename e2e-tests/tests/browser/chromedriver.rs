use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

/// Debian's `chromedriver` on a free port. The process is killed on drop.
pub struct ChromeDriver {
    process: Child,
    pub url: String,
}

/// Chromedriver chooses a free IPv4 port and exits if the IPv6 port of this number is in use.
const ATTEMPTS: usize = 5;

impl ChromeDriver {
    pub fn start() -> Self {
        let started = (0..ATTEMPTS).find_map(|_| Self::try_start());
        started.unwrap_or_else(|| panic!("chromedriver did not print its port"))
    }

    fn try_start() -> Option<Self> {
        let mut command = Command::new(tool("chromedriver", "chromium-driver"));
        let mut process =
            command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = process.stdout.take().unwrap();
        let mut driver = Self { process, url: String::new() };
        driver.url = format!("http://127.0.0.1:{}", port(stdout)?);
        Some(driver)
    }
}

impl Drop for ChromeDriver {
    fn drop(&mut self) {
        // Kill only this process, and wait for its end. It may have exited on its own.
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }
}

/// Reads the port from `ChromeDriver was started successfully on port 12345.` and keeps draining
/// the output.
fn port(stdout: ChildStdout) -> Option<u16> {
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok()
    });
    std::thread::spawn(move || lines.for_each(drop));
    port
}

/// Finds a program on the `PATH`. Panics with the name of the package to install if it is missing.
pub fn tool(name: &str, package: &str) -> PathBuf {
    let folders = env::var_os("PATH").unwrap_or_default();
    let found =
        env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("the browser tests need `{name}`: install Debian's package {package}")
    })
}
