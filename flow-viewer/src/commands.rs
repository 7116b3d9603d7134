//! The command line of the flow viewer.

use ::doctor::DoctorArguments;
use clap::Parser;
use clock::Clock;
use flow_events::EventSink;
use service_kit::{
    BoundListener, CancellationToken,
    cli::{ServiceArguments, run_service},
};

use crate::{FlowViewer, FlowViewerSettings, doctor};

/// The flow viewer: it draws what happens between A, B and C.
#[derive(Debug, Parser)]
#[command(name = "flow-viewer", version)]
pub struct Arguments {
    #[command(flatten)]
    service: ServiceArguments<DoctorArguments>,
}

/// Run a command that was read already.
///
/// # Errors
/// Why the command failed.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let serve =
        async |settings: FlowViewerSettings, bound: BoundListener, stop: CancellationToken| {
            FlowViewer::prepare(&settings, bound, Clock::system(), EventSink::disabled())?
                .run(stop)
                .await
        };
    run_service(
        &arguments.service,
        serve,
        |settings: &FlowViewerSettings, told: &DoctorArguments| {
            ::doctor::run(told, async { vec![doctor::examine(settings, &Clock::system()).await] })
        },
    )
}
