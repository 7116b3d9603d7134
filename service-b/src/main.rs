use std::process::ExitCode;

fn main() -> ExitCode {
    service_b::cli::main(std::env::args_os())
}
