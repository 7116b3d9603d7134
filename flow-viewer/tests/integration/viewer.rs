use clock::Clock;
use flow_events::EventSink;
use flow_viewer::{FlowViewer, FlowViewerSettings};
use service_kit::{BoundListener, CancellationToken};

/// A running viewer, stopped when dropped.
pub struct Viewer {
    pub settings: FlowViewerSettings,
    pub base: String,
    stop: CancellationToken,
}

impl Viewer {
    pub fn start_with(change: impl FnOnce(&mut FlowViewerSettings)) -> Self {
        let bound = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
        let listen = bound.address().to_string();
        let mut settings =
            FlowViewerSettings { listen: listen.clone(), ..FlowViewerSettings::default() };
        change(&mut settings);
        let viewer =
            FlowViewer::prepare(&settings, bound, Clock::system(), EventSink::disabled()).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(viewer.run(stop.clone()));
        Self { settings, base: format!("http://{listen}"), stop }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
