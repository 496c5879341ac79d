//! Compilation in a child process of our own program, under its bounds.

use std::time::{Duration, Instant};

use parlor_host::model::limits::Limits;
use parlor_host::runtime::{CompileBounds, CompileError, CompilerProgram, Engine, RuntimeConfig};

#[path = "../src/runtime/testing/guest.rs"]
mod guest;

use guest::Guest;

fn engine(cache: &tempfile::TempDir, bounds: CompileBounds) -> Engine {
    let program = env!("CARGO_BIN_EXE_parlor").into();
    let mut config =
        RuntimeConfig::new(cache.path().join("cache"), CompilerProgram::Child(program));
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
