use std::process::ExitCode;

fn main() -> ExitCode {
    service_a::commands::main(std::env::args_os())
}
