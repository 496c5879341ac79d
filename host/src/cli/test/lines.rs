//! What is said of dialogs to people.

use super::{Outcome, Ran, Sort};
use crate::app::dialogs::{Coverage, DialogFailure, DiffLine};
use crate::cli::ask::count;

/// A dialog: its line, and why it failed.
pub(super) fn of_dialog(ran: &Ran) -> Vec<String> {
    let how = match ran.outcome {
        Outcome::Ok => "ok    ",
        Outcome::Failed | Outcome::Error => "FAILED",
    };
    let Ran {
        plugin,
        dialog,
        took_ms,
        ..
    } = ran;
    let mut lines = vec![format!("{how}  {plugin}: {dialog} ({took_ms} ms)")];
    lines.extend(ran.note.iter().map(|note| format!("        {note}")));
    if let Some(failure) = &ran.failure {
        lines.extend(of_failure(ran, failure));
    }
    for loss in &ran.losses {
        let place = &loss.platform;
        lines.push(format!(
            "        {place}: {} (“{}”)",
            loss.note, loss.message
        ));
    }
    lines.extend(ran.notes.iter().map(|note| format!("        note: {note}")));
    lines
}

/// Why a dialog failed: where, what, in what it differs, what was before.
fn of_failure(ran: &Ran, failure: &DialogFailure) -> Vec<String> {
    let place = format!("{}:{}", ran.file.display(), failure.line);
    let step = &failure.step;
    let mut lines = vec![String::new()];
    // What is of no step has no place.
    if failure.line > 0 {
        lines.push(format!("  {place}: {step}").trim_end().to_owned());
    }
    lines.extend(failure.message.lines().map(|line| format!("    {line}")));
    if !failure.difference.is_empty() {
        lines.push(String::new());
    }
    lines.extend(failure.difference.iter().map(|line| {
        let line = match line {
            DiffLine::Both(line) => format!("        {line}"),
            DiffLine::Expected(line) => format!("      - {line}"),
            DiffLine::Said(line) => format!("      + {line}"),
        };
        line.trim_end().to_owned()
    }));
    let has_both = failure
        .difference
        .iter()
        .any(|line| matches!(line, DiffLine::Expected(_)));
    if has_both {
        lines.push("    (- expected, + said)".to_owned());
    }
    if let Some(hint) = &failure.hint {
        lines.push(format!("    {hint}"));
    }
    if !failure.before.is_empty() {
        lines.push("    what happened before:".to_owned());
        let before = failure.before.iter().flat_map(|text| {
            let lines = text.lines().enumerate();
            lines.map(|(at, line)| match at {
                0 => format!("      {line}"),
                _ => format!("        {line}"),
            })
        });
        lines.extend(before);
    }
    lines.push(String::new());
    lines
}

/// What of a plugin was used; nothing where there is nothing to use.
pub(super) fn of_coverage(plugin: &str, coverage: &Coverage) -> Vec<String> {
    let parts = [
        ("command", &coverage.commands_used, &coverage.commands_never),
        ("form", &coverage.forms_used, &coverage.forms_never),
        ("button", &coverage.buttons_used, &coverage.buttons_never),
    ];
    let parts = parts
        .into_iter()
        .filter(|(_, used, never)| !(used.is_empty() && never.is_empty()));
    parts
        .map(|(what, used, never)| {
            let all = count((used.len() + never.len()) as u64, what);
            let verb = if used.len() + never.len() == 1 {
                "was"
            } else {
                "were"
            };
            let mut line = format!("{plugin}: {} of {all} {verb} used", used.len());
            if !used.is_empty() {
                line.push_str(&format!(": {}", used.join(", ")));
            }
            if !never.is_empty() {
                line.push_str(&format!("; never: {}", never.join(", ")));
            }
            line
        })
        .collect()
}

/// The last line.
pub(super) fn total(ran: &[Ran], taken_over: usize, took_ms: u128) -> String {
    let ran: Vec<&Ran> = ran.iter().filter(|ran| ran.sort != Sort::Run).collect();
    let ok = ran.iter().filter(|ran| ran.outcome == Outcome::Ok).count();
    let free = ran.iter().filter(|ran| ran.sort == Sort::Contract).count();
    let dialogs = count((ran.len() - free) as u64, "dialog");
    let all = match free {
        0 => dialogs,
        free => format!("{dialogs} and {}", count(free as u64, "contract test")),
    };
    let mut line = format!("{all}: {ok} ok");
    if ok < ran.len() {
        line.push_str(&format!(", {} failed", ran.len() - ok));
    }
    if taken_over > 0 {
        line.push_str(&format!(
            ", {} taken over",
            count(taken_over as u64, "answer")
        ));
    }
    format!("{line} ({took_ms} ms)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_names_what_was_never_used() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let coverage = Coverage {
            commands_used: names(&["/joke", "/bot joke"]),
            commands_never: names(&["/x"]),
            buttons_used: names(&["yes"]),
            ..Coverage::default()
        };
        assert_eq!(
            of_coverage("joke", &coverage),
            [
                "joke: 2 of 3 commands were used: /joke, /bot joke; never: /x",
                "joke: 1 of 1 button was used: yes",
            ]
        );
        assert_eq!(of_coverage("joke", &Coverage::default()), [""; 0]);
    }
}
