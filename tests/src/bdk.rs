//! The official Python BDK.

use std::path::PathBuf;

use crate::python::{self, Package};
use crate::sim::symphony::{BOT, Symphony};

const BDK: Package = Package {
    folder: "bdk-python",
    wanted: &["symphony-bdk-python>=2.11,<4"],
    import: "import symphony.bdk.core.symphony_bdk",
};

/// A Python that has the BDK.
///
/// # Errors
/// As [`python::python`].
///
/// # Panics
/// As [`python::python`].
pub async fn python() -> Result<PathBuf, String> {
    python::python(BDK).await
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
