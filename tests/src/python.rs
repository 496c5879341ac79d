//! Official Python clients, each in an environment of its own which is kept between runs.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::guests::{caches, workspace};

/// How long an installation may take.
const INSTALLING: Duration = Duration::from_secs(300);

/// A client on the package index.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// The folder of its environment.
    pub folder: &'static str,
    /// What is asked of the package index.
    pub wanted: &'static [&'static str],
    /// A line that needs it.
    pub import: &'static str,
}

async fn done(command: &mut Command) -> Result<(), String> {
    let command = command
        .env("XDG_CACHE_HOME", caches())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    match tokio::time::timeout(INSTALLING, command.output()).await {
        Err(_) => Err("it took too long".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A Python that has a package.
///
/// # Errors
/// Says why there is none: as a rule the package index is out of reach.
///
/// # Panics
/// When it was installed and cannot be imported.
pub async fn python(package: Package) -> Result<PathBuf, String> {
    let folder = workspace().join("target").join("tmp").join(package.folder);
    let python = folder.join("bin/python");
    if done(Command::new(&python).args(["-c", package.import]))
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
    ];
    done(Command::new(&python).args(install).args(package.wanted)).await?;
    // What was installed must work: from here on a failure is one.
    let works = done(Command::new(&python).args(["-c", package.import])).await;
    works
        .unwrap_or_else(|why| panic!("{:?} was installed and is not there: {why}", package.wanted));
    Ok(python)
}
