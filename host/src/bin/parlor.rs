//! The `parlor` command.

use std::process::ExitCode;

use parlor_host::runtime::compile;

/// Messages are many small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // The compiler's child process: it needs neither settings nor a runtime.
    if let Some(code) = arguments
        .next()
        .and_then(|verb| compile::child_main(&verb, arguments))
    {
        return ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX));
    }
    parlor_host::cli::main(std::env::args_os())
}
