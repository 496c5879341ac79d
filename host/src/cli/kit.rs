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
    "host.js",
    "index.d.ts",
    "index.js",
    "message.js",
    "plugin.js",
    "state.js",
);

/// What makes a component of JavaScript, and the versions of what that needs.
pub(super) const JAVASCRIPT_TOOLS: &[File] = &[
    (
        "build.mjs",
        include_str!("../../../plugin-sdk/js/build.mjs"),
    ),
    (
        "package.json",
        include_str!("../../../plugin-sdk/js/tools.json"),
    ),
];

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

    #[test]
    fn no_file_of_a_layer_is_left_out() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (folder, kit, kind) in [
            ("wit", WIT, &["wit"][..]),
            ("plugin-sdk/js/src", JAVASCRIPT, &["js", "ts"]),
            ("plugin-sdk/python/parlor", PYTHON, &["py"]),
        ] {
            let there = std::fs::read_dir(root.join(folder)).unwrap().flatten();
            let is_of_kind = |name: &std::ffi::OsStr| kind.iter().any(|kind| name == *kind);
            let there = there.filter(|it| it.path().extension().is_some_and(is_of_kind));
            let mut there: Vec<String> = there
                .map(|it| it.file_name().into_string().unwrap())
                .collect();
            there.sort();
            let names: Vec<&str> = kit.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, there, "{folder}");
        }
    }
}
