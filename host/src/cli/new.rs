//! `parlor new`: a project that builds, and passes its test, at once.

mod templates;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use self::templates::{Language, Template, project};
use super::kit;
use super::output::{Failure, print_line};
use super::start::Place;

/// Letters of a name: it becomes the name of a file, a crate and a plugin.
const MAX_NAME: usize = 64;

/// Names that mean something else where a plugin's name stands.
const TAKEN: [(&str, &str); 4] = [
    ("cargo", "cargo.toml would be cargo's own file"),
    ("host", "the host itself answers by that name"),
    ("parlor", "parlor.toml is the file of a host"),
    ("pyproject", "pyproject.toml is Python's own file"),
];

/// Names that a crate cannot have, or that hide what every crate has.
const NO_CRATES: [&str; 51] = [
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue",
    "core", "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen",
    "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv",
    "pub", "ref", "return", "self", "static", "std", "struct", "super", "test", "trait", "true",
    "try", "type", "typeof", "unsafe", "use", "where",
];

/// The crates that a plugin in Rust is built with: there can be no second one of their name.
const SDK_CRATES: [&str; 2] = ["parlor-sdk", "parlor-sdk-macros"];

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The plugin's name: small letters, digits and hyphens, such as lunch-bot
    name: String,
    /// What it is written in [default: rust]
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// What it does at first [default: command]
    #[arg(long, value_enum, value_name = "TEMPLATE")]
    template: Option<Template>,
    /// The project's folder, new or empty [default: one of its name]
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

