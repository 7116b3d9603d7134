//! Logging as text or JSON lines on standard error, and export of spans to an OpenTelemetry
//! collector.

mod span_export;

use std::{io::IsTerminal, sync::OnceLock};

use flow_events::TraceContext;
use opentelemetry::{
    Context,
    trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
    },
};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::ParseError, layer::SubscriberExt, util::SubscriberInitExt,
};

use self::span_export::SpanExport;
use crate::{UnsafeSetting, plain_http_url};

/// Log settings of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Format of log lines: `pretty` or `json`.
    pub format: LogFormat,
    /// Filter in the syntax of `tracing_subscriber::EnvFilter`, such as `info` or
    /// `warn,auth_server=debug`.
    pub filter: String,
    /// URL of an OpenTelemetry collector (OTLP over HTTP), such as
    /// `http://collector:4318/v1/traces`. Without it no spans are exported.
    pub otlp_endpoint: Option<String>,
}

impl LogSettings {
    /// Returns an unsafe setting if spans, which show who calls whom, go to another machine over
    /// plain http.
    #[must_use]
    pub fn unsafe_setting(&self) -> Option<UnsafeSetting> {
        self.otlp_endpoint.as_deref().and_then(|url| plain_http_url("log.otlp_endpoint", url))
    }

    /// Checks everything that [`init`] uses.
    ///
    /// # Errors
    /// Returns an error if the filter is malformed or the exporter cannot be built.
    pub fn validate(&self) -> Result<(), TelemetryError> {
        self.filter()?;
        self.otlp_endpoint.as_deref().map_or(Ok(()), |endpoint| SpanExport::to(endpoint).map(drop))
    }

    fn filter(&self) -> Result<EnvFilter, ParseError> {
        EnvFilter::builder().parse(&self.filter)
    }
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text for people.
    Pretty,
    /// One JSON object a line, for programs.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Pretty, filter: "info".to_owned(), otlp_endpoint: None }
    }
}

/// Why logging cannot be initialized.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is malformed.
    #[error("invalid setting `log.filter`: {0}")]
    Filter(#[from] ParseError),
    /// The span exporter cannot be built.
    #[error("cannot export spans to `log.otlp_endpoint`: {0}")]
    Exporter(String),
    /// The process has a logger already.
    #[error("logging is already initialized: {0}")]
    AlreadyInitialized(#[from] tracing_subscriber::util::TryInitError),
}

/// Guard of the telemetry of this process. Dropping it exports the remaining spans, which blocks.
#[must_use = "dropping this ends the export of spans"]
pub struct Telemetry(Option<SdkTracerProvider>);

static EXPORTING: OnceLock<()> = OnceLock::new();
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Initializes logging and tracing. Call it once in a process.
///
/// # Errors
/// Returns an error if a setting cannot be used, or logging is already initialized.
pub fn init(service: &'static str, settings: &LogSettings) -> Result<Telemetry, TelemetryError> {
    let filter = settings.filter()?;
    let provider = settings
        .otlp_endpoint
        .as_deref()
        .map(|endpoint| provider(service, endpoint))
        .transpose()?;
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
        LogFormat::Pretty => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    let spans = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("gatepass")));
    Registry::default().with(lines).with(spans).with(filter).try_init()?;
    FORMAT.get_or_init(|| settings.format);
    if provider.is_some() {
        EXPORTING.get_or_init(|| ());
    }
    Ok(Telemetry(provider))
}

fn provider(service: &'static str, endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(SpanExport::to(endpoint)?)
        .with_resource(Resource::builder().with_service_name(service).build())
        .build())
}

/// Returns whether this process logs JSON, so that its last error has to be JSON too.
pub(crate) fn logs_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json) && tracing::enabled!(tracing::Level::ERROR)
}

/// Returns whether spans are exported to a collector.
pub(crate) fn is_exported() -> bool {
    EXPORTING.get().is_some()
}

/// Makes the caller's span the parent of `span`, and returns the ids that the collector will see.
/// Returns `None` if spans are not exported.
pub(crate) fn join_trace(
    span: &tracing::Span,
    incoming: Option<TraceContext>,
) -> Option<TraceContext> {
    EXPORTING.get()?;
    if let Some(parent) = incoming.and_then(remote_parent) {
        // Fails if the filter has disabled the span. Then there is nothing to export.
        let _ = span.set_parent(parent);
    }
    let exported = span.context().span().span_context().clone();
    TraceContext::parse(&format!(
        "00-{}-{}-{:02x}",
        exported.trace_id(),
        exported.span_id(),
        exported.trace_flags().to_u8()
    ))
}

fn remote_parent(incoming: TraceContext) -> Option<Context> {
    let text = incoming.to_string();
    let mut parts = text.split('-').skip(1);
    let trace_id = TraceId::from_hex(parts.next()?).ok()?;
    let span_id = SpanId::from_hex(parts.next()?).ok()?;
    let parent =
        SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, TraceState::default());
    Some(Context::new().with_remote_span_context(parent))
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            // A failure cannot be logged any more.
            let _ = provider.shutdown();
        }
    }
}
