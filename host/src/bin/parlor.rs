//! The `parlor` command.

fn main() -> std::process::ExitCode {
    parlor_host::cli::main(std::env::args_os())
}
