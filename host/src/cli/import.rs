//! `parlor import`: settings of other clients become a section of ours.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::output::{Failure, print_json, print_line, say};
use super::start::Place;
use crate::config::{
    Imported, MAX_IMPORT_BYTES, Note, Problem, Surroundings, import_symphony, is_name, look_at,
    variable,
};
use crate::telemetry::strip_control;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    from: ImportFrom,
}

#[derive(Debug, Subcommand)]
enum ImportFrom {
    /// Print a [[bot]] section made of a Symphony client's config.json or a BDK's config.yaml
    Symphony {
        /// The file; relative paths in it start from its folder
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The bot's name in the settings [default: made of the account's]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Print one JSON object with the section and the notes
        #[arg(long)]
        json: bool,
    },
}

/// Runs the verb. The section goes to standard output, the notes to standard error.
pub(super) fn run(place: &Place<'_>, args: ImportArgs) -> Result<ExitCode, Failure> {
    let ImportFrom::Symphony { file, name, json } = args.from;
    let imported = import(place.folder, &file, name.as_deref())?;
    if json {
        print_json(&[imported])?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in note_lines(&file, &imported.notes) {
        say(&strip_control(&line, false));
    }
    print_line(imported.section.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn import(here: &Path, file: &Path, name: Option<&str>) -> Result<Imported, Failure> {
    if let Some(name) = name.filter(|name| !is_name(name)) {
        return Err(Failure::usage(format!(
            "--name: \"{name}\" is no name; expected at most 64 letters, digits, `-`, `_` and `.`"
        )));
    }
    let whole = here.join(file);
    let text = read_text(&whole, file).map_err(|problem| Failure::usage(problem.to_string()))?;
    let around = Surroundings {
        folder: whole.parent().unwrap_or(here),
        environment: &variable,
        look: &look_at,
    };
    import_symphony(file, &text, name, &around)
        .map_err(|problems| Failure::Usage(problems.iter().map(ToString::to_string).collect()))
}

/// `config.json:24: mended: a comma is missing`, with what to run below it.
fn note_lines(file: &Path, notes: &[Note]) -> Vec<String> {
    let mut lines = Vec::new();
    for note in notes {
        let line = match note.line {
            0 => String::new(),
            line => format!(":{line}"),
        };
        let key = match note.key.as_str() {
            "" => String::new(),
            key => format!("`{key}`: "),
        };
        let kind = note.kind.name();
        lines.push(format!(
            "{}{line}: {kind}: {key}{}",
            file.display(),
            note.text
        ));
        lines.extend(note.commands.iter().map(|command| format!("    {command}")));
    }
    lines
}

/// Reads a file; complaints name it as the person did.
fn read_text(whole: &Path, path: &Path) -> Result<String, Problem> {
    let failed =
        |error: std::io::Error| Problem::whole_file(path, format!("cannot be read: {error}"));
    let file = std::fs::File::open(whole).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_IMPORT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_IMPORT_BYTES {
        return Err(Problem::whole_file(path, "is too large")
            .expected(format!("at most {MAX_IMPORT_BYTES} bytes")));
    }
    String::from_utf8(bytes)
        .map_err(|_| Problem::whole_file(path, "is not text").expected("JSON or YAML in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(failed: Result<Imported, Failure>) -> String {
        match failed {
            Err(Failure::Usage(lines)) => lines.join("\n"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_imported_with_what_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yaml");
        let text = "host: acme.symphony.com\nbot: { username: desk, privateKey: { path: desk.pem } }\n\
                    ssl: { trustStore: { path: ca.jks, password: changeit } }\n";
        std::fs::write(&file, text).unwrap();
        std::fs::write(
            folder.path().join("desk.pem"),
            "-----BEGIN PRIVATE KEY-----",
        )
        .unwrap();
        std::fs::write(folder.path().join("ca.jks"), b"\xfe\xed\xfe\xed").unwrap();
        // From within the folder and from without.
        let inside = import(folder.path(), Path::new("config.yaml"), None).unwrap();
        let outside = import(Path::new("/"), &file, Some("desk")).unwrap();
        assert_eq!(inside.section, outside.section);
        let key = format!("file:{}/desk.pem", folder.path().display());
        assert!(inside.section.contains(&key), "{}", inside.section);

        let lines = note_lines(Path::new("config.yaml"), &inside.notes);
        let lines = lines
            .join("\n")
            .replace(&folder.path().display().to_string(), "…");
        insta::assert_snapshot!(lines);
    }

    #[test]
    fn what_cannot_be_imported_is_a_mistake_of_use() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let read = |name: &str, bytes: &[u8]| {
            std::fs::write(here.join(name), bytes).unwrap();
            failure(import(here, &here.join(name), None))
        };
        assert!(failure(import(here, &here.join("none"), None)).contains("none: cannot be read"));
        assert!(
            read("a.yaml", b"\xff\xfe")
                .ends_with("a.yaml: is not text; expected JSON or YAML in UTF-8")
        );
        assert!(read("b.yaml", b"host: a").contains("b.yaml: `bot.username` is missing"));
        let large = vec![b' '; usize::try_from(MAX_IMPORT_BYTES).unwrap() + 1];
        assert!(
            read("c.yaml", &large).contains("c.yaml: is too large; expected at most 1048576 bytes")
        );
        let named = failure(import(here, &here.join("b.yaml"), Some("no name")));
        assert!(
            named.starts_with("--name: \"no name\" is no name; expected"),
            "{named}"
        );
    }
}
