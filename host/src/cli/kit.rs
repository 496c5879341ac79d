//! What is written into an author's project, out of this program: the contract, and the layers over it
//! for JavaScript, Python and Rust.

use std::io;
use std::path::Path;

/// A file's name and its text.
pub(super) type File = (&'static str, &'static str);

/// Everything of a project that is made and not written by its author.
pub(super) const OWN_FOLDER: &str = ".parlor";

macro_rules! files {
    ($folder:literal, $($name:literal),+ $(,)?) => {
        &[$((
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../", $folder, "/", $name)),
        )),+]
    };
}

pub(super) mod rust;

/// The contract.
pub(super) const WIT: &[File] = files!(
    "wit",
    "actions.wit",
    "content.wit",
    "events.wit",
    "host.wit",
    "world.wit",
);

/// The layer for JavaScript.
pub(super) const JAVASCRIPT: &[File] = files!(
    "plugin-sdk/js/src",
    "content.js",
    "contract.d.ts",
    "host.js",
    "index.d.ts",
    "index.js",
    "message.js",
    "plugin.js",
    "state.js",
);

/// What makes a component of JavaScript, and the versions of what that needs.
pub(super) const JAVASCRIPT_TOOLS: &[File] = files!(
    "plugin-sdk/js/tools",
    "build.mjs",
    "nothing/index.js",
    "nothing/package.json",
    "package-lock.json",
    "package.json",
);

/// The versions of all that is installed: what was installed by another lock is installed again.
pub(super) const JAVASCRIPT_LOCK: &str =
    include_str!("../../../plugin-sdk/js/tools/package-lock.json");

/// The layer for Python.
pub(super) const PYTHON: &[File] = files!(
    "plugin-sdk/python/parlor",
    "__init__.py",
    "actions.py",
    "config.py",
    "content.py",
    "context.py",
    "directory.py",
    "errors.py",
    "http.py",
    "log.py",
    "message.py",
    "plugin.py",
    "state.py",
);

/// What editors and type checkers are told of the modules that a component of Python is linked with.
pub(super) const PYTHON_STUBS: &[File] = files!(
    "plugin-sdk/python/stubs",
    "componentize_py_types.pyi",
    "poll_loop.pyi",
    "wit_world/__init__.pyi",
    "wit_world/exports/__init__.pyi",
    "wit_world/exports/behaviour.pyi",
    "wit_world/imports/__init__.pyi",
    "wit_world/imports/actions.pyi",
    "wit_world/imports/config.pyi",
    "wit_world/imports/content.pyi",
    "wit_world/imports/description.pyi",
    "wit_world/imports/directory.pyi",
    "wit_world/imports/events.pyi",
    "wit_world/imports/log.pyi",
    "wit_world/imports/state.pyi",
    "wit_world/imports/types.pyi",
);

/// What a component of Python imports besides.
pub(super) const PYTHON_WIT: &[File] = files!(
    "plugin-sdk/python/wit",
    "deps/clocks.wit",
    "deps/http.wit",
    "deps/io.wit",
    "python.wit",
);

/// Makes the folder for what is made in a project, which version control leaves out.
pub(super) fn make_own(own: &Path) -> io::Result<()> {
    std::fs::create_dir_all(own)?;
    std::fs::write(own.join(".gitignore"), "*\n")
}

/// Writes files into a folder where they are not there or say something else; tells whether any did.
pub(super) fn write(folder: &Path, files: &[File]) -> io::Result<bool> {
    let mut is_changed = false;
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        if std::fs::read(&path).is_ok_and(|found| found == text.as_bytes()) {
            continue;
        }
        std::fs::write(path, text)?;
        is_changed = true;
    }
    Ok(is_changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let wit = folder.path().join("wit");
        assert!(write(&wit, WIT).unwrap());
        assert!(!write(&wit, WIT).unwrap());
        std::fs::write(wit.join("world.wit"), "another").unwrap();
        assert!(write(&wit, WIT).unwrap());
        let text = std::fs::read_to_string(wit.join("world.wit")).unwrap();
        assert!(text.contains("world plugin"));
    }

    fn find(folder: &Path, prefix: &str, kinds: &[&str], found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            if path.is_dir() {
                find(&path, &format!("{name}/"), kinds, found);
            } else if kinds
                .iter()
                .any(|kind| path.extension().is_some_and(|it| it == *kind))
            {
                found.push(name);
            }
        }
    }

    #[test]
    fn no_file_of_a_layer_is_left_out() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (folder, kit, kind) in [
            ("wit", WIT, &["wit"][..]),
            ("plugin-sdk/js/src", JAVASCRIPT, &["js", "ts"]),
            ("plugin-sdk/python/parlor", PYTHON, &["py"]),
            ("plugin-sdk/python/stubs", PYTHON_STUBS, &["pyi"]),
        ] {
            let mut there = Vec::new();
            find(&root.join(folder), "", kind, &mut there);
            there.sort();
            let names: Vec<&str> = kit.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, there, "{folder}");
        }
    }
}
