//! Dialogs on pages, run against the plugin that stands before them.

use std::path::Path;

use parlor_host::app::dialogs::{DialogFile, DialogMode, TestedBuild, parse};
use parlor_host::config::Problem;
use parlor_host::runtime::CompilerProgram;

use super::{Block, Built};

/// Loads a plugin as a host would, and runs dialogs against it.
///
/// # Errors
/// What is wrong with the plugin, or what a dialog expected and did not hear, with page and line.
pub async fn run(built: &Built, dialogs: &[Block]) -> Result<(), String> {
    let place = built.block.place();
    let wasm = std::fs::read(&built.wasm).map_err(|error| format!("{place}: {error}"))?;
    let build = TestedBuild::prepare("book", wasm, CompilerProgram::Thread).await;
    let build = build.map_err(|error| format!("{place}: {error:#}"))?;
    for block in dialogs {
        let file = read(block)?;
        let problems = build.check(&file);
        if !problems.is_empty() {
            return Err(told(&problems));
        }
        for dialog in &file.dialogs {
            let report = build.run(&file.path, dialog, DialogMode::Check).await;
            if let Some(failure) = report.failure {
                return Err(format!("{}:{}: {failure:#?}", block.page, failure.line));
            }
        }
    }
    Ok(())
}

/// Reads a piece that only shows how a dialog is written: something is said after it.
pub(super) fn check(block: &Block) -> Result<(), String> {
    let mut block = block.clone();
    block.text.push_str("say hello\n");
    read(&block).map(drop)
}

fn read(block: &Block) -> Result<DialogFile, String> {
    // Its lines are those of the page.
    let text = format!("{}{}", "\n".repeat(block.line), block.text);
    parse(Path::new(&block.page), &text).map_err(|problems| told(&problems))
}

fn told(problems: &[Problem]) -> String {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    problems.join("\n")
}
