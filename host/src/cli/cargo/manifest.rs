//! What cargo would say of a folder, read from its manifests: where nothing is built, cargo need not be there.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use globset::GlobBuilder;
use toml::{Table, Value};

use super::{Metadata, Package, Target};
use crate::config::variable;

const MANIFEST: &str = "Cargo.toml";
/// The names by which the environment says where things are built.
const TARGET_VARIABLES: [&str; 2] = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];
/// Where settings of cargo say so, in each folder from here up.
const CONFIGS: [&str; 2] = [".cargo/config.toml", ".cargo/config"];

/// Reads the manifests of the workspace that a folder is in.
///
/// # Errors
/// There is none, or it cannot be read.
pub(super) fn read(folder: &Path) -> anyhow::Result<Metadata> {
    let mut around = folder.ancestors();
    let own = around
        .find(|folder| folder.join(MANIFEST).is_file())
        .with_context(|| format!("there is no {MANIFEST} in {}", folder.display()))?;
    let root = root_of(own)?;
    let manifest = table(&root)?;
    let mut folders = vec![root.clone()];
    let workspace = manifest.get("workspace");
    for pattern in texts(workspace, "members") {
        let found = matching(&root, pattern);
        folders.extend(
            found
                .into_iter()
                .filter(|it| !is_excluded(&root, it, workspace)),
        );
    }
    folders.sort();
    folders.dedup();
    let mut packages = Vec::new();
    for folder in folders {
        if folder.join(MANIFEST).is_file() {
            packages.extend(package(&folder, &table(&folder)?));
        }
    }
    Ok(Metadata {
        target_directory: target_of(folder, &root),
        workspace_root: root,
        packages,
    })
}

fn table(folder: &Path) -> anyhow::Result<Table> {
    let path = folder.join(MANIFEST);
    let read = || anyhow::Ok(std::fs::read_to_string(&path)?.parse()?);
    read().with_context(|| path.display().to_string())
}

/// The folder of the workspace that a crate is in: its own where it is in no other.
fn root_of(own: &Path) -> anyhow::Result<PathBuf> {
    let manifest = table(own)?;
    if manifest.contains_key("workspace") {
        return Ok(own.to_owned());
    }
    let named = manifest.get("package").and_then(|it| it.get("workspace"));
    if let Some(named) = named.and_then(Value::as_str) {
        return Ok(own.join(named).canonicalize()?);
    }
    for folder in own.ancestors().skip(1) {
        if !folder.join(MANIFEST).is_file() {
            continue;
        }
        let manifest = table(folder)?;
        if let Some(workspace) = manifest.get("workspace") {
            let is_its = !is_excluded(folder, own, Some(workspace));
            return Ok(if is_its { folder } else { own }.to_owned());
        }
    }
    Ok(own.to_owned())
}

fn is_excluded(root: &Path, folder: &Path, workspace: Option<&Value>) -> bool {
    texts(workspace, "exclude").any(|path| folder.starts_with(root.join(path)))
}

fn texts<'a>(table: Option<&'a Value>, key: &str) -> impl Iterator<Item = &'a str> {
    let list = table.and_then(|it| it.get(key)).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The folders that a pattern of members means, which has a glob for a name at most in each place.
fn matching(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let glob = part
            .contains(['*', '?', '['])
            .then(|| GlobBuilder::new(part).build());
        found = match glob {
            None => found.into_iter().map(|folder| folder.join(part)).collect(),
            Some(Err(_)) => Vec::new(),
            Some(Ok(glob)) => {
                let glob = glob.compile_matcher();
                let entries = found.iter().flat_map(std::fs::read_dir).flatten().flatten();
                let fitting = entries.filter(|entry| glob.is_match(entry.file_name()));
                fitting.map(|entry| entry.path()).collect()
            }
        };
    }
    found
}

/// A crate with its library, where it has one of kinds of its own.
fn package(folder: &Path, manifest: &Table) -> Option<Package> {
    let name = manifest.get("package")?.get("name")?.as_str()?;
    let library = manifest.get("lib")?;
    let kinds = library.get("crate-type").or(library.get("crate_type"))?;
    let kinds = kinds.as_array()?.iter().filter_map(Value::as_str);
    let library = library.get("name").and_then(Value::as_str);
    Some(Package {
        id: name.to_owned(),
        name: name.to_owned(),
        manifest_path: folder.join(MANIFEST),
        targets: vec![Target {
            name: library.map_or_else(|| name.replace('-', "_"), str::to_owned),
            crate_types: kinds.map(str::to_owned).collect(),
        }],
    })
}

