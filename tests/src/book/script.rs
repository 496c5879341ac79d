//! Modules in JavaScript, TypeScript and Python on pages: checked against the layers' types, and asked what
//! they are.

use serde::Deserialize;

use super::Block;
use crate::bindings::Contract;
use crate::checkers::{Python, TypeScript};
use crate::guests::workspace;

/// What a plugin says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Said {
    module: String,
    name: String,
    commands: Vec<String>,
}

/// Checks modules of JavaScript and TypeScript, and loads those in JavaScript.
///
/// # Errors
/// What is wrong, in files that are named after page and line.
pub async fn javascript(checker: &TypeScript, blocks: &[Block]) -> Result<Vec<Said>, String> {
    let mut own = Vec::new();
    for block in blocks {
        let name = format!("{}.{}", block.name(), block.language);
        let mut text = block.text.clone();
        if block.is("foreign") {
            // Code of others is for their libraries; here it has to be JavaScript.
            text.insert_str(0, "// @ts-nocheck\n");
        } else if block.language == "js" {
            own.push(name.clone());
        }
        checker.write(&name, &text);
    }
    checker.check().await?;
    let contract = Contract::read(&workspace().join("wit")).map_err(|error| error.to_string())?;
    let names =
        serde_json::to_string(&contract.host_functions()).map_err(|error| error.to_string())?;
    let layer = workspace().join("plugin-sdk/js/src/index.js");
    let mut arguments = vec![layer.display().to_string(), names];
    arguments.append(&mut own);
    said(
        &checker
            .run(include_str!("script/describe.mjs"), &arguments)
            .await?,
    )
}

/// Checks modules of Python, and loads them.
///
/// # Errors
/// What is wrong, in files that are named after page and line.
pub async fn python(checker: &Python, blocks: &[Block]) -> Result<Vec<Said>, String> {
    let mut own = Vec::new();
    for block in blocks {
        let name = format!("{}.py", block.name());
        let mut text = block.text.clone();
        if block.is("foreign") {
            // Code of others is for their libraries; here it has to be Python.
            text.insert_str(0, "# mypy: ignore-errors\n");
        } else {
            own.push(name.clone());
        }
        checker.write(&name, &text);
    }
    checker.check(&[]).await?;
    said(
        &checker
            .run(include_str!("script/describe.py"), &own)
            .await?,
    )
}

fn said(lines: &str) -> Result<Vec<Said>, String> {
    let lines = lines.lines().map(serde_json::from_str);
    lines
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}

/// Tells whether a module is not what it stands for: the plugin in Rust before it, in another language.
pub fn differs(said: &Said, block: &Block, rust: &Block) -> Option<String> {
    if !said.module.starts_with(&format!("{}.", block.name())) {
        return None;
    }
    let has = |what: &str| rust.text.contains(&format!("\"{what}\""));
    if !has(&said.name) {
        return Some(format!(
            "{}: {} is not the plugin of {}",
            block.place(),
            said.name,
            rust.place()
        ));
    }
    let patterns = regex::Regex::new(r#"#\[command\(\s*"([^"]+)""#).expect("it is one");
    let patterns = patterns
        .captures_iter(&rust.text)
        .map(|found| found[1].to_owned());
    let missing: Vec<String> = patterns.filter(|it| !said.commands.contains(it)).collect();
    let is_whole = missing.is_empty();
    (!is_whole).then(|| format!("{}: has no {missing:?} of {}", block.place(), rust.place()))
}
