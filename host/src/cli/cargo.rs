//! Asks cargo and rustup: what is here to build, whether the wasm target is there, build it.

mod manifest;

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::output::{Interrupted, Voice};
use super::progress::Progress;
use crate::config::variable;

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "plugin";
/// Lines are all that is read of what a debugger reads.
const LINES: &str = "profile.dev.debug='line-tables-only'";

const NO_CARGO: &str = "cannot start cargo, which builds plugins in Rust: install Rust from https://rustup.rs \
                        (curl https://sh.rustup.rs -sSf | sh), then build again";
const NO_RUSTC: &str = "cannot start rustc, which builds plugins in Rust: install Rust from https://rustup.rs \
                        (curl https://sh.rustup.rs -sSf | sh), then build again";

/// How crates are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Make {
    /// Small and fast, as it is published.
    Optimised,
    /// With its source lines, which a trap then names.
    Debug,
}

/// A crate that becomes a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PluginCrate {
    pub(super) package: String,
    /// The package's id, as cargo's messages name it.
    id: String,
    /// The file's name without `.wasm`.
    pub(super) name: String,
    /// Where its manifest is.
    pub(super) folder: PathBuf,
}

/// The crates to build in a folder.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) root: PathBuf,
    /// Where cargo puts what it builds.
    target: PathBuf,
    pub(super) crates: Vec<PluginCrate>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

/// A line of `cargo build --message-format=json`.
#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Finds what there is to build in a folder: its crate, or in a workspace's root its plugins.
pub(super) fn plan(folder: &Path) -> anyhow::Result<Plan> {
    let output = cargo(folder)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::piped())
        .output()
        .context(NO_CARGO)?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cannot read what cargo says")?;
    Ok(choose(metadata, folder))
}

/// As [`plan`], for what was built before: cargo is not asked, and need not be there.
pub(super) fn plan_of_manifests(folder: &Path) -> anyhow::Result<Plan> {
    Ok(choose(manifest::read(folder)?, folder))
}

fn choose(metadata: Metadata, folder: &Path) -> Plan {
    let mut crates: Vec<(PathBuf, PluginCrate)> = Vec::new();
    for package in metadata.packages {
        let Some(library) = package
            .targets
            .iter()
            .find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
        else {
            continue;
        };
        let folder = package.manifest_path.parent().map(Path::to_owned);
        let folder = folder.unwrap_or_default();
        let found = PluginCrate {
            folder: folder.clone(),
            name: library.name.replace('_', "-"),
            package: package.name,
            id: package.id,
        };
        crates.push((folder, found));
    }
    let own: Vec<_> = only(&crates, |path| {
        folder.starts_with(path) && path != metadata.workspace_root
    });
    let here: Vec<_> = only(&crates, |path| path == folder);
    let plugins = metadata.workspace_root.join("plugins");
    let in_plugins: Vec<_> = only(&crates, |path| path.starts_with(&plugins));
    let all: Vec<_> = only(&crates, |_| true);
    let chosen = [own, here, in_plugins, all]
        .into_iter()
        .find(|crates| !crates.is_empty());
    Plan {
        root: metadata.workspace_root,
        target: metadata.target_directory,
        crates: chosen.unwrap_or_default(),
    }
}

fn only(crates: &[(PathBuf, PluginCrate)], wanted: impl Fn(&Path) -> bool) -> Vec<PluginCrate> {
    crates
        .iter()
        .filter(|(path, _)| wanted(path))
        .map(|(_, found)| found.clone())
        .collect()
}

/// Where the component of a crate lies that was built before.
pub(super) fn built_before(plan: &Plan, found: &PluginCrate) -> PathBuf {
    let profile = match defines_profile(&plan.root) {
        true => PROFILE,
        false => "release",
    };
    let file = format!("{}.wasm", found.name.replace('-', "_"));
    plan.target.join(TARGET).join(profile).join(file)
}

/// Adds the wasm target through rustup where it is missing.
pub(super) fn add_target(folder: &Path, voice: Voice) -> anyhow::Result<()> {
    let libraries = Command::new(variable("RUSTC").unwrap_or_else(|| "rustc".to_owned()))
        .current_dir(folder)
        .args(["--print", "target-libdir", "--target", TARGET])
        .stdin(Stdio::null())
        .output()
        .context(NO_RUSTC)?;
    let path = String::from_utf8_lossy(&libraries.stdout).trim().to_owned();
    if libraries.status.success() && Path::new(&path).is_dir() {
        return Ok(());
    }
    voice.say(&format!("adding the target {TARGET} with rustup"));
    let status = Command::new("rustup")
        .current_dir(folder)
        .args(["target", "add", TARGET])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| {
            format!(
                "the target {TARGET} of Rust, which components are built for, is missing, and there is no \
                 rustup to add it: install it as Rust itself was (rustup: `rustup target add {TARGET}`)"
            )
        })?;
    if !status.success() {
        bail!(
            "rustup could not add the target {TARGET}, which components are built for: see \
             `rustup target add {TARGET}`; it needs the network once"
        );
    }
    Ok(())
}

