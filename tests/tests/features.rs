//! What takes long to build is built once: the host alone and the whole workspace ask for the same
//! features of it and of everything under it.

use std::collections::BTreeSet;
use std::process::Command;

use parlor_tests::guests;

/// Packages that take long to build, with what is under them.
const LARGE: &[&str] = &[
    "wasmtime",
    "wasmtime-wasi",
    "wasmtime-wasi-http",
    "libsqlite3-sys",
];

/// The crates from outside that a selection of packages is built of, each with its features.
fn crates(selection: &[&str]) -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .current_dir(guests::workspace())
        .args(["tree", "--offline", "--locked", "--prefix", "none"])
        .args(["--format", "{p}|{f}"])
        .args(selection)
        .output()
        .expect("cargo runs, since it runs this test");
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let lines = text.lines().filter_map(|line| line.split_once('|'));
    let outside = lines.filter(|(name, _)| !name.contains(" (/"));
    outside
        .map(|(name, features)| {
            let features = features.trim_end_matches(" (*)");
            (name.to_owned(), features.to_owned())
        })
        .collect()
}

#[test]
fn what_takes_long_is_the_same_for_the_host_alone_and_the_workspace() {
    let mut under = vec!["-e", "normal,build"];
    for large in LARGE {
        under.extend(["-p", large]);
    }
    let names: BTreeSet<String> = crates(&under).into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().any(|name| name.starts_with("wasmtime v")));
    let workspace = crates(&["--workspace"]);
    for selection in [
        // As `cargo run` builds it, and as its own tests do.
        &["-p", "parlor-host", "-e", "normal,build"] as &[&str],
        &["-p", "parlor-host"],
        &["-p", "parlor-tests"],
    ] {
        let own = crates(selection);
        let apart = own.difference(&workspace);
        let apart: Vec<_> = apart.filter(|(name, _)| names.contains(name)).collect();
        assert!(
            apart.is_empty(),
            "{selection:?} builds wasmtime or SQLite once more; add to host/Cargo.toml: {apart:#?}"
        );
    }
}
