//! Calls of guests, kind and hostile, through the runtime.

use std::time::{Duration, Instant};

use super::guest::{Build as _, CallEnd, FaultKind};
use super::testing::{Bench, Guest, delivery, live};
use super::*;
use crate::journal::StateChange;
use crate::model::limits::Limits;

const LOOP: &str = "(loop $forever (br $forever))";

#[tokio::test]
async fn calls_a_live_instance_again_and_again() {
    let bench = Bench::new();
    let build = bench.build(&Guest::default(), |_| {}).await;
    assert_eq!(build.description().name, "guest");
    assert_eq!(build.description().version, "1.0.0");
    let mut instance = build.instantiate().await.expect("starts");
    for _ in 0..100 {
        instance = live(instance.handle(delivery("hello")).await);
    }
    assert!(bench.engine.guest_memory() > 0);
    drop(instance);
    assert_eq!(bench.engine.guest_memory(), 0);
}

#[tokio::test]
async fn an_idle_engine_does_not_tick() {
    let bench = Bench::new();
    let build = bench.build(&Guest::default(), |_| {}).await;
    let ticker = &bench.engine.inner.ticker;
    let parked = || async {
        while !ticker.is_parked() {
            tokio::task::yield_now().await;
        }
    };
    parked().await;
    let instance = build.instantiate().await.expect("starts");
    let _instance = live(instance.handle(delivery("hello")).await);
    parked().await;
}

/// Runs a guest that must be stopped, and a neighbour beside it.
async fn check_hostile(guest: Guest<'_>, kind: FaultKind, part: &str) {
    let bench = Bench::new();
    let fault = bench
        .fault(&guest, |parts| {
            parts.limits.cpu_ms = 50;
            // Long: where the machine is busy, a guest that computes waits long for its 50 ms.
            parts.limits.deadline_ms = 60_000;
        })
        .await;
    assert_eq!(fault.kind, kind, "{fault}");
    assert!(fault.detail.contains(part), "{fault}");
    live(bench.call(&Guest::default(), |_| {}).await);
}

#[tokio::test]
async fn stops_an_endless_loop() {
    let guest = Guest {
        handle: LOOP,
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Cpu, "more than 50 ms").await;
}

#[tokio::test]
async fn stops_a_loop_of_host_calls() {
    let guest = Guest {
        module: r#"(import "parlor:bot/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#,
        handle: "(loop $forever (call $log (i32.const 2) (i32.const 512) (i32.const 5)) (br $forever))",
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Cpu, "more than 50 ms").await;
}

#[tokio::test]
async fn stops_memory_growth_and_says_so() {
    let guest = Guest {
        handle: "(loop $more (if (i32.eq (i32.const -1) (memory.grow (i32.const 16))) (then unreachable)) (br $more))",
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Memory, "of memory").await;
}

#[tokio::test]
async fn refuses_a_memory_that_begins_too_large() {
    let guest = Guest {
        pages: 2_000,
        ..Guest::default()
    };
    let bench = Bench::new();
    let artifact = bench.artifact(&guest).await;
    let error = bench
        .engine
        .describe(&artifact, Limits::DEFAULT.memory_bytes)
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("of memory"), "{error}");
}

#[tokio::test]
async fn stops_table_growth() {
    let guest = Guest {
        module: "(table $t 0 funcref)",
        handle: "(loop $more (if (i32.eq (i32.const -1) (table.grow $t (ref.null func) (i32.const 1000))) (then unreachable)) (br $more))",
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Memory, "table elements").await;
}

#[tokio::test]
async fn stops_deep_recursion_and_names_the_function() {
    let guest = Guest {
        module: "(func $deeper (param i32) (result i32) (i32.add (i32.const 1) (call $deeper (local.get 0))))",
        handle: "(drop (call $deeper (i32.const 0)))",
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Trap, "call stack exhausted; in deeper").await;
}

#[tokio::test]
async fn a_trap_is_a_fault_with_its_function() {
    let guest = Guest {
        module: "(func $gives_up unreachable)",
        handle: "(call $gives_up)",
        ..Guest::default()
    };
    let said = "`unreachable` instruction executed; in gives_up";
    check_hostile(guest, FaultKind::Trap, said).await;
}

