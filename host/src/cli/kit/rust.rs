//! The SDK for Rust in a project, where the project's manifest names it: its crates, and the contract for whoever
//! reads it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{File, OWN_FOLDER, WIT, write};

/// The SDK.
const SDK: &[File] = files!(
    "plugin-sdk/src",
    "action.rs",
    "argument.rs",
    "behaviour.rs",
    "bench.rs",
    "bench/answer.rs",
    "bench/defaults.rs",
    "bench/event.rs",
    "bench/fake.rs",
    "bench/pattern.rs",
    "bench/reads.rs",
    "bench/tests.rs",
    "bindings.rs",
    "bindings/generated.rs",
    "boundary.rs",
    "config.rs",
    "content.rs",
    "content/card.rs",
    "content/form.rs",
    "content/line.rs",
    "content/table.rs",
    "context.rs",
    "describe.rs",
    "directory.rs",
    "error.rs",
    "http.rs",
    "http/guest.rs",
    "lib.rs",
    "log.rs",
    "matching.rs",
    "message.rs",
    "named.rs",
    "payload.rs",
    "random.rs",
    "reply.rs",
    "request.rs",
    "response.rs",
    "state.rs",
    "templates.rs",
    "time.rs",
    "timer.rs",
);

/// Its macros.
const MACROS: &[File] = files!(
    "plugin-sdk/macros/src",
    "canonical.rs",
    "describe.rs",
    "dispatch.rs",
    "handler.rs",
    "lib.rs",
    "parse.rs",
);

/// The manifests of both, which in the workspace inherit what here is said in full. Cargo would take them for
/// its own where they lie, so they have other names there.
const MANIFESTS: &[File] = &[
    (
        "macros/Cargo.toml",
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../plugin-sdk/kit/macros.toml"
        )),
    ),
    (
        "Cargo.toml",
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../plugin-sdk/kit/sdk.toml"
        )),
    ),
];

/// The SDK's folder in what is ours of a project.
const SDK_FOLDER: &str = "sdk";

/// Writes the SDK into what is ours of a project.
pub(in crate::cli) fn write_sdk(own: &Path) -> std::io::Result<()> {
    write(&own.join("wit"), WIT)?;
    let sdk = own.join(SDK_FOLDER);
    write(&sdk, MANIFESTS)?;
    write(&sdk.join("src"), SDK)?;
    write(&sdk.join("macros/src"), MACROS)?;
    Ok(())
}

/// Writes the SDK where the crate around a folder takes it from below its own `.parlor`.
///
/// # Errors
/// It cannot be written. What is wrong with the manifest itself, cargo says better.
pub(in crate::cli) fn refresh(folder: &Path) -> anyhow::Result<()> {
    let Some(own) = own_folder_around(folder) else {
        return Ok(());
    };
    super::make_own(&own)
        .and_then(|()| write_sdk(&own))
        .with_context(|| format!("cannot write the SDK into {}", own.display()))
}

/// The `.parlor` that the nearest manifest has its SDK from.
fn own_folder_around(folder: &Path) -> Option<PathBuf> {
    let crate_folder = folder
        .ancestors()
        .find(|folder| folder.join("Cargo.toml").is_file())?;
    let manifest = std::fs::read_to_string(crate_folder.join("Cargo.toml")).ok()?;
    let manifest: toml::Table = manifest.parse().ok()?;
    let sdk = manifest.get("dependencies")?.get("parlor-sdk")?;
    let sdk = Path::new(sdk.get("path")?.as_str()?);
    let is_ours = sdk.ends_with(Path::new(OWN_FOLDER).join(SDK_FOLDER));
    let sdk = is_ours.then(|| crate_folder.join(sdk))?;
    sdk.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    fn rust_files(folder: &Path, below: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                rust_files(&entry.path(), &format!("{name}/"), found);
            } else {
                found.push(name);
            }
        }
    }

    #[test]
    fn no_file_of_the_sdk_is_left_out() {
        for (folder, kit) in [("plugin-sdk/src", SDK), ("plugin-sdk/macros/src", MACROS)] {
            let mut there = Vec::new();
            rust_files(&root().join(folder), "", &mut there);
            let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
            let names: BTreeSet<&str> = kit.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, there, "{folder}");
        }
    }

    /// A manifest with what it has from its workspace.
    fn whole(manifest: &str) -> toml::Table {
        let read = |name: &str| -> toml::Table {
            let text = std::fs::read_to_string(root().join(name)).unwrap();
            text.parse().unwrap()
        };
        let workspace = read("Cargo.toml");
        let shared = &workspace["workspace"];
        let mut table = read(manifest);
        let package = table["package"].as_table_mut().unwrap();
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            package.insert(key.to_owned(), shared["package"][key].clone());
        }
        package.remove("repository");
        table.remove("lints");
        table.remove("dev-dependencies");
        for (name, dependency) in table["dependencies"].as_table_mut().unwrap() {
            let own = dependency.as_table().unwrap().clone();
            let mut full = match &shared["dependencies"][name.as_str()] {
                toml::Value::Table(table) => table.clone(),
                version => toml::Table::from_iter([("version".to_owned(), version.clone())]),
            };
            if let Some(optional) = own.get("optional") {
                full.insert("optional".to_owned(), optional.clone());
            }
            let features = own.get("features").and_then(|it| it.as_array());
            if let Some(features) = features {
                let all = full["features"].as_array_mut().unwrap();
                all.extend(features.iter().cloned());
            }
            if full.contains_key("path") {
                full.insert("path".to_owned(), "macros".into());
            }
            *dependency = toml::Value::Table(full);
        }
        table
    }

    #[test]
    fn the_sdk_in_a_project_needs_what_it_needs_here() {
        for (name, text) in MANIFESTS {
            let mut own: toml::Table = text.parse().unwrap();
            let lib = own["lib"].as_table_mut().unwrap();
            assert_eq!(lib.remove("doctest"), Some(false.into()), "{name}");
            for (_, dependency) in own["dependencies"].as_table_mut().unwrap() {
                if let toml::Value::String(version) = dependency {
                    let version = toml::Value::String(version.clone());
                    let table = toml::Table::from_iter([("version".to_owned(), version)]);
                    *dependency = toml::Value::Table(table);
                }
            }
            assert_eq!(own, whole(&format!("plugin-sdk/{name}")), "{name}");
        }
    }

    #[test]
    fn is_written_only_where_the_manifest_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path();
        let manifest = |sdk: &str| {
            let text = format!("[package]\nname = \"x\"\n[dependencies]\nparlor-sdk = {sdk}\n");
            std::fs::write(project.join("Cargo.toml"), text).unwrap();
            refresh(project).unwrap();
        };
        manifest("\"0.1\"");
        manifest("{ path = \"../plugin-sdk\" }");
        assert!(!project.join(".parlor").exists());
        manifest("{ path = \".parlor/sdk\" }");
        for file in [
            "sdk/Cargo.toml",
            "sdk/macros/src/lib.rs",
            "wit/world.wit",
            ".gitignore",
        ] {
            assert!(project.join(".parlor").join(file).is_file(), "{file}");
        }
        // One of another version gives way.
        let lib = project.join(".parlor/sdk/src/lib.rs");
        std::fs::write(&lib, "old").unwrap();
        std::fs::create_dir(project.join("src")).unwrap();
        refresh(&project.join("src")).unwrap();
        assert_ne!(std::fs::read_to_string(lib).unwrap(), "old");
    }
}
