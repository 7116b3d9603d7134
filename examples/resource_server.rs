//! The smallest resource server: TLS, a graceful stop, health and metrics.
//!
//! `cargo run -p examples --example resource_server`

use axum::{Router, routing::get};
use clock::Clock;
use flow_events::{EventSink, Party};
use prometheus_client::registry::Registry;
use service_kit::{
    BoundListener, CancellationToken, Hosts, Limits, Management, Server, ServiceContext,
    cancel_on_signal,
    health::{Readiness, check},
    metrics::HttpMetrics,
    telemetry,
    tls::{ServerCertificate, with_cert_reload},
    with_request_context,
};
use token_verifier::{Authorized, LocalSettings, RequiredScope, Verifier};

struct OrdersRead;

impl RequiredScope for OrdersRead {
    const SCOPE: &'static str = "resource:read";
}

async fn orders(token: Authorized<OrdersRead>) -> String {
    format!("orders of {}", token.subject().unwrap_or("an unknown user"))
}

/// Serves until `stop` is cancelled. It is ready when it has the keys of the issuer.
pub async fn serve(
    [public, manage]: [BoundListener; 2],
    certificate: Option<ServerCertificate>,
    verifier: Verifier,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut registry = Registry::with_prefix("orders");
    let context = ServiceContext {
        service: "orders",
        party: Party::ResourceServer,
        events: EventSink::disabled(),
        clock: Clock::system(),
        http_metrics: HttpMetrics::register(&mut registry),
        hosts: Hosts::default(),
        limits: Limits::default(),
    };
    let routes = Router::new().route("/orders", get(orders)).with_state(verifier.clone());
    let app = with_request_context(routes, context);
    let readiness = Readiness::always().with_instance(check(move || {
        let verifier = verifier.clone();
        async move { verifier.warm_up().await.map_err(|error| error.to_string()) }
    }));
    let server = Server::new(public, app, &Limits::default());
    Management::new(Some(manage), readiness, registry, &Limits::default())
        .run_with(stop, async |stop: CancellationToken| {
            Ok(with_cert_reload(server, certificate, &stop).run(stop).await?)
        })
        .await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = telemetry::init("orders", &telemetry::LogSettings::default())?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    let [certificate, key] = ["TLS_CERT_FILE", "TLS_KEY_FILE"].map(std::env::var_os);
    let certificate = ServerCertificate::load(
        certificate.map(Into::into).as_ref(),
        key.map(Into::into).as_ref(),
    )?;
    let verifier = Verifier::builder("http://localhost:9000", "http://localhost:9002")
        .local(LocalSettings::default())
        .build()?;
    let public = BoundListener::bind("127.0.0.1:9012", "public")?;
    let manage = BoundListener::bind("127.0.0.1:9013", "manage")?;
    serve([public, manage], certificate, verifier, stop).await
}
