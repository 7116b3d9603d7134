use std::process::ExitCode;

fn main() -> ExitCode {
    gatepass::commands::main(std::env::args_os())
}
