//! The command line of the flow viewer.

use ::doctor::DoctorArguments;
use clap::Parser;
use clock::Clock;
use flow_events::EventSink;
use service_kit::{
    CancellationToken, Listeners,
    cli::{ServiceArguments, run_service},
};

use crate::{FlowViewer, FlowViewerSettings, doctor};

/// The flow viewer: draws the messages between A, B and C
#[derive(Debug, Parser)]
#[command(name = "flow-viewer", version)]
pub struct Arguments {
    #[command(flatten)]
    service: ServiceArguments<DoctorArguments>,
}

/// Runs a parsed command.
///
/// # Errors
/// Returns an error if the command fails.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let serve =
        async |settings: FlowViewerSettings, listeners: Listeners, stop: CancellationToken| {
            FlowViewer::prepare(&settings, listeners, Clock::system(), EventSink::disabled())?
                .run(stop)
                .await
        };
    run_service(
        &arguments.service,
        serve,
        |settings: &FlowViewerSettings, arguments: &DoctorArguments| {
            ::doctor::run(arguments, async {
                vec![doctor::examine(settings, &Clock::system()).await]
            })
        },
    )
}
