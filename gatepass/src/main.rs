use std::process::ExitCode;

fn main() -> ExitCode {
    gatepass::cli::main(std::env::args_os())
}
