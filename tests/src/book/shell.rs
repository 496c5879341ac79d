//! Commands on a page: those of parlor as its own command line takes them, those of cargo by what they
//! name, others only where pages have a reason for them.

use crate::guests::workspace;

use super::Block;

/// Programs of others that pages tell to use; what they do is not for us to check.
const OTHERS: [&str; 13] = [
    "cd",
    "chmod",
    "cp",
    "docker",
    "install",
    "journalctl",
    "keytool",
    "mkdir",
    "openssl",
    "printf",
    "sha256sum",
    "systemctl",
    "tar",
];

/// Checks every command. With the mark `console` only lines that begin with `$ ` are commands, and the
/// others are what they say.
pub(super) fn check(block: &Block) -> Result<(), String> {
    let text = block.text.replace("\\\n", " ");
    for (place, line) in text.lines().enumerate() {
        let line = match (block.is("console"), line.strip_prefix("$ ")) {
            (true, None) => continue,
            (_, Some(command)) => command,
            (false, None) => line,
        };
        check_line(line).map_err(|why| format!("line {} of the block: {why}", place + 1))?;
    }
    Ok(())
}

/// Checks the commands of a line.
pub(super) fn check_line(line: &str) -> Result<(), String> {
    split(line)
        .iter()
        .try_for_each(|command| check_command(command))
}

fn check_command(words: &[String]) -> Result<(), String> {
    let Some(program) = words.first() else {
        return Ok(());
    };
    match program.as_str() {
        "parlor" | "./parlor" => parse(&words[1..]),
        "cargo" => check_cargo(&words[1..]),
        other if OTHERS.contains(&other) => Ok(()),
        other => Err(format!("nobody checks a command `{other}`")),
    }
}

/// Lets the command line read it.
pub(super) fn parse(arguments: &[String]) -> Result<(), String> {
    let words = std::iter::once("parlor".to_owned()).chain(arguments.iter().cloned());
    match parlor_host::cli::command().try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) if !error.use_stderr() => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// What cargo is told to run is there, and takes its arguments where it is parlor.
fn check_cargo(words: &[String]) -> Result<(), String> {
    let (own, rest) = match words.iter().position(|word| word == "--") {
        Some(at) => (&words[..at], &words[at + 1..]),
        None => (words, &[][..]),
    };
    let after = |flags: &[&str]| {
        let at = own.iter().position(|word| flags.contains(&word.as_str()))?;
        own.get(at + 1)
    };
    if let Some(package) = after(&["-p", "--package"]) {
        let manifest = format!("name = \"{package}\"");
        let there = [
            "host",
            "plugin-sdk",
            "plugin-sdk/macros",
            "tests",
            "tests/guests",
        ];
        let is_there = there.iter().any(|folder| {
            let file = workspace().join(folder).join("Cargo.toml");
            std::fs::read_to_string(file).is_ok_and(|text| text.contains(&manifest))
        });
        if !is_there {
            return Err(format!("there is no package {package}"));
        }
    }
    match (own.first().map(String::as_str), after(&["--bin"])) {
        (_, Some(bin)) => {
            let file = workspace().join("tests/src/bin").join(format!("{bin}.rs"));
            if file.is_file() {
                return Ok(());
            }
            Err(format!("there is no program {bin}"))
        }
        (Some("run"), None) => parse(rest),
        (Some("bench" | "build" | "doc" | "install" | "test"), None) => Ok(()),
        (other, None) => Err(format!(
            "nobody checks `cargo {}`",
            other.unwrap_or_default()
        )),
    }
}

/// The commands of a line, without what a shell does with them: pipes, redirections, comments, quotes.
fn split(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut is_target = false;
    let end = |word: &mut Option<String>, commands: &mut Vec<Vec<String>>, is_target: &mut bool| {
        if let Some(word) = word.take()
            && !std::mem::take(is_target)
            && let Some(command) = commands.last_mut()
        {
            command.push(word);
        }
    };
    for sign in line.chars() {
        match (quote, sign) {
            (Some(open), _) if open == sign => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(sign),
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            // `>&1` is a stream.
            (None, '|' | ';' | '&') if !is_target => {
                end(&mut word, &mut commands, &mut is_target);
                commands.push(Vec::new());
            }
            (None, '>' | '<') => {
                // A number before it says which stream.
                if word
                    .as_deref()
                    .is_some_and(|it| it.chars().all(|it| it.is_ascii_digit()))
                {
                    word = None;
                }
                end(&mut word, &mut commands, &mut is_target);
                is_target = true;
            }
            (None, ' ' | '\t') => end(&mut word, &mut commands, &mut is_target),
            (None, _) => word.get_or_insert_default().push(sign),
        }
    }
    end(&mut word, &mut commands, &mut is_target);
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_commands() {
        let found = split("printf 'a b\\n' | parlor chat --as lseg >> out.txt 2>&1   # says so");
        let words: Vec<String> = found.iter().map(|it| it.join("·")).collect();
        assert_eq!(words, ["printf·a b\\n", "parlor·chat·--as·lseg"]);
        assert_eq!(
            split("parlor events \"two words\"")[0],
            ["parlor", "events", "two words"]
        );
    }
}