/// Where cargo puts what it builds.
fn target_of(folder: &Path, root: &Path) -> PathBuf {
    if let Some(named) = TARGET_VARIABLES.into_iter().find_map(variable) {
        return folder.join(named);
    }
    let configured = folder.ancestors().find_map(|folder| {
        let text = CONFIGS
            .iter()
            .find_map(|it| std::fs::read_to_string(folder.join(it)).ok())?;
        let config: Table = text.parse().ok()?;
        let named = config.get("build")?.get("target-dir")?.as_str()?;
        Some(folder.join(named))
    });
    configured.unwrap_or_else(|| root.join("target"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The workspace's root below the folder, and the crates that are found.
    fn found(root: &Path, folder: &str) -> (String, Vec<String>) {
        let read = read(&root.join(folder)).unwrap();
        let own = read.workspace_root.strip_prefix(root).unwrap();
        let mut names: Vec<String> = read.packages.into_iter().map(|it| it.name).collect();
        names.sort();
        (own.display().to_string(), names)
    }

    #[test]
    fn a_workspace_is_found_with_its_members() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let plugin = |name: &str| {
            format!("[package]\nname = \"{name}\"\n[lib]\ncrate-type = [\"cdylib\"]\n")
        };
        write(
            root,
            "Cargo.toml",
            "[workspace]\nmembers = [\"host\", \"plugins/*\"]\nexclude = [\"plugins/out\"]\n",
        );
        write(root, "host/Cargo.toml", "[package]\nname = \"host\"\n");
        write(root, "plugins/one/Cargo.toml", &plugin("one"));
        write(root, "plugins/two-words/Cargo.toml", &plugin("two-words"));
        write(root, "plugins/out/Cargo.toml", &plugin("out"));
        write(root, "plugins/README.md", "");
        let own = format!("{}[workspace]\n", plugin("own"));
        write(root, "plugins/two-words/tests/own/Cargo.toml", &own);
        let both = vec!["one".to_owned(), "two-words".to_owned()];
        for inside in ["", "plugins", "plugins/one", "host"] {
            assert_eq!(
                found(root, inside),
                (String::new(), both.clone()),
                "{inside}"
            );
        }
        let alone = ("plugins/out".to_owned(), vec!["out".to_owned()]);
        assert_eq!(found(root, "plugins/out"), alone);
        let (at, names) = found(root, "plugins/two-words/tests/own");
        assert_eq!(at, "plugins/two-words/tests/own");
        assert_eq!(names, ["own"]);
        let nowhere = tempfile::tempdir().unwrap();
        let error = read(nowhere.path()).unwrap_err();
        assert!(error.to_string().starts_with("there is no Cargo.toml in "));
    }

    #[test]
    fn what_is_built_lies_where_the_settings_of_cargo_say() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let inside = root.join("bot");
        std::fs::create_dir(&inside).unwrap();
        // Whoever runs this test may say so in the environment, which comes first.
        let said = TARGET_VARIABLES.into_iter().find_map(variable);
        let wanted = |otherwise: PathBuf| said.as_ref().map_or(otherwise, |it| inside.join(it));
        assert_eq!(target_of(&inside, &inside), wanted(inside.join("target")));
        write(
            root,
            ".cargo/config.toml",
            "[build]\ntarget-dir = \"out\"\n",
        );
        assert_eq!(target_of(&inside, &inside), wanted(root.join("out")));
    }

    /// What is read here is what cargo itself says.
    #[test]
    fn this_workspace_is_read_as_cargo_reads_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = root.canonicalize().unwrap();
        for inside in ["", "plugins/joke"] {
            let folder = root.join(inside);
            let own = super::super::choose(read(&folder).unwrap(), &folder);
            let cargos = super::super::plan(&folder).unwrap();
            assert_eq!(own.root, cargos.root);
            assert_eq!(own.target, cargos.target);
            let names = |plan: &super::super::Plan| {
                let crates = plan.crates.iter();
                let mut names: Vec<_> = crates
                    .map(|it| (it.name.clone(), it.folder.clone()))
                    .collect();
                names.sort();
                names
            };
            assert_eq!(names(&own), names(&cargos), "{inside}");
            assert!(!own.crates.is_empty());
        }
    }
}
