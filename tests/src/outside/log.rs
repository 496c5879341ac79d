//! Everything that a test's process logs, at every level, kept to be searched.

use std::sync::OnceLock;

use parking_lot::Mutex;

/// Keeps what is logged from now on. A test's binary has one log.
///
/// # Panics
/// When somebody else logs.
pub fn keep_log() -> &'static Mutex<Vec<u8>> {
    static START: OnceLock<()> = OnceLock::new();
    START.get_or_init(|| {
        // What compiles plugins says more than memory holds, and sees no request.
        let filter =
            "trace,cranelift=off,regalloc2=off,wasmparser=off,wasmtime=warn,wasmtime_wasi=trace";
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(|| LogWriter)
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("nobody logs yet");
        log::set_logger(&LogWriter).expect("nobody logs yet");
        log::set_max_level(log::LevelFilter::Trace);
    });
    kept()
}

fn kept() -> &'static Mutex<Vec<u8>> {
    static KEPT: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    KEPT.get_or_init(Mutex::default)
}

struct LogWriter;

impl std::io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        kept().lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl log::Log for LogWriter {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let compiles = ["cranelift", "regalloc2", "wasmtime", "wasmparser"];
        !compiles
            .iter()
            .any(|name| metadata.target().starts_with(name))
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {}\n", record.target(), record.args());
            kept().lock().extend_from_slice(line.as_bytes());
        }
    }

    fn flush(&self) {}
}
