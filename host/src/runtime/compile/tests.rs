//! What is compiled, what is refused, and what is taken from the cache.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::model::limits::Limits;
use crate::runtime::testing::{Bench, Guest, config};
use crate::runtime::{Engine, EngineError};

async fn refusal(bytes: Vec<u8>) -> CompileError {
    let bench = Bench::new();
    bench.engine.compile(bytes).await.expect_err("is refused")
}

fn check(error: &CompileError, part: &str) {
    assert!(error.to_string().contains(part), "{error}");
}

#[tokio::test]
async fn says_what_a_file_is_that_is_no_component() {
    check(&refusal(Vec::new()).await, "empty");
    check(
        &refusal(b"#!/bin/sh\necho hi\n".to_vec()).await,
        "the file is text",
    );
    check(
        &refusal(b"\x7fELF\x02\x01".to_vec()).await,
        "does not begin as WebAssembly",
    );
    let module = wat::parse_str("(module)").expect("a module");
    check(
        &refusal(module).await,
        "core module; build it as a component, with target wasm32-wasip2",
    );
    let empty = wat::parse_str("(component)").expect("a component");
    check(
        &refusal(empty).await,
        "exports nothing, and not parlor:bot/behaviour@0.1.0",
    );
    let command =
        wat::parse_str(r#"(component (instance $i) (export "wasi:cli/run@0.2.3" (instance $i)))"#);
    check(
        &refusal(command.expect("a component")).await,
        "not a plugin but a command-line program: it exports wasi:cli/run@0.2.3, and not \
         parlor:bot/behaviour@0.1.0; a Rust plugin is a library of crate-type = [\"cdylib\"] without a `main`",
    );
    let asks = wat::parse_str(
        r#"(component (import "acme:db/store@1.0.0" (instance))
            (instance $i) (export "parlor:bot/behaviour@0.1.0" (instance $i)))"#,
    );
    check(
        &refusal(asks.expect("a component")).await,
        "it imports acme:db/store@1.0.0, which this host does not have; a plugin may import parlor:bot@0.1.0 and WASI 0.2",
    );
    let hollow = wat::parse_str(
        r#"(component (instance $i) (export "parlor:bot/behaviour@0.1.0" (instance $i)))"#,
    );
    check(
        &refusal(hollow.expect("a component")).await,
        "invalid component",
    );
}

#[tokio::test]
async fn says_for_which_version_a_plugin_is_built() {
    let guest = Guest {
        version: "0.2.0",
        ..Guest::default()
    };
    let error = refusal(guest.component()).await;
    assert_eq!(
        error.to_string(),
        "built for parlor:bot@0.2.0; this host speaks parlor:bot@0.1.0: a later parlor runs it"
    );
    let guest = Guest {
        version: "0.0.9",
        ..Guest::default()
    };
    let error = refusal(guest.component()).await;
    assert_eq!(
        error.to_string(),
        "built for parlor:bot@0.0.9; this host speaks parlor:bot@0.1.0: build it again with the SDK of this version"
    );
}

#[tokio::test]
async fn refuses_a_truncated_file_wherever_it_ends() {
    let bench = Bench::new();
    let whole = Guest::default().component();
    for len in [2, 7, 100, whole.len() / 2, whole.len() - 1] {
        let cut = whole[..len].to_vec();
        let error = bench.engine.compile(cut).await.expect_err("is refused");
        let is_said = matches!(error, CompileError::Truncated(_) | CompileError::NotWasm(_));
        assert!(is_said, "{len}: {error}");
    }
}

#[tokio::test]
async fn refuses_a_file_that_is_too_large() {
    let cache = tempfile::tempdir().expect("a folder");
    let mut config = config(&cache);
    config.artifact_bytes = 100;
    let bench = Bench::with(cache, config);
    let error = bench.engine.compile(Guest::default().component()).await;
    check(&error.expect_err("is refused"), "at most 100 are allowed");
}

#[tokio::test]
async fn takes_code_from_the_cache_unless_it_changed() {
    let cache = tempfile::tempdir().expect("a folder");
    let bytes = Guest::default().component();
    let compile = async || {
        let engine = Engine::new(config(&cache)).expect("an engine");
        let artifact = engine.compile(bytes.clone()).await.expect("compiles");
        engine
            .describe(&artifact, Limits::DEFAULT.memory_bytes)
            .await
            .expect("describes");
        artifact.was_cached
    };
    assert!(!compile().await);
    assert!(compile().await);
    let folder = cache.path().join("cache");
    let code = std::fs::read_dir(&folder)
        .expect("the cache")
        .filter_map(Result::ok)
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|e| e == "cwasm"))
        .expect("the code");
    let mut changed = std::fs::read(&code).expect("readable");
    let middle = changed.len() / 2;
    changed[middle] ^= 0xff;
    std::fs::write(&code, changed).expect("writable");
    assert!(!compile().await);
    assert!(compile().await);
}

#[tokio::test]
async fn a_large_file_of_code_is_known_by_its_stamp_until_somebody_writes_it() {
    let cache = tempfile::tempdir().expect("a folder");
    let data = "x".repeat(1_500_000);
    let guest = Guest {
        module: &format!(r#"(data (i32.const 40000) "{data}")"#),
        pages: 40,
        ..Guest::default()
    };
    let bytes = guest.component();
    let compile = async || {
        let engine = Engine::new(config(&cache)).expect("an engine");
        let artifact = engine.compile(bytes.clone()).await.expect("compiles");
        artifact.was_cached
    };
    assert!(!compile().await);
    let file = |extension: &str| {
        let files = std::fs::read_dir(cache.path().join("cache")).expect("the cache");
        let mut paths = files.filter_map(Result::ok).map(|file| file.path());
        let found = paths.find(|path| path.extension().is_some_and(|it| it == extension));
        found.expect("it is there")
    };
    // With its stamp it is not read: a wrong sum is not noticed.
    let sum = std::fs::read(file("sum")).expect("readable");
    let mut wrong = sum.clone();
    wrong[0] ^= 0xff;
    std::fs::write(file("sum"), &wrong).expect("writable");
    assert!(compile().await);
    std::fs::write(file("sum"), &sum).expect("writable");
    // Written again with the same bytes it has another stamp, and still its sum.
    let code = std::fs::read(file("cwasm")).expect("readable");
    std::fs::write(file("cwasm"), &code).expect("writable");
    assert!(compile().await);
    assert_ne!(std::fs::read(file("sum")).expect("readable"), sum);
    let mut changed = code;
    let middle = changed.len() / 2;
    changed[middle] ^= 0xff;
    std::fs::write(file("cwasm"), changed).expect("writable");
    assert!(!compile().await);
}

#[tokio::test]
async fn two_plugins_of_one_file_share_their_code() {
    let bench = Bench::new();
    let bytes = Guest::default().component();
    let one = bench.engine.compile(bytes.clone()).await.expect("compiles");
    let two = bench.engine.compile(bytes).await.expect("compiles");
    assert!(std::sync::Arc::ptr_eq(&one, &two));
}

#[tokio::test]
async fn refuses_a_cache_folder_that_others_can_read_or_write() {
    let cache = tempfile::tempdir().expect("a folder");
    let config = config(&cache);
    std::fs::create_dir(&config.cache_dir).expect("made");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&config.cache_dir, open).expect("set");
    let error = Engine::new(config).err().expect("is refused");
    assert!(matches!(error, EngineError::Cache(_)));
    assert!(error.to_string().contains("mode 755"), "{error}");
}