#[tokio::test]
async fn refuses_a_result_that_is_too_large() {
    // A list of a million actions, at address 0, where memory is zero.
    let guest = Guest {
        handle: "(i32.store (i32.const 2056) (i32.const 65536)) (i32.store (i32.const 2060) (i32.const 200000))",
        pages: 900,
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Limit, "at once").await;
}

#[tokio::test]
async fn refuses_too_many_actions() {
    let guest = Guest {
        handle: "(i32.store (i32.const 2056) (i32.const 65536)) (i32.store (i32.const 2060) (i32.const 101))",
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Limit, "returned 101 actions").await;
}

#[tokio::test]
async fn a_trap_in_describe_says_so() {
    let guest = Guest {
        describe: "unreachable",
        ..Guest::default()
    };
    let bench = Bench::new();
    let artifact = bench.artifact(&guest).await;
    let error = bench
        .engine
        .describe(&artifact, Limits::DEFAULT.memory_bytes)
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("unreachable"), "{error}");
}

#[tokio::test]
async fn describe_reaches_no_state() {
    let guest = Guest {
        module: STATE,
        describe: "(call $delete (i32.const 0) (i32.const 512) (i32.const 5) (i32.const 4096))",
        ..Guest::default()
    };
    let bench = Bench::new();
    let artifact = bench.artifact(&guest).await;
    let error = bench
        .engine
        .describe(&artifact, Limits::DEFAULT.memory_bytes)
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("only while an event"), "{error}");
}

#[tokio::test]
async fn the_description_is_kept_on_disk() {
    let bench = Bench::new();
    let artifact = bench.artifact(&Guest::default()).await;
    let first = bench
        .engine
        .describe(&artifact, Limits::DEFAULT.memory_bytes)
        .await
        .expect("describes");
    let notes = || {
        std::fs::read_dir(bench.cache.path().join("cache"))
            .expect("the cache")
            .filter_map(Result::ok)
            .filter(|file| file.path().extension().is_some_and(|e| e == "json"))
            .count()
    };
    assert_eq!(notes(), 1);
    let second = bench
        .engine
        .describe(&artifact, Limits::DEFAULT.memory_bytes)
        .await
        .expect("describes");
    assert_eq!(first, second);
}

#[tokio::test]
async fn exit_is_a_fault_and_not_the_hosts_end() {
    let guest = Guest {
        packages: "package wasi:cli@0.2.0; interface exit { exit: func(status: result); }",
        world: "import wasi:cli/exit@0.2.0;",
        module: r#"(import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))"#,
        handle: "(call $exit (i32.const 1))",
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Trap, "called exit with 1").await;
}

const RANDOM: &str =
    "package wasi:random@0.2.0; interface random { get-random-bytes: func(len: u64) -> list<u8>; }";

#[tokio::test]
async fn refuses_a_flood_of_random_bytes() {
    let guest = Guest {
        packages: RANDOM,
        world: "import wasi:random/random@0.2.0;",
        module: r#"(import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))"#,
        handle: "(call $random (i64.const 64000000) (i32.const 4096))",
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Limit, "random bytes").await;
}

const CLOCK: &str = "package test:deps;
package wasi:io@0.2.0 { interface poll { resource pollable { block: func(); } } }
package wasi:clocks@0.2.0 { interface monotonic-clock { use wasi:io/poll@0.2.0.{pollable}; subscribe-duration: func(when: u64) -> pollable; } }";
const CLOCK_WORLD: &str = "import wasi:io/poll@0.2.0; import wasi:clocks/monotonic-clock@0.2.0;";
const CLOCK_MODULE: &str = r#"
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $sleep (param i64) (result i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
(import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop_pollable (param i32)))"#;

#[tokio::test]
async fn stops_a_leak_of_pollables() {
    let guest = Guest {
        packages: CLOCK,
        world: CLOCK_WORLD,
        module: CLOCK_MODULE,
        handle: "(loop $more (drop (call $sleep (i64.const 1))) (br $more))",
        ..Guest::default()
    };
    check_hostile(guest, FaultKind::Limit, "handles").await;
}

