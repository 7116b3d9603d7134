use std::time::{Duration, Instant};

use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter as Exporter},
};

use super::TelemetryError;
use crate::log_limit::LogLimit;

/// Exports spans to a collector and logs failures, which the SDK drops silently.
#[derive(Debug)]
pub(super) struct SpanExport {
    exporter: SpanExporter,
    failures: LogLimit,
}

impl SpanExport {
    pub(super) fn to(endpoint: &str) -> Result<Self, TelemetryError> {
        Ok(Self { exporter: exporter(endpoint)?, failures: LogLimit::default() })
    }
}

impl Exporter for SpanExport {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        if let Err(error) = &result
            && let Some(count) = self.failures.count(Instant::now())
        {
            tracing::warn!(%error, count, "failed to export spans to `log.otlp_endpoint`");
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

fn exporter(endpoint: &str) -> Result<SpanExporter, TelemetryError> {
    let endpoint = endpoint.to_owned();
    // A blocking reqwest client must not be built or dropped on a thread of the async runtime.
    let built = std::thread::spawn(move || {
        let client =
            reqwest::blocking::Client::builder().timeout(Duration::from_secs(5)).no_proxy();
        // Plain http needs no certificate authorities, and an image from scratch has none.
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
        .unwrap_or_else(|_| Err("the thread that builds the exporter panicked".to_owned()))
        .map_err(TelemetryError::Exporter)
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::log_limit::tests::logged;

    #[test]
    fn failing_exports_are_one_warning_a_minute() {
        let export = SpanExport::to("http://127.0.0.1:1/v1/traces").unwrap();
        let log = logged(|| {
            for _ in 0..2 {
                // The client of the exporter blocks, so that the future is ready at once.
                let exported = pin!(export.export(Vec::new()));
                let result = exported.poll(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(result, Poll::Ready(Err(_))), "{result:?}");
            }
        });
        assert_eq!(
            log.matches("failed to export spans to `log.otlp_endpoint`").count(),
            1,
            "{log}"
        );
    }
}
