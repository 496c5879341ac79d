//! What is counted, as text for Prometheus. Everything is read when somebody asks: nothing on an
//! event's way waits for a metric.
//!
//! Labels are tenants, plugins, bots, webhooks and fixed words, never a conversation or a person; and
//! of each sort only so many are told apart.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::activity::BotActivity;
use crate::journal::Counts;
use crate::mailbox::control::BotState;
use crate::outbox::BotOutbox;
use crate::runtime::lanes::{PluginState, PluginStatus};
use crate::telemetry::latency::LatencyCounts;
use crate::web::{BotCallsStatus, HookStatus};

/// Plugins, bots and webhooks that are told apart, of each sort; the others are summed up.
const MAX_LABELLED: usize = 200;
/// The name under which the others are summed up: no name in the settings has parentheses.
const OTHERS: &str = "(other)";
/// The bounds of histograms: powers of two of a microsecond, from 128 µs to 8.4 s.
const BOUNDS: [usize; 9] = [7, 9, 11, 13, 15, 17, 19, 21, 23];

/// The state of everything at one moment.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) started_at_ms: u64,
    pub(super) is_ready: bool,
    pub(super) is_paused: bool,
    pub(super) plugins: Vec<PluginStatus>,
    pub(super) bots: Vec<BotSample>,
    pub(super) outbox: Vec<BotOutbox>,
    /// None where the journal does not answer.
    pub(super) journal: Option<Counts>,
    pub(super) commits: Option<LatencyCounts>,
    pub(super) kinds: Vec<(&'static str, u64)>,
    pub(super) accepts: LatencyCounts,
    pub(super) guest_memory_bytes: u64,
    pub(super) hooks: Vec<HookStatus>,
    pub(super) bot_calls: Vec<BotCallsStatus>,
    pub(super) unknown_hooks: u64,
    pub(super) hook_calls: LatencyCounts,
}

/// One bot at one moment.
#[derive(Debug)]
pub(super) struct BotSample {
    pub(super) tenant: String,
    pub(super) bot: String,
    pub(super) platform: String,
    pub(super) state: BotState,
    pub(super) activity: BotActivity,
}

/// Writes a sample down.
///
/// # Errors
/// The encoder's; writing to a text has none of its own.
pub(super) fn write(sample: Sample) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("parlor");
    registry.register_collector(Box::new(sample));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Sample {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(&mut encoder);
        self.write_host(&mut page)?;
        self.write_events(&mut page)?;
        self.write_plugins(&mut page)?;
        self.write_outbox(&mut page)?;
        self.write_hooks(&mut page)
    }
}

impl Sample {
    fn write_host(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        page.gauges("build", "The program that runs", [(version, 1.0)])?;
        page.gauge(
            "start_time_seconds",
            "When the host began, in seconds since 1970",
            seconds(self.started_at_ms),
        )?;
        page.gauge(
            "ready",
            "Whether /ready says so",
            if self.is_ready { 1.0 } else { 0.0 },
        )?;
        page.gauge(
            "intake_paused",
            "1 while the journal takes no events",
            if self.is_paused { 1.0 } else { 0.0 },
        )?;
        page.gauge(
            "guest_memory_bytes",
            "Memory of all plugins' instances",
            number(self.guest_memory_bytes),
        )?;
        if let Some(counts) = &self.journal {
            for (name, help, value) in [
                (
                    "journal_bytes",
                    "Bytes of the journal on disk",
                    counts.bytes,
                ),
                (
                    "journal_events",
                    "Events that the journal holds",
                    counts.events,
                ),
                (
                    "journal_pending_deliveries",
                    "Deliveries that are not done",
                    counts.pending_deliveries,
                ),
                (
                    "journal_pending_parts",
                    "Parts of actions that are not through",
                    counts.pending_parts,
                ),
                (
                    "journal_dead_letters",
                    "Deliveries given up",
                    counts.dead_letters,
                ),
                ("journal_timers", "Timers that are set", counts.timers),
            ] {
                page.gauge(name, help, number(value))?;
            }
        }
        let held = self.plugins.iter().any(|plugin| plugin.held_by.is_some());
        page.gauge(
            "journal_held",
            "1 while the journal takes no writes",
            if held { 1.0 } else { 0.0 },
        )?;
        if let Some(commits) = &self.commits {
            page.histograms(
                "journal_commit_seconds",
                "How long the journal took to put a batch on disk",
                [([("journal", "sqlite")], commits)],
            )?;
        }
        Ok(())
    }