#[tokio::test]
async fn waiting_costs_no_processor_time() {
    let guest = Guest {
        packages: CLOCK,
        world: CLOCK_WORLD,
        module: CLOCK_MODULE,
        handle: "(local.set $i (i32.const 30))
          (loop $more
            (local.set $j (call $sleep (i64.const 5000000)))
            (call $block (local.get $j))
            (call $drop_pollable (local.get $j))
            (br_if $more (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))",
        ..Guest::default()
    };
    let bench = Bench::new();
    let called = bench.call(&guest, |parts| parts.limits.cpu_ms = 50).await;
    live(called);
}

#[tokio::test]
async fn the_deadline_covers_host_calls() {
    let guest = Guest {
        packages: CLOCK,
        world: CLOCK_WORLD,
        module: CLOCK_MODULE,
        handle: "(call $block (call $sleep (i64.const 60000000000)))",
        ..Guest::default()
    };
    let bench = Bench::new();
    let began = Instant::now();
    let fault = bench
        .fault(&guest, |parts| parts.limits.deadline_ms = 100)
        .await;
    assert_eq!(fault.kind, FaultKind::Deadline, "{fault}");
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(bench.engine.guest_memory(), 0);
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut() {
    let guest = Guest {
        module: r#"(import "parlor:bot/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#,
        handle: "(local.set $i (i32.const 100))
          (loop $more (call $log (i32.const 2) (i32.const 65536) (i32.const 4096))
            (br_if $more (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))",
        ..Guest::default()
    };
    let bench = Bench::new();
    live(bench.call(&guest, |_| {}).await);
    let texts = bench.log.texts();
    assert_eq!(texts.len(), 17);
    assert!(
        texts
            .last()
            .is_some_and(|text| text.contains("were dropped"))
    );
}

const STATE: &str = r#"
(import "parlor:bot/state@0.1.0" "get" (func $get (param i32 i32 i32 i32)))
(import "parlor:bot/state@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32 i32 i64 i32)))
(import "parlor:bot/state@0.1.0" "delete" (func $delete (param i32 i32 i32 i32)))
(import "parlor:bot/state@0.1.0" "add" (func $add (param i32 i32 i32 i64 i32)))"#;

#[tokio::test]
async fn state_is_read_with_versions_and_written_in_order() {
    let guest = Guest {
        module: STATE,
        // Reads the conversation's "guest", sets the plugin's, adds to it, reads it again.
        handle: "(call $get (i32.const 1) (i32.const 512) (i32.const 5) (i32.const 4096))
          (call $set (i32.const 0) (i32.const 512) (i32.const 5) (i32.const 517) (i32.const 1) (i32.const 0) (i64.const 0) (i32.const 4128))
          (call $add (i32.const 0) (i32.const 512) (i32.const 5) (i64.const 41) (i32.const 4160))
          (call $get (i32.const 0) (i32.const 512) (i32.const 5) (i32.const 4192))
          ;; The value is 1 + 41.
          (if (i32.ne (i32.load16_u (i32.load (i32.const 4200))) (i32.const 0x3234)) (then unreachable))",
        ..Guest::default()
    };
    let bench = Bench::new();
    let entry = ("croom-1".to_owned(), "guest".to_owned());
    bench
        .journal
        .values
        .lock()
        .insert(entry, (b"before".to_vec(), 7));
    let called = bench.call(&guest, |_| {}).await;
    assert!(matches!(called.end, CallEnd::Done(_)), "{:?}", called.end);
    let [(read, version)] = &called.state.reads[..] else {
        panic!("{:?}", called.state)
    };
    assert_eq!(
        (&*read.scope.scope, read.key.as_str(), *version),
        ("croom-1", "guest", 7)
    );
    let writes: Vec<_> = called
        .state
        .writes
        .iter()
        .map(|(_, change)| change)
        .collect();
    assert_eq!(
        writes,
        [
            &StateChange::Set(b"1".to_vec(), None),
            &StateChange::Add(41)
        ]
    );
    assert_eq!(&*called.state.writes[0].0.scope.scope, "p");
}

#[tokio::test]
async fn a_flood_of_state_is_refused_and_not_kept() {
    let guest = Guest {
        module: STATE,
        // Sets 64 KiB until it is refused; `full` is case 2 of the error.
        handle: "(loop $more
            (call $set (i32.const 0) (i32.const 512) (i32.const 5) (i32.const 0) (i32.const 65536) (i32.const 0) (i64.const 0) (i32.const 4096))
            (br_if $more (i32.eqz (i32.load8_u (i32.const 4096)))))
          (if (i32.ne (i32.load8_u (i32.const 4097)) (i32.const 2)) (then unreachable))",
        ..Guest::default()
    };
    let bench = Bench::new();
    let called = bench.call(&guest, |_| {}).await;
    assert!(matches!(called.end, CallEnd::Done(_)), "{:?}", called.end);
    assert_eq!(called.state.writes.len(), 7);
    *bench.journal.size.lock() = 64 * 1024 * 1024;
    let called = bench.call(&guest, |_| {}).await;
    assert!(called.state.writes.is_empty());
}

#[tokio::test]
async fn a_message_of_ten_mebibytes_is_taken_or_refused_for_memory() {
    let bench = Bench::new();
    let build = bench.build(&Guest::default(), |_| {}).await;
    let large = "x".repeat(10 * 1024 * 1024);
    let instance = build.instantiate().await.expect("starts");
    let called = instance.handle(delivery(&large)).await;
    assert!(matches!(called.end, CallEnd::Done(_)), "{:?}", called.end);
    let fault = {
        let build = bench
            .build(&Guest::default(), |parts| {
                parts.limits.memory_bytes = 1024 * 1024
            })
            .await;
        let instance = build.instantiate().await.expect("starts");
        instance.handle(delivery(&large)).await.end
    };
    assert!(
        matches!(&fault, CallEnd::Fault(fault) if fault.kind == FaultKind::Memory),
        "{fault:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spinning_plugins_do_not_hold_up_a_neighbour() {
    let bench = Bench::new();
    let spinning = Guest {
        handle: LOOP,
        ..Guest::default()
    };
    let spinning = std::sync::Arc::new(bench.build(&spinning, |_| {}).await);
    let build = bench.build(&Guest::default(), |_| {}).await;
    let spin = |build: std::sync::Arc<PluginBuild>| async move {
        for _ in 0..5 {
            let instance = build.instantiate().await.expect("starts");
            let called = instance.handle(delivery("hello")).await;
            assert!(matches!(called.end, CallEnd::Fault(_)));
        }
    };
    let spinners: Vec<_> = (0..8)
        .map(|_| tokio::spawn(spin(spinning.clone())))
        .collect();
    let mut instance = build.instantiate().await.expect("starts");
    let mut times = Vec::new();
    while !spinners.iter().all(tokio::task::JoinHandle::is_finished) {
        let began = Instant::now();
        instance = live(instance.handle(delivery("hello")).await);
        times.push(began.elapsed());
        tokio::task::yield_now().await;
    }
    for spinner in spinners {
        spinner.await.expect("ends");
    }
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    // A call takes microseconds; on the workers themselves it would wait for whole budgets of 100 ms.
    assert!(
        p99 < Duration::from_millis(20),
        "{p99:?} of {}",
        times.len()
    );
}

#[tokio::test]
async fn a_dropped_call_ends() {
    let guest = Guest {
        handle: LOOP,
        ..Guest::default()
    };
    let bench = Bench::new();
    let build = bench
        .build(&guest, |parts| {
            parts.limits.cpu_ms = 60_000;
            parts.limits.deadline_ms = 60_000;
        })
        .await;
    let instance = build.instantiate().await.expect("starts");
    let call = instance.handle(delivery("hello"));
    assert!(
        tokio::time::timeout(Duration::from_millis(20), call)
            .await
            .is_err()
    );
    while bench.engine.guest_memory() > 0 {
        tokio::task::yield_now().await;
    }
}
