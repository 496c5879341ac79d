//! `parlor build`: plugins from source, put where they are loaded from.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;

use super::cargo::{Make, PluginCrate, add_target, build, built_before, plan, plan_of_manifests};
use super::output::{Failure, Voice, print_json, print_line, size_text};
use super::scripts::Script;
use super::start::Place;
use super::tree::SourceTree;
use super::{interruptible, kit, load};
use crate::app::entry;
use crate::config::{DEFAULT_LIMITS, Settings};

#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// Put the components into this folder [default: the settings' plugin folder, else this one]
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// Print one JSON object per component
    #[arg(long)]
    json: bool,
    /// Build with source lines, which a trap then names; large and slow (Rust)
    #[arg(long)]
    debug: bool,
    /// Say only what is wrong
    #[arg(long)]
    quiet: bool,
}

/// Files of which one makes a folder a project.
pub(super) const PROJECTS: [&str; 3] = ["Cargo.toml", "package.json", "pyproject.toml"];
/// A component above this takes seconds to compile: it holds the engine of its language.
const SLOW_BYTES: u64 = 4 * 1024 * 1024;

/// A component that was built.
#[derive(Debug, Serialize)]
pub(super) struct Built {
    pub(super) package: String,
    pub(super) file: PathBuf,
    pub(super) bytes: u64,
}

