/// How much is stored. The oldest flows and tokens are removed first. Bytes are those of events as
/// JSON.
#[derive(Clone, Copy, Debug)]
pub struct FlowLimits {
    pub flows: usize,
    pub events: usize,
    pub bytes: usize,
    pub events_per_flow: usize,
    pub bytes_per_flow: usize,
    /// The traces and `state`s that join a flow.
    pub keys_per_flow: usize,
    pub tokens: usize,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            flows: 500,
            events: 20_000,
            bytes: 16 * 1_024 * 1_024,
            events_per_flow: 600,
            bytes_per_flow: 512 * 1_024,
            keys_per_flow: 100,
            tokens: 2_000,
        }
    }
}
