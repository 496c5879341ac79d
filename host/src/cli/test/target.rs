//! What is tested: components, each with its dialogs.

use std::path::{Path, PathBuf};

use crate::cli::build::{PROJECTS, components, project_around};
use crate::cli::output::Failure;

/// Where a project keeps its dialogs.
const FOLDER: &str = "tests";
/// What a dialog's name ends in.
const EXTENSION: &str = "dialog";

/// A component with its dialogs.
#[derive(Debug)]
pub(super) struct Target {
    /// The plugin's name.
    pub(super) name: String,
    /// The component.
    pub(super) wasm: PathBuf,
    /// Whether it was named, and not built of a project.
    pub(super) is_named: bool,
    /// Its dialogs, in order.
    pub(super) files: Vec<PathBuf>,
    /// They are all that its project has.
    pub(super) is_whole: bool,
}

/// What is asked for.
pub(super) struct Asked<'a> {
    /// Projects, folders of dialogs, dialogs.
    pub(super) what: &'a [PathBuf],
    /// The component; none is that of the project.
    pub(super) wasm: Option<&'a Path>,
    /// The folder whose dialogs are run instead of the project's.
    pub(super) recorded: Option<&'a Path>,
    /// Whether projects are built before.
    pub(super) is_built: bool,
    /// Whether a component is tested that has no dialogs.
    pub(super) has_contract: bool,
}

/// Finds what is meant, and builds it where it is to be built.
pub(super) fn targets(asked: &Asked<'_>) -> Result<Vec<Target>, Failure> {
    let Asked { what, wasm, .. } = asked;
    if let Some(missing) = what.iter().find(|path| !path.exists()) {
        return Err(Failure::usage(format!(
            "{} is not there",
            missing.display()
        )));
    }
    let recorded = asked.recorded.map(recorded_in).transpose()?;
    let mut found = match wasm {
        Some(wasm) => vec![of_file(what, wasm)?],
        None => of_projects(what, asked.is_built, recorded.is_some())?,
    };
    if let Some(recorded) = recorded {
        let [target] = found.as_mut_slice() else {
            let names: Vec<&str> = found.iter().map(|target| target.name.as_str()).collect();
            return Err(Failure::usage(format!(
                "recorded dialogs are of one plugin, and here are {}; name one's project, or its component with --wasm",
                names.join(", ")
            )));
        };
        target.files = recorded;
    }
    let needs_none = asked.has_contract && !found.is_empty();
    if !needs_none && found.iter().all(|target| target.files.is_empty()) {
        let places: Vec<String> = what.iter().map(|it| it.display().to_string()).collect();
        return Err(Failure::usage(format!(
            "no dialogs in {}; a plugin's are files {FOLDER}/*.{EXTENSION} in its project",
            places.join(", ")
        )));
    }
    Ok(found)
}

fn of_file(what: &[PathBuf], wasm: &Path) -> Result<Target, Failure> {
    let stem = wasm.file_stem().and_then(|stem| stem.to_str());
    let Some(name) = stem.filter(|_| wasm.is_file()) else {
        return Err(Failure::usage(format!("{} is not a file", wasm.display())));
    };
    let mut files = Vec::new();
    for path in what {
        if path.is_file() {
            files.push(path.clone());
        } else {
            files.extend(dialogs_in(path));
            files.extend(dialogs_in(&path.join(FOLDER)));
        }
    }
    each_once(&mut files);
    Ok(Target {
        // As cargo names them.
        name: name.replace('_', "-"),
        wasm: wasm.to_owned(),
        is_named: true,
        files,
        // Nobody knows of others.
        is_whole: true,
    })
}

