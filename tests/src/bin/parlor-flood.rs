//! Lets strangers flood a host's webhook with random bodies, and tells how a good sender fares.
//!
//! ```text
//! cargo run -p parlor-tests --bin parlor-flood -- --bodies 1000000
//! ```

use std::process::ExitCode;

use clap::Parser;
use parlor_tests::flood::{Flood, flood};

/// Floods a webhook.
#[derive(Debug, Parser)]
struct Arguments {
    /// Random bodies to send.
    #[arg(long, default_value_t = 1_000_000)]
    bodies: usize,
}

#[expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]
fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let flood = runtime.block_on(flood(arguments.bodies))?;
    println!(
        "strangers took {:?}; answers {:?}",
        flood.took, flood.answers
    );
    for (name, times) in [
        ("usual", &flood.usual),
        ("among strangers", &flood.among_strangers),
    ] {
        println!(
            "good calls, {name}: {} calls, p50 {:?}, p99 {:?}, longest {:?}",
            times.len(),
            Flood::percentile(times, 50),
            Flood::percentile(times, 99),
            Flood::percentile(times, 100),
        );
    }
    Ok(ExitCode::SUCCESS)
}
