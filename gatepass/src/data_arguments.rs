//! The option for the data folder of the demo.

use std::path::{Path, PathBuf};

const DEFAULT: &str = "gatepass-data";
/// The settings that the option sets, as variables of the environment.
const VARIABLES: [&str; 2] = ["GATEPASS__AUTH_SERVER__DATA_DIR", "GATEPASS__SERVICE_A__DATA_DIR"];

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct DataArguments {
    /// The folder of the database, the keys and the development CA. Default: `data_dir` of the
    /// environment, or `gatepass-data`
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl DataArguments {
    pub(crate) fn folder(&self) -> &Path {
        self.data_dir.as_deref().unwrap_or(Path::new(DEFAULT))
    }

    /// Removes the variables that the option overrides: what a command line says comes before the
    /// environment, which may be that of an image.
    pub(crate) fn without_data_dir(
        &self,
        mut environment: Vec<(String, String)>,
    ) -> Vec<(String, String)> {
        // The loader ignores the case of names.
        let is_overridden = |name: &str| VARIABLES.contains(&&*name.to_ascii_uppercase());
        environment.retain(|(name, _)| self.data_dir.is_none() || !is_overridden(name));
        environment
    }
}
