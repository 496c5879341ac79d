//! The child process for what a component can be built to exhaust: it compiles, and it finds source
//! lines, under bounds of its own making.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use super::CompileError;
use super::lines::find_lines;
use crate::runtime::engine::{MemoryPlan, compile_config};
use crate::runtime::settings::{CompileBounds, Effort};
use crate::runtime::slow::{NICE, lower_priority};

/// The hidden command that makes this program the compiler.
const COMPILE_VERB: &str = "__compile";
/// The hidden command that makes this program a finder of source lines.
const LINES_VERB: &str = "__lines";

/// Exit code of a compilation that refused its component; the reason is on stderr.
const REFUSED: i32 = 2;
/// Exit code of a compilation that was called wrongly or could not read or write.
const BROKEN: i32 = 3;

/// Bytes of the child's stderr that are kept.
const STDERR_BYTES: u64 = 4 * 1024;
/// Bytes of source lines that are read.
const LINES_BYTES: u64 = 16 * 1024;

/// Does what a hidden command and its arguments ask for, and returns the exit code; none where the
/// word is no such command. They are `__compile PLAN EFFORT NICE CPU_SECS MEMORY_BYTES IN OUT` and
/// `__lines CPU_SECS MEMORY_BYTES IN OFFSET…`.
pub fn child_main(verb: &OsStr, arguments: impl IntoIterator<Item = OsString>) -> Option<i32> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let done = match verb.to_str()? {
        COMPILE_VERB => compile_for(&arguments),
        LINES_VERB => find_lines_for(&arguments),
        _ => return None,
    };
    Some(match done {
        Ok(()) => 0,
        Err((code, text)) => {
            // The parent reads it; where it is gone nobody does.
            let _ = std::io::stderr().write_all(text.as_bytes());
            code
        }
    })
}

type Failed = (i32, String);

fn broken(text: impl ToString) -> Failed {
    (BROKEN, text.to_string())
}

fn compile_for(arguments: &[OsString]) -> Result<(), Failed> {
    let [plan, effort, nice, cpu, memory, input, output] = arguments else {
        return Err(broken(
            "expected PLAN EFFORT NICE CPU_SECS MEMORY_BYTES IN OUT",
        ));
    };
    let plan = plan.to_str().and_then(MemoryPlan::from_name);
    let plan = plan.ok_or_else(|| broken("unknown plan"))?;
    let effort = effort.to_str().and_then(Effort::from_name);
    let effort = effort.ok_or_else(|| broken("unknown effort"))?;
    let nice: i32 = number(nice)?;
    if nice > 0 {
        lower_priority(nice);
    }
    limit_self(number(cpu)?, number(memory)?);
    let bytes = std::fs::read(input).map_err(broken)?;
    let code = compile_bytes(&bytes, (plan, effort)).map_err(|text| (REFUSED, text))?;
    std::fs::write(output, code).map_err(broken)
}

fn find_lines_for(arguments: &[OsString]) -> Result<(), Failed> {
    let [cpu, memory, input, offsets @ ..] = arguments else {
        return Err(broken("expected CPU_SECS MEMORY_BYTES IN OFFSET…"));
    };
    lower_priority(NICE);
    limit_self(number(cpu)?, number(memory)?);
    let offsets: Vec<u64> = offsets.iter().map(number).collect::<Result<_, _>>()?;
    let bytes = std::fs::read(input).map_err(broken)?;
    let mut out = std::io::stdout().lock();
    for line in find_lines(&bytes, &offsets) {
        writeln!(out, "{}", line.unwrap_or_default()).map_err(broken)?;
    }
    Ok(())
}

fn number<N: std::str::FromStr>(text: &OsString) -> Result<N, Failed> {
    let number = text.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| broken("expected a number"))
}

/// Compiles in this process.
pub(in crate::runtime) fn compile_bytes(
    bytes: &[u8],
    (plan, effort): (MemoryPlan, Effort),
) -> Result<Vec<u8>, String> {
    let config = compile_config(plan, effort);
    let engine = wasmtime::Engine::new(&config).map_err(|e| format!("{e:#}"))?;
    engine
        .precompile_component(bytes)
        .map_err(|error| format!("{error:#}"))
}

fn limit_self(cpu_secs: u64, memory_bytes: u64) {
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

/// A child of this program that knows nothing of its parent and goes with whoever waits for it.
fn command(program: &Path, verb: &str) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    command
        .arg(verb)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// The bounds as a hidden command is told them: `CPU_SECS MEMORY_BYTES`.
fn arguments_of(bounds: CompileBounds) -> [String; 2] {
    let cpu = bounds.cpu.as_secs().max(1);
    [cpu.to_string(), bounds.memory_bytes.to_string()]
}

/// Compiles in a child process.
pub(in crate::runtime) async fn compile_in_child(
    program: &Path,
    (plan, effort): (MemoryPlan, Effort),
    bounds: CompileBounds,
    input: &Path,
    output: PathBuf,
) -> Result<(), CompileError> {
    let mut child = command(program, COMPILE_VERB)
        .arg(plan.name())
        .arg(effort.name())
        .arg(bounds.nice.to_string())
        .args(arguments_of(bounds))
        .arg(input)
        .arg(output)
        .stderr(Stdio::piped())
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

/// Finds the source lines of places in a component, in a child process: none where it has none, and
/// none at all where that takes too much.
pub(in crate::runtime) async fn find_lines_in_child(
    program: &Path,
    bounds: CompileBounds,
    input: &Path,
    offsets: &[u64],
) -> Vec<Option<String>> {
    let child = command(program, LINES_VERB)
        .args(arguments_of(bounds))
        .arg(input)
        .args(offsets.iter().map(u64::to_string))
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        return Vec::new();
    };
    let Some(stdout) = child.stdout.take() else {
        return Vec::new();
    };
    let run = async {
        let mut said = String::new();
        let read = stdout.take(LINES_BYTES).read_to_string(&mut said).await;
        let ended = child.wait().await;
        let is_whole = read.is_ok() && ended.is_ok_and(|status| status.success());
        is_whole.then_some(said)
    };
    let said = tokio::time::timeout(bounds.deadline, run).await;
    let said = said.ok().flatten().unwrap_or_default();
    said.lines()
        .map(|line| (!line.is_empty()).then(|| line.to_owned()))
        .collect()
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
