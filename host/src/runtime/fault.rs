//! What wasmtime says of a call that failed, in words for an author.

use std::time::Duration;

use wasmtime::component::ResourceTableError;
use wasmtime::{FrameInfo, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::FieldMapError;

use super::call::{Bounds, Stopped};
use super::guest::{Fault, FaultKind};
use super::limiter::Refused;
use crate::model::limits::Limits;

/// Functions of a backtrace that are named.
const FRAMES: usize = 16;
/// Bytes of one function's name.
const NAME_BYTES: usize = 120;

/// What wasmtime says where a call copies more than it may; it has no type of its own.
const FUEL_TEXT: &str = "fuel allocated for hostcalls has been exhausted";
/// What wasmtime says where a component makes more handles than it may.
const HANDLES_TEXT: &str = "handle";
/// What wasmtime-wasi says where more random bytes are asked for than it gives.
const RANDOM_TEXT: &str = "exceeds limit";

/// Makes a fault.
pub(super) fn fault(kind: FaultKind, detail: impl Into<String>) -> Fault {
    Fault {
        kind,
        detail: detail.into(),
    }
}

/// The fault of a call that was ended from outside.
pub(super) fn fault_of_stop(stopped: Stopped, bounds: &Bounds) -> Fault {
    match stopped {
        Stopped::Cpu => fault(FaultKind::Cpu, cpu_text(bounds.cpu)),
        Stopped::Deadline => fault(
            FaultKind::Deadline,
            format!("took longer than {} ms", bounds.deadline.as_millis()),
        ),
        Stopped::Lost => fault(FaultKind::Start, "the runtime is going down"),
    }
}

fn cpu_text(budget: Duration) -> String {
    format!("used more than {} ms of processor time", budget.as_millis())
}

/// The fault of a call that ended with an error.
pub(super) fn fault_of_error(
    error: &wasmtime::Error,
    refused: Option<Refused>,
    limits: &Limits,
    last_words: Option<&str>,
) -> Fault {
    let (kind, mut text) = kind_of(error, refused, limits);
    if let Some(words) = last_words {
        text.push_str("; it said: ");
        text.push_str(words);
    }
    fault(kind, text)
}

/// Adds to a fault in which functions it was, with their lines where they are known.
pub(super) fn add_backtrace(fault: &mut Fault, error: &wasmtime::Error, lines: &[Option<String>]) {
    let frames = backtrace(error, lines);
    if !frames.is_empty() {
        fault.detail.push_str("; in ");
        fault.detail.push_str(&frames);
    }
}

fn kind_of(
    error: &wasmtime::Error,
    refused: Option<Refused>,
    limits: &Limits,
) -> (FaultKind, String) {
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        let budget = Duration::from_millis(u64::from(limits.cpu_ms));
        return (FaultKind::Cpu, cpu_text(budget));
    }
    if let Some(I32Exit(code)) = error.downcast_ref() {
        let text = format!("called exit with {code}; a plugin returns instead");
        return (FaultKind::Trap, text);
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return (FaultKind::Limit, handles_text(limits));
    }
    if let Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields) =
        error.downcast_ref()
    {
        let text = format!(
            "made HTTP headers of more than {} bytes",
            limits.http_header_bytes
        );
        return (FaultKind::Limit, text);
    }
    // What ends a call by itself is said as it is, whatever the guest was refused before.
    let text = format!("{:#}", Plain(error));
    if text.contains(FUEL_TEXT) {
        let text = format!(
            "gave the host more than {} bytes at once",
            limits.result_bytes
        );
        return (FaultKind::Limit, text);
    }
    if text.contains("requested len") && text.contains(RANDOM_TEXT) {
        let text = format!(
            "asked for more than {} random bytes at once",
            limits.random_bytes
        );
        return (FaultKind::Limit, text);
    }
    if trap.is_none() && text.contains(HANDLES_TEXT) && text.contains("limit") {
        return (FaultKind::Limit, handles_text(limits));
    }
    // A guest that is refused memory mostly traps at once; this says why.
    match refused {
        Some(Refused::Memory) => {
            let text = format!("wanted more than {} bytes of memory", limits.memory_bytes);
            (FaultKind::Memory, text)
        }
        Some(Refused::ProcessMemory) => {
            let text = "the host's memory for plugins is used up".to_owned();
            (FaultKind::Memory, text)
        }
        Some(Refused::Tables) => {
            let text = format!("wanted more than {} table elements", limits.table_elements);
            (FaultKind::Memory, text)
        }
        None => (
            FaultKind::Trap,
            trap.map_or(text, std::string::ToString::to_string),
        ),
    }
}

fn handles_text(limits: &Limits) -> String {
    format!("held more than {} handles", limits.handles)
}

/// The chain of an error without wasmtime's own rendering of the backtrace.
struct Plain<'a>(&'a wasmtime::Error);

impl std::fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut is_first = true;
        for cause in self.0.chain() {
            let text = cause.to_string();
            if text.starts_with("error while executing at wasm backtrace") {
                continue;
            }
            if !is_first {
                f.write_str(": ")?;
            }
            is_first = false;
            f.write_str(&text)?;
        }
        Ok(())
    }
}

/// The functions of a trap that are shown, innermost first.
fn frames(error: &wasmtime::Error) -> impl Iterator<Item = &FrameInfo> {
    let trace = error.downcast_ref::<WasmBacktrace>();
    let frames = trace.map_or(&[][..], WasmBacktrace::frames).iter();
    frames
        .filter(|frame| frame.func_name().is_some())
        .take(FRAMES)
}

/// Where in the component those functions were, in the same order.
pub(super) fn places(error: &wasmtime::Error) -> Vec<u64> {
    frames(error)
        .map(|frame| frame.module_offset().unwrap_or_default() as u64)
        .collect()
}

/// Their names, with their lines where they are known.
fn backtrace(error: &wasmtime::Error, lines: &[Option<String>]) -> String {
    let lines = lines
        .iter()
        .map(Option::as_deref)
        .chain(std::iter::repeat(None));
    let names: Vec<String> = frames(error)
        .zip(lines)
        .map(|(frame, line)| {
            let name = format!("{:#}", rustc_name(frame.func_name().unwrap_or_default()));
            let name: String = name.chars().take(NAME_BYTES).collect();
            match line {
                Some(line) => format!("{name} ({line})"),
                None => name,
            }
        })
        .collect();
    names.join(" < ")
}

/// A Rust name without the hash at its end.
fn rustc_name(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((rest, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            rest
        }
        _ => name,
    }
}