/// Builds what is in the current folder, and compiles it for this machine.
pub(super) fn run(place: &Place<'_>, args: BuildArgs) -> Result<ExitCode, Failure> {
    let project = project_around(place.folder).ok_or_else(|| {
        Failure::usage(format!(
            "nothing to build in {}: a plugin is a crate with crate-type = [\"cdylib\"], or a folder with a \
             package.json (JavaScript, TypeScript) or a pyproject.toml (Python); `parlor new NAME` makes one",
            place.folder.display()
        ))
    })?;
    let settings = place.require_settings().ok().map(|path| load(&path));
    let settings = settings.transpose()?;
    let to = match args.to {
        Some(to) => to,
        None => destination(&project, settings.as_ref()),
    };
    let voice = if args.quiet {
        Voice::Quiet
    } else {
        Voice::Aloud
    };
    let make = if args.debug {
        Make::Debug
    } else {
        Make::Optimised
    };
    let built = build_as(&project, &to, make, voice)?;
    compile_ahead(&built, settings.as_ref(), voice)?;
    if args.json {
        print_json(&built)?;
    } else if !args.quiet {
        for component in built {
            let size = size_text(component.bytes);
            print_line(&format!("{} ({size})", component.file.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder of the project that a file or folder is in.
pub(super) fn project_around(path: &Path) -> Option<PathBuf> {
    let mut folders = path.ancestors().filter(|folder| folder.is_dir());
    let is_project = |folder: &&Path| PROJECTS.iter().any(|name| folder.join(name).is_file());
    folders.find(is_project).map(Path::to_owned)
}

/// Where the components of a project go when nobody says so.
pub(super) fn destination(project: &Path, settings: Option<&Settings>) -> PathBuf {
    match settings {
        Some(settings) => settings.plugins_folder.clone(),
        None => match SourceTree::around(project) {
            Some(tree) => tree.demo_plugins(),
            None => project.to_owned(),
        },
    }
}

/// Puts the machine code of components into the user's cache and into that of the host here, so that they
/// load at once, and says what a host would say of them.
fn compile_ahead(
    built: &[Built],
    settings: Option<&Settings>,
    voice: Voice,
) -> Result<(), Failure> {
    for component in built {
        if component.bytes > SLOW_BYTES {
            voice.say(&format!("compiling {} for this machine", component.package));
        }
        let wasm = std::fs::read(&component.file)?;
        let compiled: Result<_, Failure> = interruptible(async {
            let described = entry::describe_file(wasm.clone(), DEFAULT_LIMITS.memory_bytes);
            if let Err(reason) = described.await {
                return Ok(Err(reason));
            }
            Ok(match settings {
                Some(settings) => entry::compile_for_host(settings, wasm).await,
                None => Ok(()),
            })
        });
        if let Err(reason) = compiled? {
            let file = component.file.display();
            let refused = format!("{file} is built, and no host would take it: {reason}");
            return Err(Failure::Failed(anyhow::anyhow!(refused)));
        }
    }
    Ok(())
}

/// A component of a project.
#[derive(Debug)]
pub(super) struct Component {
    /// The file's name without `.wasm`.
    pub(super) name: String,
    /// The folder of its sources.
    pub(super) folder: PathBuf,
    /// The file.
    pub(super) wasm: PathBuf,
}

/// Builds the components of a project whose folder is wanted, where they are to be built, and leaves
/// them where the tools put them.
pub(super) fn components(
    folder: &Path,
    is_built: bool,
    is_wanted: impl Fn(&Path) -> bool,
) -> anyhow::Result<Vec<Component>> {
    if let Some(script) = Script::find(folder)? {
        if !is_wanted(folder) {
            return Ok(Vec::new());
        }
        let wasm = match is_built {
            true => script.build(folder, Voice::Aloud)?,
            false => script.built_before(folder),
        };
        return Ok(vec![Component {
            name: script.name().to_owned(),
            folder: folder.to_owned(),
            wasm,
        }]);
    }
    let component = |(found, wasm): (PluginCrate, PathBuf)| Component {
        name: found.name,
        folder: found.folder,
        wasm,
    };
    if !is_built {
        let plan = plan_of_manifests(folder)?;
        let wanted = plan.crates.iter().filter(|found| is_wanted(&found.folder));
        let before = wanted.map(|found| (found.clone(), built_before(&plan, found)));
        return Ok(before.map(component).collect());
    }
    kit::rust::refresh(folder)?;
    let mut plan = plan(folder)?;
    plan.crates.retain(|found| is_wanted(&found.folder));
    if plan.crates.is_empty() {
        return Ok(Vec::new());
    }
    add_target(&plan.root, Voice::Aloud)?;
    let built = build(&plan, Make::Optimised, Voice::Aloud)?;
    Ok(built.into_iter().map(component).collect())
}

/// Builds what is in a folder and puts each component into another.
pub(super) fn build_into(folder: &Path, to: &Path, voice: Voice) -> anyhow::Result<Vec<Built>> {
    build_as(folder, to, Make::Optimised, voice)
}

/// As [`build_into`], in this way.
pub(super) fn build_as(
    folder: &Path,
    to: &Path,
    make: Make,
    voice: Voice,
) -> anyhow::Result<Vec<Built>> {
    if let Some(script) = Script::find(folder)? {
        let wasm = script.build(folder, voice)?;
        let file = to.join(format!("{}.wasm", script.name()));
        let bytes = put(&wasm, &file)?;
        return Ok(vec![Built {
            package: script.name().to_owned(),
            file,
            bytes,
        }]);
    }
    kit::rust::refresh(folder)?;
    let plan = plan(folder)?;
    if plan.crates.is_empty() {
        bail!(
            "nothing to build in {}: a plugin is a crate with crate-type = [\"cdylib\"]",
            folder.display()
        );
    }
    add_target(&plan.root, voice)?;
    let mut built = Vec::new();
    for (found, wasm) in build(&plan, make, voice)? {
        let file = to.join(format!("{}.wasm", found.name));
        let bytes = put(&wasm, &file)?;
        built.push(Built {
            package: found.package,
            file,
            bytes,
        });
    }
    Ok(built)
}

/// Builds the demo plugins where they are missing or stale.
pub(super) fn build_demo(tree: &SourceTree) -> anyhow::Result<()> {
    if tree.is_demo_stale() {
        build_into(&tree.root, &tree.demo_plugins(), Voice::Aloud)?;
    }
    // A demo plugin that is no more would go on answering.
    let names = tree.demo_names();
    for entry in std::fs::read_dir(tree.demo_plugins())?.flatten() {
        let path = entry.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let is_known = stem.is_some_and(|stem| names.iter().any(|name| name == stem));
        let is_wasm = path.extension().is_some_and(|it| it == "wasm");
        if is_wasm && !is_known {
            std::fs::remove_file(&path)?;
        }
    }
    std::fs::create_dir_all(tree.demo_data())?;
    Ok(())
}

/// Copies beside the destination and renames, so that nobody ever reads half a file.
fn put(from: &Path, to: &Path) -> anyhow::Result<u64> {
    let failed = || format!("cannot write {}", to.display());
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(failed)?;
    let name = to.file_name().map(|name| name.to_string_lossy());
    let beside = folder.join(format!(
        ".{}.{}.tmp",
        name.unwrap_or_default(),
        std::process::id()
    ));
    // A plain copy keeps permissions and gives the time of now, by which stale ones are known.
    let bytes = std::fs::copy(from, &beside).with_context(failed)?;
    std::fs::rename(&beside, to).with_context(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_found_from_inside_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("bot/src/deep")).unwrap();
        assert_eq!(project_around(&root.join("bot/src")), None);
        std::fs::write(root.join("bot/package.json"), "{}").unwrap();
        for inside in ["bot", "bot/src/deep", "bot/package.json", "bot/src/none.js"] {
            let found = project_around(&root.join(inside));
            assert_eq!(found, Some(root.join("bot")), "{inside}");
        }
    }
}
