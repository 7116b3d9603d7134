use std::process::ExitCode;

fn main() -> ExitCode {
    service_a::cli::main(std::env::args_os())
}