    fn write_events(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        let kinds = self.kinds.iter();
        page.counters(
            "events",
            "Events taken, by kind",
            kinds.map(|(kind, count)| ([("kind", *kind)], *count)),
        )?;
        page.histograms(
            "accept_seconds",
            "How long it took until the place of an event in the journal was fixed",
            [([("way", "in")], &self.accepts)],
        )?;
        let bots = capped_bots(&self.bots);
        let labels = |bot: &BotSample| {
            [
                ("tenant", bot.tenant.clone()),
                ("bot", bot.bot.clone()),
                ("platform", bot.platform.clone()),
            ]
        };
        page.counters(
            "bot_events",
            "Events of a bot's platform",
            bots.iter().map(|bot| (labels(bot), bot.activity.events)),
        )?;
        page.counters(
            "bot_duplicate_events",
            "Events of a bot's platform that came again",
            bots.iter()
                .map(|bot| (labels(bot), bot.activity.duplicates)),
        )?;
        page.counters(
            "bot_gaps",
            "Times when nobody heard a bot's platform that keeps nothing",
            bots.iter().map(|bot| (labels(bot), bot.activity.gaps)),
        )?;
        page.counters(
            "bot_unheld_seconds",
            "How long those times were, together",
            bots.iter()
                .map(|bot| (labels(bot), bot.activity.unheld_ms.div_ceil(1_000))),
        )?;
        page.gauges(
            "bot_connected",
            "1 while a bot hears its platform",
            bots.iter().map(|bot| {
                let connected = bot.state == BotState::Connected;
                (labels(bot), if connected { 1.0 } else { 0.0 })
            }),
        )?;
        page.gauges(
            "bot_last_event_timestamp_seconds",
            "When a bot's last event came, in seconds since 1970",
            bots.iter().filter_map(|bot| {
                let at = bot.activity.last_event_at?;
                Some((labels(bot), seconds(at)))
            }),
        )
    }

    fn write_plugins(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        let plugins = capped_plugins(&self.plugins);
        let labels = |plugin: &PluginStatus| {
            [
                ("tenant", plugin.tenant.to_string()),
                ("plugin", plugin.name.to_string()),
            ]
        };
        type Count = fn(&PluginStatus) -> u64;
        let counters: [(&str, &str, Count); 6] = [
            (
                "plugin_deliveries",
                "Deliveries that came to a commit",
                |p| p.handled,
            ),
            ("plugin_faults", "Calls that failed", |p| p.faults),
            (
                "plugin_conflicts",
                "Calls made again because what they read had changed",
                |p| p.conflicts,
            ),
            (
                "plugin_retries",
                "Calls made again because the plugin asked for it",
                |p| p.retries,
            ),
            (
                "plugin_refused",
                "Deliveries that the plugin refused",
                |p| p.refused,
            ),
            (
                "plugin_dead_letters",
                "Deliveries that became dead letters",
                |p| p.dead,
            ),
        ];
        for (name, help, count) in counters {
            let rows = plugins.iter().map(|plugin| (labels(plugin), count(plugin)));
            page.counters(name, help, rows)?;
        }
        let gauges: [(&str, &str, Count); 4] = [
            (
                "plugin_serving",
                "1 while a plugin is called; summed up: how many are",
                |p| u64::from(p.state == PluginState::Serving),
            ),
            ("plugin_waiting", "Deliveries that wait in memory", |p| {
                p.waiting as u64
            }),
            ("plugin_running", "Deliveries being handled", |p| {
                u64::from(p.running)
            }),
            ("plugin_instances", "Instances alive", |p| p.instances),
        ];
        for (name, help, count) in gauges {
            let rows = plugins
                .iter()
                .map(|plugin| (labels(plugin), number(count(plugin))));
            page.gauges(name, help, rows)?;
        }
        let calls: Vec<LatencyCounts> = plugins
            .iter()
            .map(|plugin| LatencyCounts {
                counts: plugin.latency,
                sum_us: plugin.took_us,
            })
            .collect();
        page.histograms(
            "plugin_call_seconds",
            "How long calls took",
            plugins.iter().map(labels).zip(&calls),
        )
    }

