use std::io;

use crate::{
    BindError, BoundListener, Settings,
    listen::{check_format, ensure_distinct},
};

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

/// Checks that the listeners of the settings have addresses, and that no two of them share one.
///
/// # Errors
/// Returns an error that names the setting or both settings.
pub fn ensure_distinct_listeners<S: Settings>(settings: &S) -> Result<(), BindError> {
    let listeners = [
        (LISTEN, settings.listen()),
        ("tls_listen", settings.tls_listen()),
        (MANAGE_LISTEN, settings.manage_listen()),
        ("control.listen", settings.control_listen()),
    ];
    for (setting, address) in listeners.into_iter().filter(|(_, address)| !address.is_empty()) {
        check_format(address).map_err(|problem| BindError::Refused {
            address: address.to_owned(),
            setting,
            reason: io::Error::new(io::ErrorKind::InvalidInput, problem),
        })?;
    }
    ensure_distinct(&listeners).map_err(BindError::SharedAddress)
}
