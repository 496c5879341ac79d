//! Builds the demo plugins and the guests of `tests/guests`, once a process, and finds their components.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use parlor_host::config::variable;

/// The guest with the SDK's templates.
pub const TEMPLATED: &str = "templated";

/// The profile of published components.
const PLUGIN: &str = "plugin";

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder for what programs keep, `XDG_CACHE_HOME`: all that tests start have the same, so that a component
/// is compiled once by whichever of them comes first.
pub fn caches() -> PathBuf {
    workspace().join("target/tmp/caches")
}

/// The folder in it for compiled code, where `parlor` looks for it too.
pub fn code_cache() -> PathBuf {
    caches().join("parlor")
}

/// The component of a demo plugin (`joke`) or of a guest of `tests/guests/examples` (`loop`).
///
/// # Panics
/// When the guests do not build: no test can go on.
pub fn component(name: &str) -> PathBuf {
    let folder = match name {
        TEMPLATED => templated(),
        _ => built(),
    };
    find(folder, name)
}

fn find(folder: &Path, name: &str) -> PathBuf {
    let file = format!("{}.wasm", name.replace('-', "_"));
    let exact = [
        folder.join(&file),
        folder.join("examples").join(&file),
        folder.join("examples").join(format!("{name}.wasm")),
    ];
    exact
        .iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("there is no component {name} in {}", folder.display()))
        .clone()
}

/// The folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    variable("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// The bytes of a component.
///
/// # Panics
/// When the guests do not build.
pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(component(name)).expect("a component that was just found can be read")
}

/// The bytes of a guest as an author has it while working: not optimised, with its source lines.
///
/// # Panics
/// When the guest does not build.
pub fn debug_bytes(name: &str) -> Vec<u8> {
    // Said here, as the environment may say otherwise.
    let lines = "profile.dev.debug='line-tables-only'";
    let what = ["-p", "parlor-guests", "--example", name, "--config", lines];
    let file = find(&build("dev", &what), name);
    std::fs::read(file).expect("a component that was just built can be read")
}

fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let demos_and_guests = ["-p", "parlor-plugin-*", "-p", "parlor-guests"];
        build(
            PLUGIN,
            &[&demos_and_guests[..], &["--lib", "--examples"]].concat(),
        )
    })
}

/// Built apart and only where it is asked for: it alone has the SDK's templates.
fn templated() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(PLUGIN, &["-p", "parlor-guest-templated"]))
}

fn build(profile: &str, what: &[&str]) -> PathBuf {
    let root = workspace();
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(&root)
        .args(["build", "--quiet", "--profile", profile])
        .args(["--target", "wasm32-wasip2"])
        .args(what)
        // Cargo sets these for the test itself; the guests are not part of it.
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    if profile != PLUGIN {
        // In place of the workspace's own: the linker does not compress what has source lines.
        command.env("RUSTFLAGS", "");
    }
    let status = command
        .status()
        .expect("cargo runs, since it runs this test");
    assert!(status.success(), "the guests do not build");
    let folder = if profile == "dev" { "debug" } else { profile };
    target().join("wasm32-wasip2").join(folder)
}
