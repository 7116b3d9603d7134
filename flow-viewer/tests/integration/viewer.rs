use clock::Clock;
use flow_events::EventSink;
use flow_viewer::{FlowViewer, FlowViewerSettings};
use service_kit::{BoundListener, CancellationToken, Listeners};

/// A running viewer, stopped when dropped.
pub struct Viewer {
    pub settings: FlowViewerSettings,
    pub base: String,
    /// The management listener.
    pub manage: String,
    stop: CancellationToken,
}

impl Viewer {
    pub fn start_with(change: impl FnOnce(&mut FlowViewerSettings)) -> Self {
        let public = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
        let manage = BoundListener::bind("127.0.0.1:0", "manage_listen").unwrap();
        let [listen, manage_listen] = [&public, &manage].map(|bound| bound.address().to_string());
        let (base, at) = (format!("http://{listen}"), format!("http://{manage_listen}"));
        let mut settings =
            FlowViewerSettings { listen, manage_listen, ..FlowViewerSettings::default() };
        change(&mut settings);
        let listeners = Listeners { public, manage: Some(manage) };
        let viewer =
            FlowViewer::prepare(&settings, listeners, Clock::system(), EventSink::disabled())
                .unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(viewer.run(stop.clone()));
        Self { settings, base, manage: at, stop }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
