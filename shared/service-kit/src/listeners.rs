use crate::{BindError, BoundListener, Settings, listen::ensure_distinct};

const LISTEN: &str = "listen";
const MANAGE_LISTEN: &str = "manage_listen";

/// The bound listeners of a server with one public listener.
#[derive(Debug)]
pub struct Listeners {
    /// The listener for the server's callers.
    pub public: BoundListener,
    /// The management listener, unless it is off.
    pub manage: Option<BoundListener>,
}

impl Listeners {
    /// Binds `listen` and `manage_listen`.
    ///
    /// # Errors
    /// Returns [`BindError`], which names the setting.
    pub fn bind<S: Settings>(settings: &S) -> Result<Self, BindError> {
        ensure_distinct_listeners(settings)?;
        Ok(Self {
            public: BoundListener::bind(settings.listen(), LISTEN)?,
            manage: BoundListener::bind_management(settings)?,
        })
    }
}

impl BoundListener {
    /// Binds the management listener, unless it is off.
    ///
    /// # Errors
    /// Returns [`BindError`], which names the setting.
    pub fn bind_management<S: Settings>(settings: &S) -> Result<Option<Self>, BindError> {
        let listen = settings.manage_listen();
        (!listen.is_empty()).then(|| Self::bind(listen, MANAGE_LISTEN)).transpose()
    }
}

/// Checks that no two listeners of the settings share an address.
///
/// # Errors
/// Returns an error that names both settings.
pub fn ensure_distinct_listeners<S: Settings>(settings: &S) -> Result<(), BindError> {
    ensure_distinct(&[
        (LISTEN, settings.listen()),
        ("tls_listen", settings.tls_listen()),
        (MANAGE_LISTEN, settings.manage_listen()),
    ])
    .map_err(BindError::SharedAddress)
}
