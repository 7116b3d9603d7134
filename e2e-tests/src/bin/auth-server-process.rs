//! C as a program of its own for the chaos tests. Cargo gives a test the path only of programs of
//! its own package; this one is the same as `auth-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    auth_server::cli::main(std::env::args_os())
}