    fn write_outbox(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        let bots = capped_outbox(&self.outbox);
        let labels = |bot: &BotOutbox| {
            [
                ("tenant", bot.tenant.to_string()),
                ("bot", bot.bot.to_string()),
            ]
        };
        type Count = fn(&BotOutbox) -> u64;
        let counters: [(&str, &str, Count); 5] = [
            ("outbox_sent", "Parts of actions done", |b| b.sent),
            ("outbox_failed", "Parts that failed for good", |b| b.failed),
            ("outbox_retried", "Requests made again", |b| b.retried),
            ("outbox_in_doubt", "Parts whose end was in doubt", |b| {
                b.in_doubt
            }),
            (
                "outbox_resent",
                "Parts sent again though nobody could tell whether they had been sent",
                |b| b.resent,
            ),
        ];
        for (name, help, count) in counters {
            page.counters(name, help, bots.iter().map(|bot| (labels(bot), count(bot))))?;
        }
        page.gauges(
            "outbox_open",
            "Parts that are not through",
            bots.iter()
                .map(|bot| (labels(bot), number(bot.open as u64))),
        )
    }

    fn write_hooks(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        let mut calls: BTreeMap<(String, String, String, &str), u64> = BTreeMap::new();
        for (place, hook) in self.hooks.iter().enumerate() {
            let results = [("taken", hook.taken), ("duplicate", hook.duplicates)];
            let refused = hook.refused.iter().copied();
            for (result, count) in results.into_iter().chain(refused) {
                let name = |name: &str| {
                    let name = if place < MAX_LABELLED { name } else { OTHERS };
                    name.to_owned()
                };
                let key = (
                    name(&hook.tenant),
                    name(&hook.plugin),
                    name(&hook.name),
                    result,
                );
                *calls.entry(key).or_default() += count;
            }
        }
        page.counters(
            "webhook_calls",
            "Calls of webhooks, by what became of them",
            calls.iter().map(|((tenant, plugin, hook, result), count)| {
                let labels = [
                    ("tenant", tenant.as_str()),
                    ("plugin", plugin.as_str()),
                    ("webhook", hook.as_str()),
                    ("result", *result),
                ];
                (labels, *count)
            }),
        )?;
        self.write_bot_calls(page)?;
        page.counters(
            "webhook_unknown_calls",
            "Calls of addresses that are no webhook's",
            [([("result", "not found")], self.unknown_hooks)],
        )?;
        page.histograms(
            "webhook_call_seconds",
            "How long calls of webhooks took, refused ones too",
            [([("way", "in")], &self.hook_calls)],
        )
    }
}

impl Sample {
    fn write_bot_calls(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        let mut calls: BTreeMap<(String, String, &str), u64> = BTreeMap::new();
        for (place, bot) in self.bot_calls.iter().enumerate() {
            let name = |name: &str| {
                let name = if place < MAX_LABELLED { name } else { OTHERS };
                name.to_owned()
            };
            let refused = bot.refused.iter().copied();
            for (result, count) in std::iter::once(("taken", bot.taken)).chain(refused) {
                let key = (name(&bot.tenant), name(&bot.bot), result);
                *calls.entry(key).or_default() += count;
            }
        }
        page.counters(
            "bot_webhook_calls",
            "Calls of bots by their platforms, by what became of them",
            calls.iter().map(|((tenant, bot, result), count)| {
                let labels = [
                    ("tenant", tenant.as_str()),
                    ("bot", bot.as_str()),
                    ("result", *result),
                ];
                (labels, *count)
            }),
        )
    }
}

/// The first bots, and the others summed up.
fn capped_bots(bots: &[BotSample]) -> Vec<BotSample> {
    let copy = |bot: &BotSample| BotSample {
        tenant: bot.tenant.clone(),
        bot: bot.bot.clone(),
        platform: bot.platform.clone(),
        state: bot.state,
        activity: bot.activity,
    };
    cap(bots, copy, |sum, bot| {
        (sum.tenant, sum.bot, sum.platform) = (OTHERS.into(), OTHERS.into(), OTHERS.into());
        sum.activity.events += bot.activity.events;
        sum.activity.duplicates += bot.activity.duplicates;
        sum.activity.gaps += bot.activity.gaps;
        sum.activity.unheld_ms += bot.activity.unheld_ms;
        sum.activity.last_event_at = sum.activity.last_event_at.max(bot.activity.last_event_at);
        if bot.state != BotState::Connected {
            sum.state = bot.state;
        }
    })
}