/// Builds the crates; returns each with its component.
pub(super) fn build(
    plan: &Plan,
    make: Make,
    voice: Voice,
) -> anyhow::Result<Vec<(PluginCrate, PathBuf)>> {
    let mut command = cargo(&plan.root);
    command.args(["build", "--quiet", "--target", TARGET]);
    command.arg("--message-format=json-render-diagnostics");
    match make {
        Make::Debug => {
            command.args(["--profile", "dev", "--config", LINES]);
            // What a project asks of the linker for small components does not go with source lines.
            if variable("RUSTFLAGS").is_none() {
                command.env("RUSTFLAGS", "");
            }
        }
        Make::Optimised if defines_profile(&plan.root) => {
            command.args(["--profile", PROFILE]);
        }
        Make::Optimised => {
            command.arg("--release");
        }
    }
    for found in &plan.crates {
        command.args(["--package", &found.package]);
    }
    let count = plan.crates.len();
    let what = if count == 1 { "plugin" } else { "plugins" };
    let progress = Progress::start(&format!("building {count} {what}"), voice);
    let mut child = command.stdout(Stdio::piped()).spawn().context(NO_CARGO)?;
    let mut built = Vec::new();
    for line in child
        .stdout
        .take()
        .map(BufReader::new)
        .into_iter()
        .flat_map(|out| out.lines())
    {
        // A line that is no message is a build script's; it is of no concern here.
        let Ok(message) = serde_json::from_str::<Message>(&line?) else {
            continue;
        };
        if message.reason != "compiler-artifact" {
            continue;
        }
        let name = message.target.as_ref().map_or("", |target| &target.name);
        progress.step(|count| format!("{count} crates, {name}"));
        let wasm = message.filenames.iter().find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        });
        let found = plan
            .crates
            .iter()
            .find(|found| Some(&found.id) == message.package_id.as_ref());
        if let (Some(found), Some(wasm)) = (found, wasm) {
            built.push((found.clone(), wasm.clone()));
        }
    }
    let status = child.wait().context("cannot wait for cargo")?;
    drop(progress);
    if status.signal() == Some(libc::SIGINT) {
        return Err(Interrupted.into());
    }
    if !status.success() {
        if !has_its_crates(&plan.root) {
            bail!(
                "the build failed: crates that it needs are not here yet, and fetching them failed; it needs \
                 the network once (`cargo fetch` tries that alone)"
            );
        }
        bail!("the build failed");
    }
    Ok(built)
}

/// Whether everything that cargo fetches is here.
fn has_its_crates(root: &Path) -> bool {
    let fetched = cargo(root)
        .args(["fetch", "--offline", "--quiet", "--target", TARGET])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // Where cargo cannot be asked, nothing is known to be missing.
    fetched.map_or(true, |status| status.success())
}

fn defines_profile(root: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(root.join("Cargo.toml")) else {
        return false;
    };
    text.parse::<toml::Table>().is_ok_and(|manifest| {
        manifest
            .get("profile")
            .and_then(|profiles| profiles.get(PROFILE))
            .is_some()
    })
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, path: &str, kind: &str) -> Package {
        Package {
            id: format!("path+{path}"),
            name: name.to_owned(),
            manifest_path: Path::new(path).join("Cargo.toml"),
            targets: vec![Target {
                name: name.replace('-', "_"),
                crate_types: vec![kind.to_owned()],
            }],
        }
    }

    fn check(folder: &str, names: &[&str]) {
        let metadata = Metadata {
            workspace_root: "/w".into(),
            target_directory: "/w/target".into(),
            packages: vec![
                package("host", "/w/host", "lib"),
                package("two-words", "/w/plugins/two-words", "cdylib"),
                package("echo", "/w/plugins/echo", "cdylib"),
                package("guests", "/w/tests/guests", "cdylib"),
            ],
        };
        let plan = choose(metadata, Path::new(folder));
        let found: Vec<&str> = plan.crates.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(found, names, "{folder}");
    }

    #[test]
    fn chooses_the_crate_here_or_the_plugins() {
        check("/w", &["two-words", "echo"]);
        check("/w/host", &["two-words", "echo"]);
        check("/w/plugins/echo", &["echo"]);
        check("/w/plugins/echo/src", &["echo"]);
        check("/w/tests/guests", &["guests"]);
    }

    #[test]
    fn a_single_crate_is_its_own_workspace() {
        let metadata = Metadata {
            workspace_root: "/g".into(),
            target_directory: "/g/target".into(),
            packages: vec![package("greeter", "/g", "cdylib")],
        };
        let plan = choose(metadata, Path::new("/g"));
        assert_eq!(plan.crates[0].name, "greeter");
    }
}
