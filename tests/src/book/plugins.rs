//! Plugins in Rust on pages, each as a component of its own, all in one crate.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Block;
use crate::guests::{target, workspace};

/// A block, and the component that was made of it.
#[derive(Clone, Debug)]
pub struct Built {
    /// The block.
    pub block: Block,
    /// The component.
    pub wasm: PathBuf,
}

/// Makes components of blocks.
///
/// # Errors
/// What the compiler says; its paths name page and line.
///
/// # Panics
/// The crate cannot be written.
pub fn build(blocks: Vec<Block>) -> Result<Vec<Built>, String> {
    let root = workspace();
    let folder = root.join("target/tmp/book/rust");
    let examples = folder.join("examples");
    if examples.exists() {
        std::fs::remove_dir_all(&examples).expect("what was built before can go");
    }
    std::fs::create_dir_all(&examples).expect("a folder");
    let write = |path: PathBuf, text: &str| std::fs::write(path, text).expect("a file");
    write(folder.join("Cargo.toml"), &manifest(&blocks, &root));
    write(folder.join("lib.rs"), "");
    for block in &blocks {
        write(
            examples.join(format!("{}.rs", block.name())),
            &source(block),
        );
    }
    // The versions of the workspace, so that nothing is fetched that is not there.
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(&folder)
        .args([
            "build",
            "--quiet",
            "--examples",
            "--target",
            "wasm32-wasip2",
        ])
        .env("CARGO_TARGET_DIR", target())
        // Cargo sets these for the test itself; the crate is not part of it.
        .env_remove("CARGO_MANIFEST_DIR")
        .env("RUSTFLAGS", "");
    let built = cargo.output().expect("cargo runs, since it runs this test");
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    let examples = target().join("wasm32-wasip2/debug/examples");
    let built = blocks.into_iter().map(|block| Built {
        wasm: examples.join(format!("{}.wasm", block.name())),
        block,
    });
    Ok(built.collect())
}

fn manifest(blocks: &[Block], root: &Path) -> String {
    let mut text = format!(
        "[package]\nname = \"parlor-book\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [lib]\npath = \"lib.rs\"\n\n[workspace]\n\n[profile.dev]\nopt-level = \"s\"\ndebug = false\n\
         strip = true\n\n[dependencies]\nparlor-sdk = {{ path = \"{}\" }}\n",
        root.join("plugin-sdk").display()
    );
    for block in blocks {
        let name = block.name();
        let _ = write!(
            text,
            "\n[[example]]\nname = \"{name}\"\ncrate-type = [\"cdylib\"]\n"
        );
    }
    text
}

/// A whole plugin as it is, a piece of one in what is around it.
fn source(block: &Block) -> String {
    if !block.is("method") {
        return block.text.clone();
    }
    format!(
        "use parlor_sdk::prelude::*;\n\n#[derive(Default)]\nstruct Piece;\n\n\
         #[behaviour(name = \"piece\", summary = \"A piece of a plugin\")]\nimpl Piece {{\n{}}}\n",
        block.text
    )
}
