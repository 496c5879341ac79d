//! A component with the engine of its language in it, loaded from the cache of compiled code.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use parlor_host::runtime::{ArtifactHash, CompilerProgram, Engine, RuntimeConfig};
use parlor_tests::guests::workspace;
use parlor_tests::sim::left_out;

use super::load::percentile;
use super::{Row, cache_folder, note};

/// Loads that are measured.
const LOADS: usize = 20;
/// What a load may take, in milliseconds.
const TARGET: f64 = 10.0;

/// The component of a behaviour as `tests/tests/languages.rs` leaves it.
fn component(language: &str) -> PathBuf {
    let folder = workspace().join("target/tmp/languages").join(language);
    folder.join("echo.wasm")
}

/// The time from a component whose hash is known, as the folder's watcher knows it, to code that can
/// be instantiated.
pub(crate) async fn load(language: &str, row: &'static str) -> anyhow::Result<Vec<Row>> {
    let file = component(language);
    let Ok(wasm) = std::fs::read(&file) else {
        let how = "`cargo test -p parlor-tests --test languages` builds it";
        left_out(&format!("{row}: there is no {}; {how}", file.display()));
        return Ok(Vec::new());
    };
    let wasm: Arc<[u8]> = wasm.into();
    let hash = ArtifactHash::of(&wasm);
    let mut times = Vec::new();
    // The first one compiles, where its code is not there yet.
    for _ in 0..=LOADS {
        let config = RuntimeConfig::new(cache_folder(), CompilerProgram::Thread);
        let engine = Engine::new(config)?;
        let start = Instant::now();
        let artifact = engine.compile_hashed(wasm.clone(), hash).await?;
        let took = start.elapsed();
        if artifact.was_cached {
            times.push(took);
        } else {
            note(&format!("{row}: compiled in {:.1} s", took.as_secs_f64()));
        }
        drop(artifact);
        engine.shutdown().await;
    }
    let (p50, p95) = (percentile(&mut times, 0.5), percentile(&mut times, 0.95));
    let mib = wasm.len() / (1024 * 1024);
    note(&format!(
        "{row}: {mib} MiB, p50 {p50:.1} ms, p95 {p95:.1} ms"
    ));
    Ok(vec![Row::at_most(row, p95, "ms", TARGET)])
}
