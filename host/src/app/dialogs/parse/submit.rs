//! `submit FORM [BUTTON] FIELD=VALUE …`.

use std::collections::BTreeMap;

use super::Mistake;
use super::lines::Block;
use crate::app::dialogs::script::SubmitStep;

const EXPECTED: &str = "a form's id and its fields: `submit hello-form name=Ada note=\"two words\"`, or a `field=value` in each line below";

/// Reads the step.
pub(super) fn submit(block: &Block<'_>) -> Result<SubmitStep, Mistake> {
    let mut words = words(block.rest)?.into_iter();
    let Some(form) = words.next().filter(|word| !word.contains('=')) else {
        return Err(block.wrong(EXPECTED));
    };
    let mut words = words.peekable();
    let button = words.next_if(|word| !word.contains('='));
    let mut submit = SubmitStep {
        form,
        button,
        values: BTreeMap::new(),
    };
    for word in words {
        put(&mut submit, &word)?;
    }
    for (at, line) in block.body.iter().enumerate() {
        if !line.is_empty() {
            put(&mut submit, line)
                .map_err(|mistake| mistake.below(block.body_line - block.line + at))?;
        }
    }
    Ok(submit)
}

fn put(submit: &mut SubmitStep, text: &str) -> Result<(), Mistake> {
    let Some((field, value)) = text.split_once('=') else {
        return Err(Mistake::new(
            format!("`{text}`"),
            "a field with its value: `name=Ada`",
        ));
    };
    let before = submit
        .values
        .insert(field.trim().to_owned(), value.trim().to_owned());
    match before {
        Some(_) => Err(Mistake::new(
            format!("a second value for `{}`", field.trim()),
            "one; several values of a field have commas between them",
        )),
        None => Ok(()),
    }
}

/// Words with what is in quotation marks kept together.
fn words(text: &str) -> Result<Vec<String>, Mistake> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if is_quoted {
        return Err(Mistake::new(
            "a quotation mark without its other one",
            EXPECTED,
        ));
    }
    Ok(words)
}