fn of_projects(
    what: &[PathBuf],
    is_built: bool,
    is_recorded: bool,
) -> Result<Vec<Target>, Failure> {
    let mut projects: Vec<(PathBuf, Vec<PathBuf>)> = Vec::new();
    for path in what {
        let path = path.canonicalize()?;
        let Some(project) = project_around(&path) else {
            return Err(Failure::usage(format!(
                "{} is in no plugin's project (no {}); `--wasm FILE.wasm` tests without one",
                path.display(),
                PROJECTS.join(", ")
            )));
        };
        let single = path.is_file().then_some(path);
        match projects.iter_mut().find(|(known, _)| *known == project) {
            // A whole project has its single files too.
            Some((_, files)) if !files.is_empty() => match single {
                Some(file) => files.push(file),
                None => files.clear(),
            },
            Some(_) => {}
            None => projects.push((project, single.into_iter().collect())),
        }
    }
    let mut targets = Vec::new();
    for (project, mut single) in projects {
        each_once(&mut single);
        let of = |folder: &Path| match single.is_empty() {
            true => dialogs_in(&folder.join(FOLDER)),
            false => {
                let own = single.iter().filter(|file| file.starts_with(folder));
                own.cloned().collect()
            }
        };
        let is_wanted = |folder: &Path| is_recorded || !of(folder).is_empty();
        for component in components(&project, is_built, is_wanted)? {
            if !component.wasm.is_file() {
                return Err(Failure::usage(format!(
                    "{} was not built yet; run without --no-build",
                    component.wasm.display()
                )));
            }
            let files = of(&component.folder);
            let all = dialogs_in(&component.folder.join(FOLDER));
            targets.push(Target {
                is_whole: all.iter().all(|file| files.contains(file)),
                files,
                name: component.name,
                wasm: component.wasm,
                is_named: false,
            });
        }
    }
    targets.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(targets)
}

/// Leaves out files that are named again, by whatever path: their answers would be written twice.
fn each_once(files: &mut Vec<PathBuf>) {
    let mut known = std::collections::BTreeSet::new();
    files.retain(|file| known.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
}

/// The dialogs of a folder of recorded ones, of which there must be some.
fn recorded_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let files = dialogs_in(folder);
    match files.is_empty() {
        true => Err(Failure::usage(format!(
            "no dialogs in {}; `parlor events export --to FILE.{EXTENSION}` writes some",
            folder.display()
        ))),
        false => Ok(files),
    }
}

/// The dialogs of a folder, by name.
fn dialogs_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == EXTENSION) && path.is_file())
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_tested_with_the_dialogs_that_are_named_or_lie_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir(root.join("tests")).unwrap();
        for name in [
            "b.dialog",
            "a.dialog",
            "tests/c.dialog",
            "x.txt",
            "my_bot.wasm",
        ] {
            std::fs::write(root.join(name), "").unwrap();
        }
        let wasm = root.join("my_bot.wasm");
        let of = |what: &[PathBuf], wasm: Option<&Path>| {
            targets(&Asked {
                what,
                wasm,
                recorded: None,
                is_built: true,
                has_contract: false,
            })
        };
        let found = of(&[root.to_owned()], Some(&wasm)).unwrap();
        let names = |target: &Target| -> Vec<String> {
            let files = target.files.iter().map(|it| it.strip_prefix(root).unwrap());
            files.map(|it| it.display().to_string()).collect()
        };
        assert_eq!(found[0].name, "my-bot");
        assert_eq!(names(&found[0]), ["a.dialog", "b.dialog", "tests/c.dialog"]);
        let one = of(&[root.join("b.dialog")], Some(&wasm)).unwrap();
        assert_eq!(names(&one[0]), ["b.dialog"]);
        let again = [root.join("b.dialog"), root.join("tests/../b.dialog")];
        assert_eq!(names(&of(&again, Some(&wasm)).unwrap()[0]), ["b.dialog"]);
        for (what, wasm, says) in [
            (root.join("none"), Some(wasm.as_path()), "is not there"),
            (
                root.to_owned(),
                Some(Path::new("/none.wasm")),
                "is not a file",
            ),
            (root.to_owned(), None, "is in no plugin's project"),
        ] {
            let Err(Failure::Usage(lines)) = of(&[what], wasm) else {
                panic!("{says}");
            };
            assert!(lines[0].contains(says), "{lines:?}");
        }
        std::fs::remove_dir_all(root.join("tests")).unwrap();
        let empty = tempfile::tempdir().unwrap();
        let Err(Failure::Usage(lines)) = of(&[empty.path().to_owned()], Some(&wasm)) else {
            panic!("nothing to run is a mistake");
        };
        assert!(lines[0].starts_with("no dialogs in "), "{lines:?}");
    }
}
