//! What takes long to build is built once: the host alone and the whole workspace ask for the same
//! features of everything that the host is made of.

use std::collections::BTreeSet;
use std::process::Command;

use parlor_tests::guests;

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
fn the_host_is_the_same_alone_and_in_the_workspace() {
    let workspace = crates(&["--workspace"]);
    for selection in [
        // As `cargo run` builds it, and as its own tests do.
        &["-p", "parlor-host", "-e", "normal,build"] as &[&str],
        &["-p", "parlor-host"],
        &["-p", "parlor-tests"],
    ] {
        let own = crates(selection);
        assert!(own.iter().any(|(name, _)| name.starts_with("wasmtime v")));
        let apart: Vec<_> = own.difference(&workspace).collect();
        assert!(
            apart.is_empty(),
            "{selection:?} builds these, and with them the host, once more; ask for the same features everywhere: \
             {apart:#?}"
        );
    }
}

#[test]
fn macros_read_webassembly_with_what_the_host_reads_it_with() {
    let host = crates(&["-p", "parlor-host", "-e", "normal,build"]);
    let readers: Vec<_> = host
        .iter()
        .filter(|(name, _)| name.starts_with("wasmparser v"))
        .collect();
    assert_eq!(
        readers.len(),
        1,
        "it is built twice; add to the build dependencies of host/Cargo.toml: {readers:#?}"
    );
}
