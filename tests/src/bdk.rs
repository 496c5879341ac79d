//! The official Python BDK, in an environment of its own which is kept between runs.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::guests::workspace;
use crate::sim::symphony::{BOT, Symphony};

/// What is asked of the package index.
const PACKAGE: &str = "symphony-bdk-python>=2.11,<4";
/// How long an installation may take.
const INSTALLING: Duration = Duration::from_secs(300);

async fn done(command: &mut Command) -> Result<(), String> {
    let command = command.stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(INSTALLING, command.output()).await {
        Err(_) => Err("it took too long".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A Python that has the BDK.
///
/// # Errors
/// Says why there is none: as a rule the package index is out of reach.
///
/// # Panics
/// When it was installed and cannot be imported.
pub async fn python() -> Result<PathBuf, String> {
    python_with(
        "bdk-python",
        PACKAGE,
        "import symphony.bdk.core.symphony_bdk",
    )
    .await
}

/// A Python that has a package, in a folder of this name that is kept between runs.
///
/// # Errors
/// Says why there is none: as a rule the package index is out of reach.
///
/// # Panics
/// When the package was installed and cannot be imported.
pub async fn python_with(folder: &str, package: &str, import: &str) -> Result<PathBuf, String> {
    let folder = workspace().join("target").join("tmp").join(folder);
    let python = folder.join("bin/python");
    if done(Command::new(&python).args(["-c", import]))
        .await
        .is_ok()
    {
        return Ok(python);
    }
    done(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )
    .await?;
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        package,
    ];
    done(Command::new(&python).args(install)).await?;
    // What was installed must work: from here on a failure is one.
    let works = done(Command::new(&python).args(["-c", import])).await;
    works.unwrap_or_else(|why| panic!("{package} was installed and cannot be imported: {why}"));
    Ok(python)
}

/// The configuration file of a bot of the BDK on a pod that was started with TLS.
pub fn config(sim: &Symphony) -> String {
    format!(
        "scheme: https\nhost: 127.0.0.1\nport: {}\nbot:\n  username: {BOT}\n  privateKey:\n    path: {}\nssl:\n  trustStore:\n    path: {}\n",
        sim.port(),
        sim.file("bot.pem").display(),
        sim.file("ca.pem").display(),
    )
}
