//! Simulators of the platforms, by hand.
//!
//! ```text
//! cargo run -p parlor-tests --bin parlor-sim -- symphony --port 0 --tls
//! ```
//!
//! Prints one line of JSON, then serves until it is stopped.

use std::io::Write as _;

use clap::{Parser, Subcommand};
use parlor_tests::sim::Clock;
use parlor_tests::sim::livechat::{LiveChat, LiveChatOptions};
use parlor_tests::sim::lseg::{Lseg, LsegOptions};
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};
use parlor_tests::sim::webex::{Webex, WebexOptions};

/// Serves a local copy of a chat platform
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    platform: Platform,
}

#[derive(Debug, Subcommand)]
enum Platform {
    /// LiveChat with its accounts, and chat.io's dialect of it
    #[command(name = "livechat")]
    LiveChat(Served),
    /// LSEG Messenger: its authentication, its gateway and its stream
    Lseg(Served),
    /// A Symphony pod with its key manager and its agent
    Symphony(Served),
    /// Webex with its webhooks and its WebSocket
    Webex(Served),
}

#[derive(Debug, clap::Args)]
struct Served {
    /// Port to listen on; 0 is any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve with a certificate of an authority made for the run
    #[arg(long)]
    tls: bool,
    /// Let the platform's waits pass so many times as fast
    #[arg(long, default_value_t = 1.0, value_name = "TIMES")]
    clock: f64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(arguments.platform))
}

async fn serve(platform: Platform) -> anyhow::Result<()> {
    match platform {
        Platform::LiveChat(served) => {
            let options = LiveChatOptions {
                port: served.port,
                tls: served.tls,
                clock: Clock::faster(served.clock),
            };
            let sim = LiveChat::start(options).await?;
            until_stopped(&sim.line()).await
        }
        Platform::Lseg(served) => {
            let sim = Lseg::start(LsegOptions {
                port: served.port,
                tls: served.tls,
                clock: Clock::faster(served.clock),
            });
            let sim = sim.await?;
            until_stopped(&sim.line()).await
        }
        Platform::Symphony(served) => {
            let options = SymphonyOptions {
                port: served.port,
                tls: served.tls,
                clock: Clock::faster(served.clock),
            };
            let sim = Symphony::start(options).await?;
            until_stopped(&sim.line()).await
        }
        Platform::Webex(served) => {
            let options = WebexOptions {
                port: served.port,
                tls: served.tls,
                real_names: false,
                clock: Clock::faster(served.clock),
            };
            let sim = Webex::start(options).await?;
            until_stopped(&sim.line()).await
        }
    }
}

/// Prints a line and waits.
async fn until_stopped(line: &serde_json::Value) -> anyhow::Result<()> {
    // Whoever reads the line may stop this at once.
    let stop = Stop::listen()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    drop(out);
    stop.told().await
}

#[cfg(unix)]
struct Stop([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Stop {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ]))
    }

    async fn told(self) -> anyhow::Result<()> {
        let [mut interrupted, mut ended] = self.0;
        tokio::select! { _ = interrupted.recv() => {}, _ = ended.recv() => {} }
        Ok(())
    }
}

#[cfg(not(unix))]
struct Stop;

#[cfg(not(unix))]
impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn told(self) -> anyhow::Result<()> {
        Ok(tokio::signal::ctrl_c().await?)
    }
}
