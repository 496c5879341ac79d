//! The command line as a page: made of what `--help` says.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

const HEAD: &str = "<!-- Made of the command line by tests/tests/book.rs; do not edit. -->
# The command line

What `parlor --help` and `parlor VERB --help` say, on one page. Exit codes: 0 done, 1 failed or refused, 64 a mistake in
the command line, the settings or a component that is named there, 130 interrupted.
";

/// Makes the page.
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    let mut root = parlor_host::cli::command();
    // Without this, parts that are the same everywhere are not yet where they belong.
    root.build();
    describe(&mut out, &root, "parlor");
    out
}

fn describe(out: &mut String, command: &Command, path: &str) {
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().replace('\n', " ");
    let usage = usage.split_whitespace().collect::<Vec<_>>().join(" ");
    if path != "parlor" {
        let _ = writeln!(out, "\n## `{path}`");
    }
    let _ = writeln!(out, "\n{about}.\n\n`{usage}`");
    if let Some(after) = command.get_after_help() {
        let _ = writeln!(out, "\n{after}.");
    }
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|it| is_shown(it, path))
        .collect();
    if !arguments.is_empty() {
        out.push_str("\n| Argument | Means |\n|---|---|\n");
        for argument in arguments {
            let _ = writeln!(out, "| `{}` | {} |", name(argument), told(argument));
        }
    }
    for verb in command
        .get_subcommands()
        .filter(|it| it.get_name() != "help")
    {
        describe(out, verb, &format!("{path} {}", verb.get_name()));
    }
}

/// What is the same for every verb is told once.
fn is_shown(argument: &Arg, path: &str) -> bool {
    let is_own = !matches!(argument.get_id().as_str(), "help" | "version");
    is_own && !argument.is_hide_set() && (path == "parlor" || !argument.is_global_set())
}

fn name(argument: &Arg) -> String {
    let takes = match argument.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count => String::new(),
        _ => {
            let names = argument.get_value_names().unwrap_or_default();
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            names.join(" ")
        }
    };
    match (argument.get_long(), takes.as_str()) {
        (None, takes) => takes.to_owned(),
        (Some(long), "") => format!("--{long}"),
        (Some(long), takes) => format!("--{long} {takes}"),
    }
}

fn told(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let mut told = help
        .map(ToString::to_string)
        .unwrap_or_default()
        .replace('\n', " ");
    let is_flag = !argument.get_action().takes_values();
    let choices = argument.get_possible_values();
    if !is_flag && !choices.is_empty() {
        let names: Vec<String> = choices
            .iter()
            .map(|it| format!("`{}`", it.get_name()))
            .collect();
        let _ = write!(told, " ({})", names.join(", "));
    }
    let defaults = argument.get_default_values();
    if !is_flag && !defaults.is_empty() {
        let defaults: Vec<String> = defaults
            .iter()
            .map(|it| it.to_string_lossy().into_owned())
            .collect();
        let _ = write!(told, " [default: {}]", defaults.join(", "));
    }
    told.replace('|', "\\|")
}
