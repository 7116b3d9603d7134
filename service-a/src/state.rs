use std::sync::Arc;

use pages::Pages;

use crate::{
    b_client::{BClient, Legacy},
    services::Website,
    settings::Targets,
};

/// What the endpoints share.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub b: BClient,
    pub targets: Targets,
    /// Present only in the demonstration of the old way.
    pub legacy: Option<Legacy>,
    pub website: Arc<Website>,
    pub pages: Pages,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
