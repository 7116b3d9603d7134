use std::process::ExitCode;

fn main() -> ExitCode {
    auth_server::commands::main(std::env::args_os())
}
