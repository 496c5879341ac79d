//! Simulators behave as their platforms' documents say, and official clients work against them unchanged.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

#[path = "simulators/bdk.rs"]
mod bdk;
#[path = "simulators/lc_sdk.rs"]
mod lc_sdk;
#[path = "simulators/livechat.rs"]
mod livechat;
#[path = "simulators/lseg.rs"]
mod lseg;
#[path = "simulators/symphony.rs"]
mod symphony;
#[path = "simulators/webex.rs"]
mod webex;
#[path = "simulators/webex_sdk.rs"]
mod webex_sdk;

/// The simulator of a platform as a program, and what its one line says.
async fn program(platform: &str, arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parlor-sim"))
        .args([platform, "--port", "0", "--clock", "60"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let output = child.stdout.take().expect("an output");
    let line = BufReader::new(output).lines().next_line().await;
    let line = line.expect("it can be read").expect("a line");
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["platform"], platform);
    (child, line)
}
