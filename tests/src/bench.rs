//! The rows of `parlor-bench`, and how they are shown.

#[path = "bench/bare.rs"]
mod bare;
#[path = "bench/cached.rs"]
mod cached;
#[path = "bench/calls.rs"]
mod calls;
#[path = "bench/flow.rs"]
mod flow;
#[path = "bench/footprint.rs"]
mod footprint;
#[path = "bench/hung.rs"]
mod hung;
#[path = "bench/load.rs"]
mod load;
#[path = "bench/reload.rs"]
mod reload;
#[path = "bench/symphony.rs"]
mod symphony;
#[path = "bench/waiting.rs"]
mod waiting;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parlor_tests::{bdk, guests};
use serde::Serialize;

/// The longest that one measurement may take.
const BOUND: Duration = Duration::from_secs(180);

/// One figure beside its target.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) name: &'static str,
    /// The figure.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// How it stands to what it is compared with, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
    /// What it should be.
    pub(crate) target: String,
    /// Whether it is.
    pub(crate) met: bool,
}

impl Row {
    /// A figure that should be at least this.
    fn at_least(name: &'static str, value: f64, unit: &'static str, target: f64) -> Self {
        Self {
            name,
            value,
            unit,
            ratio: None,
            target: format!(">= {target}"),
            met: value >= target,
        }
    }

    /// A figure that should be at most this.
    fn at_most(name: &'static str, value: f64, unit: &'static str, target: f64) -> Self {
        Self {
            name,
            value,
            unit,
            ratio: None,
            target: format!("<= {target}"),
            met: value <= target,
        }
    }

    /// A figure without a target, beside another where there is one.
    fn beside(name: &'static str, value: f64, unit: &'static str, base: Option<f64>) -> Self {
        Self {
            name,
            value,
            unit,
            ratio: base.map(|base| value / base),
            target: "none".to_owned(),
            met: true,
        }
    }

    /// A figure whose ratio to another should be at most this.
    fn ratio(name: &'static str, value: f64, unit: &'static str, base: f64, target: f64) -> Self {
        let ratio = value / base;
        Self {
            name,
            value,
            unit,
            ratio: Some(ratio),
            target: format!("ratio <= {target}"),
            met: ratio <= target,
        }
    }
}

/// Measures in a process of its own; the figures go to standard output as JSON.
pub(crate) async fn child(what: &str, folder: &Path) -> anyhow::Result<()> {
    let figures = match what {
        "idle" => footprint::idle(folder).await?,
        "start" => footprint::start(folder).await?,
        _ => anyhow::bail!("there is no child {what}"),
    };
    show(&serde_json::to_string(&figures)?);
    Ok(())
}

/// Measures the rows whose names hold `only`, and shows each as it comes.
pub(crate) async fn run(only: &str, json: bool) -> Vec<Row> {
    let mut rows = Rows {
        only,
        json,
        done: Vec::new(),
    };
    note(&format!("load average: {}", load_average()));
    if !json {
        show(&format!(
            "{:<34} {:>12} {:<10} {:>6}  {:<14} met",
            "name", "value", "unit", "ratio", "target"
        ));
    }
    rows.take(&["end-to-end-memory"], flow::memory).await;
    rows.take(&["end-to-end-power"], flow::power).await;
    rows.take(&["open-loop-5000-p99", "open-loop-5000-to-bare"], || {
        flow::open_loop(5_000, 10.0)
    })
    .await;
    rows.take(&["open-loop-30000-p99", "open-loop-30000-to-bare"], || {
        flow::open_loop(30_000, 30.0)
    })
    .await;
    rows.take(&["neighbours-of-waiting-p99"], waiting::neighbours)
        .await;
    rows.take(&["neighbours-of-hung-p99"], hung::neighbours)
        .await;
    rows.take(&["one-among-100"], flow::one_among).await;
    rows.take(&["idle-plugin"], footprint::idle_row).await;
    rows.take(&["save-to-answer-p95"], reload::save).await;
    rows.take(&["save-templates-p95"], reload::save_templates)
        .await;
    rows.take(
        &["start-10-cached", "start-10-cached-resident"],
        footprint::start_rows,
    )
    .await;
    rows.take(&["cached-load-js"], || {
        cached::load("javascript", "cached-load-js")
    })
    .await;
    rows.take(&["cached-load-python"], || {
        cached::load("python", "cached-load-python")
    })
    .await;
    let names = [
        "symphony-flood",
        "symphony-bdk-answers",
        "symphony-bdk-dispatch",
    ];
    if rows.wants(&names) {
        // Not measured: the first time it is installed.
        let python = bdk::python().await;
        rows.take(&names, || symphony::flood(python)).await;
    }
    rows.take(&["live-call"], calls::live).await;
    rows.take(&["fresh-call"], calls::fresh).await;
    note(&format!("load average: {}", load_average()));
    rows.done
}

struct Rows<'a> {
    only: &'a str,
    json: bool,
    done: Vec<Row>,
}

impl Rows<'_> {
    fn wants(&self, names: &[&'static str]) -> bool {
        names.iter().any(|name| name.contains(self.only))
    }

    async fn take<F, W>(&mut self, names: &[&'static str], measure: F)
    where
        F: FnOnce() -> W,
        W: Future<Output = anyhow::Result<Vec<Row>>>,
    {
        if !self.wants(names) {
            return;
        }
        let measured = match tokio::time::timeout(BOUND, measure()).await {
            Ok(Ok(rows)) => rows,
            Ok(Err(error)) => failed(names, &format!("{error:#}")),
            Err(_) => failed(names, "took too long"),
        };
        for row in measured {
            show(&if self.json {
                as_json(&row)
            } else {
                as_line(&row)
            });
            self.done.push(row);
        }
    }
}

fn failed(names: &[&'static str], why: &str) -> Vec<Row> {
    let rows = names.iter().map(|name| {
        note(&format!("{name}: {why}"));
        Row {
            name,
            value: 0.0,
            unit: "failed",
            ratio: None,
            target: String::new(),
            met: false,
        }
    });
    rows.collect()
}

fn as_json(row: &Row) -> String {
    serde_json::to_string(row).unwrap_or_else(|error| error.to_string())
}

fn as_line(row: &Row) -> String {
    let ratio = row
        .ratio
        .map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let met = if row.met { "yes" } else { "NO" };
    format!(
        "{:<34} {:>12.2} {:<10} {:>6}  {:<14} {met}",
        row.name, row.value, row.unit, ratio, row.target
    )
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn show(line: &str) {
    println!("{line}");
}

#[expect(
    clippy::print_stderr,
    reason = "what is not a row goes beside the table"
)]
fn note(line: &str) {
    eprintln!("{line}");
}

fn load_average() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// A folder on the disk of the workspace: a temporary one may be in memory.
fn disk_folder() -> std::io::Result<tempfile::TempDir> {
    let target = guests::workspace().join("target").join("tmp");
    std::fs::create_dir_all(&target)?;
    tempfile::Builder::new()
        .prefix("parlor-bench-")
        .tempdir_in(target)
}

/// The folder of compiled code, kept between runs.
fn cache_folder() -> PathBuf {
    guests::code_cache()
}
