use std::process::ExitCode;

fn main() -> ExitCode {
    service_b::commands::main(std::env::args_os())
}
