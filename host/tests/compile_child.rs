//! Compilation in a child process of our own program, under its bounds.

use std::time::{Duration, Instant};

use parlor_host::model::limits::Limits;
use parlor_host::runtime::{
    ArtifactHash, CompileBounds, CompileError, CompilerProgram, Engine, LARGE_ARTIFACT_BYTES,
    RuntimeConfig,
};

use wasm_encoder::{ComponentSection as _, CustomSection};

#[path = "../src/runtime/testing/guest.rs"]
mod guest;

use guest::Guest;

fn engine(cache: &tempfile::TempDir, bounds: CompileBounds) -> Engine {
    let program = CompilerProgram::Child(env!("CARGO_BIN_EXE_parlor").into());
    engine_of(cache, bounds, program)
}

fn engine_of(cache: &tempfile::TempDir, bounds: CompileBounds, program: CompilerProgram) -> Engine {
    let mut config = RuntimeConfig::new(cache.path().join("cache"), program);
    config.instances = 10;
    config.compile = bounds;
    Engine::new(config).expect("an engine")
}

#[tokio::test]
async fn compiles_in_a_child_and_takes_its_code() {
    let cache = tempfile::tempdir().expect("a folder");
    let engine = engine(&cache, CompileBounds::default());
    let began = Instant::now();
    let artifact = engine.compile(Guest::default().component()).await;
    let took = began.elapsed();
    let artifact = artifact.expect("compiles");
    let said = engine
        .describe(&artifact, Limits::DEFAULT.memory_bytes)
        .await
        .expect("describes");
    assert_eq!(said.name, "guest");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let left: Vec<_> = std::fs::read_dir(cache.path().join("cache"))
        .expect("the cache")
        .filter_map(Result::ok)
        .map(|file| file.file_name())
        .filter(|name| name.to_string_lossy().starts_with("tmp-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn quick_code_is_taken_by_who_waits_for_it_and_by_nobody_else() {
    let cache = tempfile::tempdir().expect("a folder");
    let mut wasm = Guest::default().component();
    // A section that nobody reads makes it large.
    let unread = CustomSection {
        name: "unread".into(),
        data: vec![0; LARGE_ARTIFACT_BYTES as usize].into(),
    };
    unread.append_to_component(&mut wasm);
    let (hash, len) = (ArtifactHash::of(&wasm), wasm.len() as u64);

    let program = std::path::PathBuf::from(env!("CARGO_BIN_EXE_parlor"));
    let bounds = CompileBounds::default();
    let quick = engine_of(&cache, bounds, CompilerProgram::Quick(program));
    let artifact = quick.compile(wasm.clone()).await.expect("compiles");
    let memory = Limits::DEFAULT.memory_bytes;
    let said = quick.describe(&artifact, memory).await.expect("describes");
    assert_eq!(said.name, "guest");
    let full = engine(&cache, bounds);
    assert!(!full.has_code(hash, len), "quick code would serve");
    drop(artifact);

    full.compile(wasm.clone()).await.expect("compiles");
    assert!(full.has_code(hash, len));
    // What was compiled with more work is better for everybody.
    let left: Vec<_> = std::fs::read_dir(cache.path().join("cache"))
        .expect("the cache")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.to_string_lossy().ends_with(".quick.cwasm"))
        .collect();
    assert_eq!(left.len(), 1);
    std::fs::remove_file(&left[0]).expect("deletes");
    assert!(quick.has_code(hash, len));
    let artifact = quick.compile(wasm).await.expect("loads");
    assert!(artifact.was_cached);
}

/// A function that keeps a compiler busy: many values alive over many loops.
fn hard(loops: usize) -> String {
    let locals = 1_000;
    let mut text = String::from("(func $hard ");
    for n in 0..locals {
        text.push_str(&format!("(local $l{n} i64)"));
    }
    for at in 0..loops {
        text.push_str(&format!(" loop $o{at} "));
        for n in 0..8 {
            let (a, b) = ((at * 7 + n) % locals, (at * 13 + n * 5) % locals);
            text.push_str(&format!(
                "(local.set $l{a} (i64.add (local.get $l{a}) (i64.mul (local.get $l{b}) (i64.const {at}))))"
            ));
        }
        let at2 = at % locals;
        text.push_str(&format!("(br_if $o{at} (i64.eqz (local.get $l{at2})))"));
    }
    text.push_str(&" end".repeat(loops));
    text.push(')');
    text
}

#[tokio::test]
async fn a_component_that_exhausts_the_compiler_is_stopped() {
    let cache = tempfile::tempdir().expect("a folder");
    let module = hard(2_000);
    let guest = Guest {
        module: &module,
        handle: "(call $hard)",
        ..Guest::default()
    };
    let bounds = CompileBounds {
        cpu: Duration::from_secs(1),
        ..CompileBounds::default()
    };
    let engine = engine(&cache, bounds);
    let error = engine
        .compile(guest.component())
        .await
        .expect_err("stopped");
    assert!(matches!(error, CompileError::Exhausted(_)), "{error}");
    // The next one is not held up.
    engine
        .compile(Guest::default().component())
        .await
        .expect("compiles");
}
