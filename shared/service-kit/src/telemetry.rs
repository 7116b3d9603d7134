//! Logs as lines for people or JSON for programs, and spans to an OpenTelemetry collector.

use std::{io::IsTerminal, sync::OnceLock, time::Duration};

use flow_events::TraceContext;
use opentelemetry::{
    Context,
    trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
    },
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::ParseError, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::{UnsafeSetting, plain_http_url};

/// How a service logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// `pretty` or `json`.
    pub format: LogFormat,
    /// What is logged, as `tracing-subscriber`'s `EnvFilter` writes it: `info`, or
    /// `warn,auth_server=debug`.
    pub filter: String,
    /// An OpenTelemetry collector for HTTP, with its path: `http://collector:4318/v1/traces`.
    pub otlp_endpoint: Option<String>,
}

impl LogSettings {
    /// A finding if spans, which tell who calls whom, go to another machine in plain http.
    #[must_use]
    pub fn unsafe_setting(&self) -> Option<UnsafeSetting> {
        self.otlp_endpoint.as_deref().and_then(|url| plain_http_url("log.otlp_endpoint", url))
    }

    /// Read all that [`begin`] reads.
    ///
    /// # Errors
    /// [`TelemetryError`] when a setting cannot be used.
    pub fn validate(&self) -> Result<(), TelemetryError> {
        self.filter()?;
        self.otlp_endpoint.as_deref().map_or(Ok(()), |endpoint| exporter(endpoint).map(drop))
    }

    fn filter(&self) -> Result<EnvFilter, ParseError> {
        EnvFilter::builder().parse(&self.filter)
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For programs, one object a line.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Pretty, filter: "info".to_owned(), otlp_endpoint: None }
    }
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("the setting `log.filter` cannot be read: {0}")]
    Filter(#[from] ParseError),
    /// The exporter cannot be built.
    #[error("spans cannot be sent to `log.otlp_endpoint`: {0}")]
    Exporter(String),
    /// Something else has begun to log already.
    #[error("logging has begun already: {0}")]
    AlreadyInitialized(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends what is left when it is dropped.
#[must_use = "spans that wait to be sent are lost when this is dropped too early"]
pub struct Telemetry(Option<SdkTracerProvider>);

static EXPORTING: OnceLock<()> = OnceLock::new();

/// Begin to log. Once for a process.
///
/// # Errors
/// [`TelemetryError`] when a setting cannot be used.
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
    if provider.is_some() {
        EXPORTING.get_or_init(|| ());
    }
    Ok(Telemetry(provider))
}

fn provider(service: &'static str, endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter(endpoint)?)
        .with_resource(Resource::builder().with_service_name(service).build())
        .build())
}

fn exporter(endpoint: &str) -> Result<SpanExporter, TelemetryError> {
    let endpoint = endpoint.to_owned();
    // The exporter's client is a blocking one, which must not be built or dropped on a thread of
    // the async runtime.
    let built = std::thread::spawn(move || {
        let client =
            reqwest::blocking::Client::builder().timeout(Duration::from_secs(5)).no_proxy();
        // Plain http to a collector nearby needs no authorities, and an image from scratch has
        // none.
        let client =
            if endpoint.starts_with("http://") { client.tls_certs_only([]) } else { client };
        let client = client.build().map_err(|error| error.to_string())?;
        SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .build()
            .map_err(|error| error.to_string())
    });
    built
        .join()
        .unwrap_or_else(|_| Err("the exporter could not be started".to_owned()))
        .map_err(TelemetryError::Exporter)
}

/// Do spans go to a collector?
pub(crate) fn is_exported() -> bool {
    EXPORTING.get().is_some()
}

/// Hang a request's span under its caller's, and tell under which name the collector will know it.
pub(crate) fn join_trace(
    span: &tracing::Span,
    incoming: Option<TraceContext>,
) -> Option<TraceContext> {
    EXPORTING.get()?;
    if let Some(parent) = incoming.and_then(remote_parent) {
        // An error means that no collector listens to this span.
        let _ = span.set_parent(parent);
    }
    let own = span.context().span().span_context().clone();
    TraceContext::parse(&format!(
        "00-{}-{}-{:02x}",
        own.trace_id(),
        own.span_id(),
        own.trace_flags().to_u8()
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
            // Nothing is left to log with when this fails.
            let _ = provider.shutdown();
        }
    }
}
