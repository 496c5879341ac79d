//! The child process that compiles: one component in, machine code out, under bounds of its own making.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use super::CompileError;
use crate::runtime::engine::{MemoryPlan, compile_config};
use crate::runtime::settings::CompileBounds;
use crate::runtime::slow::{NICE, lower_priority};

/// The hidden command that makes this program the compiler.
pub const COMPILE_VERB: &str = "__compile";

/// Exit code of a compilation that refused its component; the reason is on stderr.
const REFUSED: i32 = 2;
/// Exit code of a compilation that was called wrongly or could not read or write.
const BROKEN: i32 = 3;

/// Bytes of the child's stderr that are kept.
const STDERR_BYTES: u64 = 4 * 1024;

/// Compiles what the arguments after [`COMPILE_VERB`] name, and returns the exit code:
/// `PLAN CPU_SECS MEMORY_BYTES IN OUT`.
pub fn child_main(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match child_run(&arguments) {
        Ok(()) => 0,
        Err((code, text)) => {
            // The parent reads it; where it is gone nobody does.
            let _ = std::io::stderr().write_all(text.as_bytes());
            code
        }
    }
}

fn child_run(arguments: &[OsString]) -> Result<(), (i32, String)> {
    let broken = |text: &str| (BROKEN, text.to_owned());
    let [plan, cpu, memory, input, output] = arguments else {
        return Err(broken("expected PLAN CPU_SECS MEMORY_BYTES IN OUT"));
    };
    let plan = plan.to_str().and_then(MemoryPlan::from_name);
    let plan = plan.ok_or_else(|| broken("unknown plan"))?;
    let parse = |text: &OsString| text.to_str().and_then(|text| text.parse::<u64>().ok());
    let cpu = parse(cpu).ok_or_else(|| broken("bad CPU_SECS"))?;
    let memory = parse(memory).ok_or_else(|| broken("bad MEMORY_BYTES"))?;
    limit_self(cpu, memory);
    let io = |error: std::io::Error| (BROKEN, error.to_string());
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(input).map_err(io)?;
    file.read_to_end(&mut bytes).map_err(io)?;
    let code = compile_bytes(&bytes, plan).map_err(|text| (REFUSED, text))?;
    std::fs::write(output, code).map_err(io)
}

/// Compiles in this process.
pub(in crate::runtime) fn compile_bytes(bytes: &[u8], plan: MemoryPlan) -> Result<Vec<u8>, String> {
    let engine = wasmtime::Engine::new(&compile_config(plan)).map_err(|e| format!("{e:#}"))?;
    engine
        .precompile_component(bytes)
        .map_err(|error| format!("{error:#}"))
}

fn limit_self(cpu_secs: u64, memory_bytes: u64) {
    lower_priority(NICE);
    let bounds = [
        (libc::RLIMIT_CPU, cpu_secs),
        // Data is what is written to; address space alone costs nothing and wasmtime reserves much.
        (libc::RLIMIT_DATA, memory_bytes),
        (libc::RLIMIT_CORE, 0),
    ];
    for (which, bound) in bounds {
        let limit = libc::rlimit {
            rlim_cur: bound as libc::rlim_t,
            rlim_max: bound as libc::rlim_t,
        };
        // A refusal leaves the parent's deadline and the other bounds, which is why it is not looked at.
        // SAFETY: the call reads one rlimit of this function and changes this process's bounds only.
        let _ = unsafe { libc::setrlimit(which, &raw const limit) };
    }
}

/// Compiles in a child process.
pub(in crate::runtime) async fn compile_in_child(
    program: &Path,
    plan: MemoryPlan,
    bounds: CompileBounds,
    input: &Path,
    output: PathBuf,
) -> Result<(), CompileError> {
    let mut child = tokio::process::Command::new(program)
        .arg(COMPILE_VERB)
        .arg(plan.name())
        .arg(bounds.cpu.as_secs().max(1).to_string())
        .arg(bounds.memory_bytes.to_string())
        .arg(input)
        .arg(output)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| CompileError::Host(format!("{}: {error}", program.display())))?;
    let stderr = child.stderr.take();
    let run = async {
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            let mut bounded = stderr.take(STDERR_BYTES);
            // What cannot be read is missing from the error's text only.
            let _ = bounded.read_to_end(&mut said).await;
        }
        (child.wait().await, said)
    };
    let Ok((status, said)) = tokio::time::timeout(bounds.deadline, run).await else {
        return Err(CompileError::Exhausted(took(bounds.deadline)));
    };
    let status = status.map_err(|error| CompileError::Host(error.to_string()))?;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    match status.code() {
        Some(0) => Ok(()),
        Some(REFUSED) => Err(CompileError::Invalid(said)),
        Some(_) => Err(CompileError::Host(format!("{status}: {said}"))),
        None => Err(killed(status, &said, bounds)),
    }
}

fn took(time: Duration) -> String {
    format!("it took longer than {} s", time.as_secs())
}

fn killed(status: std::process::ExitStatus, said: &str, bounds: CompileBounds) -> CompileError {
    use std::os::unix::process::ExitStatusExt as _;
    match status.signal() {
        Some(libc::SIGXCPU | libc::SIGKILL) => CompileError::Exhausted(format!(
            "it used more than {} s of processor time",
            bounds.cpu.as_secs()
        )),
        // Rust aborts where an allocation fails.
        Some(libc::SIGABRT | libc::SIGSEGV) => CompileError::Exhausted(format!(
            "it wanted more than {} MiB of memory",
            bounds.memory_bytes / (1024 * 1024)
        )),
        _ => CompileError::Host(format!("{status}: {said}")),
    }
}
