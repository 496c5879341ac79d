//! Pages that are done from top to bottom: their commands are run in a shell, in a folder of their own, with
//! the files that the page says.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Block;
use crate::guests::{caches, workspace};

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// What begins the line that says which block is done.
const AT: &str = "== ";

/// Does what a page says. `parlor` is the program that is found in `programs`.
///
/// # Errors
/// The block that did not do, and what was said.
///
/// # Panics
/// There is no shell.
pub async fn run(blocks: &[Block], programs: &Path) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = parlor_host::config::variable("PATH").unwrap_or_default();
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", &script(blocks)])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", programs.display()))
        // What every project in Rust needs is built once.
        .env(
            "CARGO_TARGET_DIR",
            workspace().join("target/tmp/authoring/rust"),
        )
        .env("XDG_CACHE_HOME", caches())
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let done = tokio::time::timeout(PATIENCE, shell.output()).await;
    let output = done
        .map_err(|_| "it took too long".to_owned())?
        .expect("there is a shell");
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let at = said
        .lines()
        .filter_map(|line| line.strip_prefix(AT))
        .next_back();
    Err(format!(
        "{}: {}\n{said}",
        at.unwrap_or("the page"),
        output.status
    ))
}

/// The page as a script.
fn script(blocks: &[Block]) -> String {
    let mut script = String::new();
    for block in blocks {
        let _ = writeln!(script, "echo '{AT}{}' >&2", block.place());
        match block.marks.as_slice() {
            [file, path] if file == "file" => {
                let _ = writeln!(script, "mkdir -p \"$(dirname '{path}')\"");
                let _ = write!(
                    script,
                    "cat > '{path}' <<'END OF BLOCK'\n{}END OF BLOCK\n",
                    block.text
                );
            }
            [serve] if serve == "serve" => {
                // Whoever reads this talks to it at a terminal; here are lines, and it ends with them. Its page
                // is at a port that nobody else has.
                let _ = writeln!(
                    script,
                    "printf '[local]\\nlisten = \"127.0.0.1:0\"\\n' > parlor.toml\n\
                     printf '/help\\n' | {} | tee /dev/stderr > served.txt\n\
                     grep -q http:// served.txt && grep -q /greet served.txt\nrm parlor.toml",
                    block.text.trim()
                );
            }
            _ => script.push_str(&block.text),
        }
    }
    script
}