fn capped_plugins(plugins: &[PluginStatus]) -> Vec<PluginStatus> {
    cap(plugins, PluginStatus::clone, |sum, plugin| {
        (sum.tenant, sum.name) = (OTHERS.into(), OTHERS.into());
        sum.handled += plugin.handled;
        sum.faults += plugin.faults;
        sum.conflicts += plugin.conflicts;
        sum.retries += plugin.retries;
        sum.refused += plugin.refused;
        sum.dead += plugin.dead;
        sum.waiting += plugin.waiting;
        sum.running += plugin.running;
        sum.instances += plugin.instances;
        sum.took_us += plugin.took_us;
        for (sum, count) in sum.latency.iter_mut().zip(plugin.latency) {
            *sum += count;
        }
        if plugin.state != PluginState::Serving {
            sum.state = plugin.state;
        }
    })
}

fn capped_outbox(bots: &[BotOutbox]) -> Vec<BotOutbox> {
    cap(bots, BotOutbox::clone, |sum, bot| {
        (sum.tenant, sum.bot) = (OTHERS.into(), OTHERS.into());
        sum.open += bot.open;
        sum.sent += bot.sent;
        sum.failed += bot.failed;
        sum.retried += bot.retried;
        sum.in_doubt += bot.in_doubt;
        sum.resent += bot.resent;
    })
}

/// The first so many, and one that is the sum of the others.
fn cap<T>(all: &[T], copy: impl Fn(&T) -> T, add: impl Fn(&mut T, &T)) -> Vec<T> {
    let (first, others) = all.split_at(all.len().min(MAX_LABELLED));
    let mut kept: Vec<T> = first.iter().map(&copy).collect();
    if let Some((one, more)) = others.split_first() {
        let mut sum = copy(one);
        for other in more {
            add(&mut sum, other);
        }
        kept.push(sum);
    }
    kept
}

/// Writes families of metrics.
struct Page<'p, 'e>(&'p mut DescriptorEncoder<'e>);

type NoLabels = [(&'static str, &'static str); 0];

impl Page<'_, '_> {
    fn counters<L: AsLabels>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Counter, rows, |metric, count| {
            metric.encode_counter::<NoLabels, _, u64>(&count, None)
        })
    }

    fn gauges<L: AsLabels>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, rows, |metric, value| {
            metric.encode_gauge(&value)
        })
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        metric.encode_gauge(&value)
    }

    fn histograms<'c, L: AsLabels>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (L, &'c LatencyCounts)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Histogram, rows, |metric, took| {
            let count = took.counts.iter().sum();
            let sum = number(took.sum_us) / 1e6;
            metric.encode_histogram::<NoLabels>(sum, count, &buckets(took), None)
        })
    }

    fn family<L: AsLabels, T>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        rows: impl IntoIterator<Item = (L, T)>,
        write: impl Fn(&mut MetricEncoder<'_>, T) -> fmt::Result,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in rows {
            let labels = labels.as_labels();
            write(&mut metric.encode_family(&labels.as_slice())?, value)?;
        }
        Ok(())
    }
}

/// Labels, borrowed or not.
trait AsLabels {
    fn as_labels(&self) -> Vec<(&'static str, &str)>;
}

impl<const N: usize> AsLabels for [(&'static str, &str); N] {
    fn as_labels(&self) -> Vec<(&'static str, &str)> {
        self.to_vec()
    }
}

impl<const N: usize> AsLabels for [(&'static str, String); N] {
    fn as_labels(&self) -> Vec<(&'static str, &str)> {
        let labels = self.iter();
        labels
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }
}

/// The counts between the bounds; the encoder adds them up.
fn buckets(took: &LatencyCounts) -> Vec<(f64, u64)> {
    let mut buckets = Vec::with_capacity(BOUNDS.len() + 1);
    let mut from = 0;
    for bound in BOUNDS {
        let count = took.counts[from..=bound].iter().sum();
        buckets.push((number(1 << bound) / 1e6, count));
        from = bound + 1;
    }
    // The encoder writes the largest number as `+Inf`.
    buckets.push((f64::MAX, took.counts[from..].iter().sum()));
    buckets
}

fn seconds(ms: u64) -> f64 {
    number(ms) / 1e3
}

/// A count as a floating number: exact up to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "a metric that large loses its last digits and nothing else"
)]
fn number(count: u64) -> f64 {
    count as f64
}