/// Makes a project and says what to do next.
pub(super) fn run(place: &Place<'_>, args: &NewArgs) -> Result<ExitCode, Failure> {
    let language = args.lang.unwrap_or(Language::Rust);
    let template = args.template.unwrap_or(Template::Command);
    check_name(&args.name, language).map_err(Failure::usage)?;
    let shown = args.to.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let folder = place.folder.join(&shown);
    check_folder(&folder, &shown).map_err(Failure::usage)?;
    make(&folder, &args.name, language, template)
        .with_context(|| format!("cannot make {}", shown.display()))?;
    for line in next_steps(args, language, template, &shown) {
        print_line(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says why a name cannot be used.
fn check_name(name: &str, language: Language) -> Result<(), String> {
    let is_kebab = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
        && !name.contains("--");
    if !is_kebab || name.len() > MAX_NAME {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let better = kebab(name);
        let such_as = if better.is_empty() {
            "lunch-bot"
        } else {
            &better
        };
        return Err(format!(
            "\"{shown}\" cannot name a plugin: at most {MAX_NAME} small letters, digits and hyphens \
             between them, a letter first, such as {such_as}"
        ));
    }
    let taken = TAKEN.iter().find(|(taken, _)| *taken == name);
    let why = match taken {
        Some((_, why)) => Some((*why).to_owned()),
        None if language == Language::Rust && NO_CRATES.contains(&name) => {
            Some("Rust keeps that word for itself".to_owned())
        }
        None if language == Language::Rust && SDK_CRATES.contains(&name) => {
            Some("a crate that it is built with has that name".to_owned())
        }
        None => None,
    };
    match why {
        Some(why) => Err(format!(
            "\"{name}\" cannot name a plugin: {why}; {name}-bot could"
        )),
        None => Ok(()),
    }
}

/// The name that somebody may have meant.
fn kebab(name: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        let begins = !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && was_small);
        if begins {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
        was_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    let joined = words.join("-");
    let joined = joined.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let short: String = joined.chars().take(MAX_NAME).collect();
    short.trim_end_matches('-').to_owned()
}

/// Says why a folder cannot become a project. One that holds no more than a repository can.
fn check_folder(folder: &Path, shown: &Path) -> Result<(), String> {
    let shown = shown.display();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(_) if folder.symlink_metadata().is_err() => return Ok(()),
        Err(error) => return Err(format!("{shown} cannot become a project: {error}")),
    };
    let mut names = entries.flatten().map(|entry| entry.file_name());
    match names.find(|name| name != ".git") {
        None => Ok(()),
        Some(name) => Err(format!(
            "{shown} is there and not empty (it has {}); name another plugin, or another folder with --to",
            name.to_string_lossy()
        )),
    }
}

fn make(folder: &Path, name: &str, language: Language, template: Template) -> anyhow::Result<()> {
    let mut made = Made::default();
    made.folder(folder)?;
    for (file, text) in project(name, language, template) {
        made.file(&folder.join(file), &text)?;
    }
    let own = folder.join(kit::OWN_FOLDER);
    made.folder(&own)?;
    made.whole.push(own.clone());
    kit::make_own(&own)?;
    match language {
        Language::Rust => kit::rust::write_sdk(&own)?,
        Language::Js | Language::Ts => {
            kit::write(&own.join("js"), kit::JAVASCRIPT)?;
        }
        Language::Python => {
            kit::write(&own.join("python/parlor"), kit::PYTHON)?;
            kit::write(&own.join("stubs"), kit::PYTHON_STUBS)?;
        }
    }
    made.keep();
    Ok(())
}

/// What was made so far; it goes again unless it is kept.
#[derive(Default)]
struct Made {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    whole: Vec<PathBuf>,
}

impl Made {
    fn folder(&mut self, folder: &Path) -> std::io::Result<()> {
        let missing = folder.ancestors().take_while(|folder| {
            !folder.as_os_str().is_empty() && folder.symlink_metadata().is_err()
        });
        let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        missing.reverse();
        self.folders.extend(missing);
        std::fs::create_dir_all(folder)
    }

    fn file(&mut self, path: &Path, text: &str) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            self.folder(folder)?;
        }
        let mut file = std::fs::File::create_new(path)?;
        self.files.push(path.to_owned());
        file.write_all(text.as_bytes())
    }

    fn keep(mut self) {
        self.files.clear();
        self.folders.clear();
        self.whole.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What cannot be taken away again is named by the error that led here.
        for folder in &self.whole {
            let _ = std::fs::remove_dir_all(folder);
        }
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

fn next_steps(
    args: &NewArgs,
    language: Language,
    template: Template,
    folder: &Path,
) -> Vec<String> {
    let template = clap::ValueEnum::to_possible_value(&template);
    let template = template.as_ref().map_or("", |value| value.get_name());
    let mut lines = vec![format!(
        "{}: a plugin in {}, from the template {template}, in {}",
        args.name,
        language.title(),
        folder.display()
    )];
    if args.lang.is_none() {
        lines.push("(others: --lang js, ts or python)".to_owned());
    }
    if args.template.is_none() {
        lines.push("(others: --template echo, form, http or timer)".to_owned());
    }
    lines.push("next:".to_owned());
    if folder != Path::new(".") {
        lines.push(format!("  cd {}", folder.display()));
    }
    lines.push("  parlor test".to_owned());
    lines.push("  parlor dev".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[track_caller]
    fn refused(name: &str, told: &str) {
        let error = check_name(name, Language::Rust).unwrap_err();
        assert!(error.contains(told), "{name:?}: {error}");
    }

    #[test]
    fn a_name_is_small_letters_digits_and_hyphens() {
        for name in [
            "a",
            "lunch-bot",
            "x25",
            "on-call-2",
            "form",
            "timer",
            "json",
        ] {
            assert_eq!(check_name(name, Language::Rust), Ok(()), "{name}");
        }
        refused("LunchBot", "such as lunch-bot");
        refused("Lunch Bot", "such as lunch-bot");
        refused("lunch_bot", "such as lunch-bot");
        refused("../up", "such as up");
        refused("9to5", "such as to5");
        refused("-x", "such as x");
        refused("x-", "such as x");
        refused("a--b", "such as a-b");
        refused("", "such as lunch-bot");
        refused("Zürich", "such as z-rich");
        refused(&"x".repeat(65), "at most 64");
    }

    #[test]
    fn a_name_that_means_something_else_is_refused() {
        refused(
            "parlor",
            "parlor.toml is the file of a host; parlor-bot could",
        );
        refused("match", "Rust keeps that word");
        refused(
            "parlor-sdk",
            "a crate that it is built with has that name; parlor-sdk-bot could",
        );
        assert_eq!(check_name("parlor-sdk", Language::Python), Ok(()));
        assert_eq!(check_name("match", Language::Js), Ok(()));
        assert!(check_name("cargo", Language::Js).is_err());
    }

    #[test]
    fn what_failed_half_way_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("deep/lunch-bot");
        let mut made = Made::default();
        made.folder(&project).unwrap();
        made.file(&project.join("src/lib.rs"), "x").unwrap();
        assert!(made.file(&project.join("src/lib.rs"), "again").is_err());
        drop(made);
        assert!(!folder.path().join("deep").exists());
        // What was there before stays.
        std::fs::create_dir_all(project.join(".git")).unwrap();
        let mut made = Made::default();
        made.file(&project.join("README.md"), "x").unwrap();
        drop(made);
        let left: Vec<_> = std::fs::read_dir(&project).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_project_goes_into_a_new_or_empty_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there");
        let shown = Path::new("there");
        assert_eq!(check_folder(&there, shown), Ok(()));
        std::fs::create_dir_all(there.join(".git")).unwrap();
        assert_eq!(check_folder(&there, shown), Ok(()));
        std::fs::write(there.join("notes"), "").unwrap();
        let error = check_folder(&there, shown).unwrap_err();
        assert!(
            error.contains("there is there and not empty (it has notes)"),
            "{error}"
        );
        assert!(check_folder(&there.join("notes"), shown).is_err());
    }

    #[test]
    fn every_project_is_made_whole() {
        for language in Language::value_variants() {
            for template in Template::value_variants() {
                let folder = tempfile::tempdir().unwrap();
                let project = folder.path().join("lunch-bot");
                make(&project, "lunch-bot", *language, *template).unwrap();
                let own = match language {
                    Language::Rust => ".parlor/sdk/Cargo.toml",
                    Language::Js | Language::Ts => ".parlor/js/index.d.ts",
                    Language::Python => ".parlor/python/parlor/__init__.py",
                };
                for file in [own, ".parlor/.gitignore", "README.md", ".gitignore"] {
                    assert!(project.join(file).is_file(), "{language:?} {file}");
                }
            }
        }
    }
}
