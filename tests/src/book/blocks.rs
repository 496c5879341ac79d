//! What is done with a block, by its language and marks.

use super::{Block, control, dialogs, output, settings, shell};

/// What is done with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Checked where it stands; done already.
    Checked,
    /// A plugin in Rust, or a piece of one, to compile.
    Rust,
    /// A module of JavaScript or TypeScript, to check against the layer's types.
    Script,
    /// A module of Python, to check against the layer's types.
    Python,
    /// A dialog, to run against the plugin before it.
    Dialog,
    /// Part of a page that is done from top to bottom: a command to run, or a file to write before.
    Session,
}

/// Checks a block as far as that needs nothing else, and says what else is to be done with it.
///
/// # Errors
/// What is wrong with it, or that nobody would check it.
pub fn kind(block: &Block) -> Result<Kind, String> {
    let marks: Vec<&str> = block.marks.iter().map(String::as_str).collect();
    match (block.language.as_str(), marks.as_slice()) {
        ("sh", ["run" | "serve"]) | (_, ["file", _]) => Ok(Kind::Session),
        ("sh", [] | ["console"]) => shell::check(block).map(|()| Kind::Checked),
        ("toml", ["pyproject.toml"]) => settings::check_project(block).map(|()| Kind::Checked),
        ("toml", [] | ["plugin"] | ["bot", _]) => settings::check(block).map(|()| Kind::Checked),
        ("json", []) => check_json(block).map(|()| Kind::Checked),
        ("json", ["control"]) => control::check(block).map(|()| Kind::Checked),
        ("text", [_, ..]) => output::check(block).map(|()| Kind::Checked),
        ("rust", [] | ["method"]) => Ok(Kind::Rust),
        ("js" | "ts", [] | ["foreign"]) => Ok(Kind::Script),
        ("python", [] | ["foreign"]) => Ok(Kind::Python),
        ("dialog", []) => Ok(Kind::Dialog),
        ("dialog", ["format"]) => dialogs::check(block).map(|()| Kind::Checked),
        (language, marks) => Err(format!(
            "nobody checks a block `{language} {}`",
            marks.join(" ")
        )),
    }
}

/// Each line that begins a value is one, or the whole block is.
fn check_json(block: &Block) -> Result<(), String> {
    serde_json::from_str::<serde_json::Value>(&block.text)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(language: &str, marks: &[&str], text: &str) -> Result<Kind, String> {
        kind(&Block {
            page: "docs/platforms/symphony.md".to_owned(),
            line: 1,
            language: language.to_owned(),
            marks: marks.iter().map(|it| (*it).to_owned()).collect(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn a_block_that_nobody_checks_is_a_complaint() {
        assert_eq!(of("rust", &[], "").unwrap(), Kind::Rust);
        assert_eq!(
            of("yaml", &[], "a: b").unwrap_err(),
            "nobody checks a block `yaml `"
        );
        assert_eq!(
            of("rust", &["ignore"], "").unwrap_err(),
            "nobody checks a block `rust ignore`"
        );
        assert_eq!(of("", &[], "").unwrap_err(), "nobody checks a block ` `");
    }

    #[test]
    fn what_is_wrong_is_told() {
        let error = |language, marks, text| of(language, marks, text).unwrap_err();
        assert!(error("json", &[], "{").contains("EOF"));
        assert!(error("sh", &[], "parlor chta\n").contains("chta"));
        assert!(error("sh", &[], "frobnicate --all\n").contains("frobnicate"));
        assert!(
            error("sh", &[], "cargo run -p parlor-tests --bin parlor-fload\n")
                .contains("parlor-fload")
        );
        assert!(error("toml", &[], "[jurnal]\n").contains("jurnal"));
        assert!(
            error(
                "json",
                &["control"],
                "{\"pause-bot\":{\"name\":\"desk\"}}\n"
            )
            .contains("name")
        );
        let shown = error(
            "text",
            &["host/src/cli/doctor.rs"],
            "Everything is wonderful\n",
        );
        assert!(shown.contains("wonderful"), "{shown}");
    }
}
