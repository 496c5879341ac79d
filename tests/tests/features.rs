//! The crates that a run and the tests share are built once: whoever asks for them asks for the same.

use std::collections::BTreeSet;
use std::process::Command;

use parlor_tests::guests;

/// The crates from outside with their features, as a selection of packages has them.
fn features(selection: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(guests::workspace())
        .args(["tree", "--offline", "--locked", "--prefix", "none"])
        .args(["--format", "{p} [{f}]"])
        .args(selection)
        .output()
        .expect("cargo runs, since it runs this test");
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)"));
    let outside = lines.filter(|line| !line.contains(" (/") && !line.is_empty());
    outside.map(str::to_owned).collect()
}

#[test]
fn host_alone_and_workspace_build_the_same_crates() {
    let workspace = features(&["--workspace"]);
    assert!(workspace.iter().any(|line| line.starts_with("wasmtime v")));
    for selection in [
        // As `cargo run` builds it, and as its own tests do.
        &["-p", "parlor-host", "-e", "normal,build"] as &[&str],
        &["-p", "parlor-host"],
        &["-p", "parlor-tests"],
    ] {
        let own = features(selection);
        let apart: Vec<_> = own.difference(&workspace).collect();
        assert!(
            apart.is_empty(),
            "{selection:?} builds these once more, add their features to host/Cargo.toml: {apart:#?}"
        );
    }
}
