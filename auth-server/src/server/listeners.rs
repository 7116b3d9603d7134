use service_kit::{BindError, BoundListener, ensure_distinct_listeners};

use crate::AuthServerSettings;

/// The bound listeners of C. At least one of the public ones is on.
pub struct Listeners {
    /// The plain HTTP listener, unless it is off.
    pub http: Option<BoundListener>,
    /// The TLS listener, unless it is off.
    pub tls: Option<BoundListener>,
    /// The management listener, unless it is off.
    pub manage: Option<BoundListener>,
    /// The listener of the control API, unless it is off.
    pub control: Option<BoundListener>,
}

impl Listeners {
    /// Binds the addresses of the settings.
    ///
    /// # Errors
    /// Returns [`BindError`], which names the setting.
    pub fn bind(settings: &AuthServerSettings) -> Result<Self, BindError> {
        ensure_distinct_listeners(settings)?;
        Ok(Self {
            http: bind_unless_off(&settings.listen, "listen")?,
            tls: bind_unless_off(&settings.tls_listen, "tls_listen")?,
            manage: BoundListener::bind_management(settings)?,
            control: bind_unless_off(&settings.control.listen, "control.listen")?,
        })
    }

    /// Returns the scheme and port of each public listener.
    #[must_use]
    pub fn public_ports(&self) -> Vec<(&'static str, u16)> {
        let port = |bound: &BoundListener| bound.address().port();
        let http = self.http.as_ref().map(|bound| ("http", port(bound)));
        http.into_iter().chain(self.tls.as_ref().map(|bound| ("https", port(bound)))).collect()
    }

    /// Replaces the port 0 of an issuer by the port that the system chose for its listener.
    #[must_use]
    pub fn with_issuer_port(&self, mut settings: AuthServerSettings) -> AuthServerSettings {
        let issuer = &mut settings.issuer;
        let listener = if issuer.scheme() == "https" { &self.tls } else { &self.http };
        if let (Some(0), Some(bound)) = (issuer.port(), listener) {
            // A URL with a port can have another.
            let _ = issuer.set_port(Some(bound.address().port()));
        }
        settings
    }
}

fn bind_unless_off(
    listen: &str,
    setting: &'static str,
) -> Result<Option<BoundListener>, BindError> {
    (!listen.is_empty()).then(|| BoundListener::bind(listen, setting)).transpose()
}
