//! The files of new projects, as they lie in `plugin-sdk/templates`.

use clap::ValueEnum;

use crate::cli::kit::File;

/// What a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Language {
    /// Rust
    Rust,
    /// JavaScript
    #[value(alias = "javascript")]
    Js,
    /// TypeScript
    #[value(alias = "typescript")]
    Ts,
    /// Python
    #[value(alias = "py")]
    Python,
}

/// What a plugin does at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Template {
    /// Says again what it hears
    Echo,
    /// Answers commands
    Command,
    /// Asks by a form
    Form,
    /// Asks a service by HTTP
    Http,
    /// Comes back later
    Timer,
}

/// Stands for the plugin's name, in texts and names of files.
pub(super) const NAME: &str = "my-plugin";
/// Stands for what the plugin does.
pub(super) const SUMMARY: &str = "{{summary}}";

macro_rules! text {
    ($($part:literal),+) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-sdk/templates/", $($part),+))
    };
}

/// The files that every project of a language has.
macro_rules! common {
    ($language:literal, $($name:literal),+ $(,)?) => {
        &[
            (".gitignore", text!($language, "/gitignore")),
            (".vscode/extensions.json", text!($language, "/vscode/extensions.json")),
            (".vscode/settings.json", text!($language, "/vscode/settings.json")),
            ("README.md", text!($language, "/README.md")),
            $(($name, text!($language, "/", $name))),+
        ]
    };
}

/// A text of each template, in the templates' order.
macro_rules! of_each {
    ($before:literal, $after:literal) => {
        [
            text!($before, "echo", $after),
            text!($before, "command", $after),
            text!($before, "form", $after),
            text!($before, "http", $after),
            text!($before, "timer", $after),
        ]
    };
}

const RUST: &[File] = common!("rust", "rust-toolchain.toml");
/// Those that cargo would take for its own where they lie.
const RUST_MANIFEST: &[File] = &[
    ("Cargo.lock", text!("rust/lock.toml")),
    ("Cargo.toml", text!("rust/manifest.toml")),
];
const JAVASCRIPT: &[File] = common!("js", "jsconfig.json", "package.json");
const TYPESCRIPT: &[File] = common!("ts", "package.json", "tsconfig.json");
const PYTHON: &[File] = common!("python", "pyproject.toml");

const RUST_CODE: [&str; 5] = of_each!("rust/", "/lib.rs");
const JAVASCRIPT_CODE: [&str; 5] = of_each!("js/", "/index.js");
const TYPESCRIPT_CODE: [&str; 5] = of_each!("ts/", "/index.ts");
const PYTHON_CODE: [&str; 5] = of_each!("python/", "/bot.py");
const DIALOGS: [&str; 5] = of_each!("dialogs/", ".dialog");

/// What a plugin that asks a service is granted.
const HTTP_SETTINGS: &str = text!("settings/http.toml");

impl Language {
    /// Its name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Ts => "TypeScript",
            Self::Python => "Python",
        }
    }

    fn common(self) -> &'static [File] {
        match self {
            Self::Rust => RUST,
            Self::Js => JAVASCRIPT,
            Self::Ts => TYPESCRIPT,
            Self::Python => PYTHON,
        }
    }

    fn code(self, template: Template) -> File {
        let (file, texts) = match self {
            Self::Rust => ("src/lib.rs", RUST_CODE),
            Self::Js => ("index.js", JAVASCRIPT_CODE),
            Self::Ts => ("index.ts", TYPESCRIPT_CODE),
            Self::Python => ("bot.py", PYTHON_CODE),
        };
        (file, texts[template as usize])
    }
}

impl Template {
    /// What such a plugin says that it does.
    fn summary(self) -> &'static str {
        match self {
            Self::Echo => "Repeats what it is told",
            Self::Command => "Greets people and rolls dice",
            Self::Form => "Takes orders for lunch",
            Self::Http => "Tells the joke of a service",
            Self::Timer => "Reminds people",
        }
    }
}

/// The templates of a project's files.
fn templates(language: Language, template: Template) -> Vec<File> {
    let mut files = language.common().to_vec();
    if language == Language::Rust {
        files.extend_from_slice(RUST_MANIFEST);
    }
    files.push(language.code(template));
    files.push(("tests/my-plugin.dialog", DIALOGS[template as usize]));
    if template == Template::Http {
        files.push(("my-plugin.toml", HTTP_SETTINGS));
    }
    files
}

/// The files of a new project: where each goes, and its text.
pub(super) fn project(name: &str, language: Language, template: Template) -> Vec<(String, String)> {
    let filled = |text: &str| {
        text.replace(NAME, name)
            .replace(SUMMARY, template.summary())
    };
    let files = templates(language, template).into_iter();
    files
        .map(|(file, text)| (filled(file), filled(text)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn each(mut look: impl FnMut(Language, Template)) {
        for language in Language::value_variants() {
            for template in Template::value_variants() {
                look(*language, *template);
            }
        }
    }

    /// The texts of a folder with everything below it.
    fn texts(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                texts(&path, found);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.display().to_string(), text));
            }
        }
    }

    #[test]
    fn every_template_comes_into_some_project() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin-sdk/templates");
        let mut there = Vec::new();
        texts(&root, &mut there);
        let mut used = Vec::new();
        each(|language, template| used.extend(templates(language, template)));
        for (path, text) in &there {
            assert!(
                used.iter().any(|(_, used)| used == text),
                "{path} is not used"
            );
        }
        assert!(there.len() > 40, "{}", there.len());
    }

    #[test]
    fn nothing_of_a_template_stays_in_a_project() {
        each(|language, template| {
            let files = project("lunch-bot", language, template);
            let mut names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
            for wanted in ["README.md", ".gitignore", "tests/lunch-bot.dialog"] {
                assert!(
                    names.contains(&wanted),
                    "{language:?} {template:?}: {names:?}"
                );
            }
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), files.len(), "no file is there twice");
            for (name, text) in &files {
                for placeholder in ["my-plugin", "my_plugin", "{{", "MyPlugin"] {
                    let is_left = name.contains(placeholder) || text.contains(placeholder);
                    assert!(!is_left, "{language:?} {template:?} {name}: {placeholder}");
                }
                assert!(text.ends_with('\n'), "{name}");
            }
        });
    }

    #[test]
    fn what_editors_and_tools_read_can_be_read() {
        each(|language, template| {
            for (name, text) in project("lunch-bot", language, template) {
                if name.ends_with(".json") {
                    serde_json::from_str::<serde_json::Value>(&text).unwrap();
                } else if name.ends_with(".toml") || name == "Cargo.lock" {
                    text.parse::<toml::Table>().unwrap();
                }
            }
        });
    }

    /// What was fixed once is what this tree is tested with.
    #[test]
    fn crates_of_a_project_have_the_versions_of_this_workspace() {
        let packages = |text: &str| -> Vec<toml::Value> {
            let lock: toml::Table = text.parse().unwrap();
            lock["package"].as_array().unwrap().clone()
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let ours = packages(&std::fs::read_to_string(root.join("Cargo.lock")).unwrap());
        let (_, lock) = RUST_MANIFEST[0];
        let theirs = packages(lock);
        assert!(theirs.len() > 8, "{}", theirs.len());
        for package in theirs {
            let name = package["name"].as_str().unwrap();
            if name == NAME {
                continue;
            }
            let is_ours = ours.iter().any(|own| {
                own["name"] == package["name"]
                    && own["version"] == package["version"]
                    && own.get("checksum") == package.get("checksum")
            });
            assert!(is_ours, "{package}");
        }
    }
}
