use std::process::ExitCode;

fn main() -> ExitCode {
    auth_server::cli::main(std::env::args_os())
}
