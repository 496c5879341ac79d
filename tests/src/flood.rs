//! Strangers who send the ingress whatever comes to their minds, while a good sender goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::guests;
use crate::harness::{TestHost, TestHostParts};
use crate::hooks::{Caller, DELIVERY, SIGNATURE, signed_webhook};
use crate::random::Random;

/// Strangers at one time.
const STRANGERS: usize = 8;
/// Calls of the good sender that tell what its usual time is.
const USUAL: usize = 400;
/// How often the good sender calls.
const EVERY: Duration = Duration::from_millis(5);
/// The largest body of a stranger: more than an ingress takes.
const LARGEST: usize = 1_200_000;
const PATH: &str = "/hooks/default/pager/pager";

/// What came of it.
#[derive(Debug)]
pub struct Flood {
    /// The strangers' answers: how many of each status.
    pub answers: BTreeMap<u16, usize>,
    /// How long good calls take without strangers, sorted.
    pub usual: Vec<Duration>,
    /// … and among them.
    pub among_strangers: Vec<Duration>,
    /// How long the strangers took.
    pub took: Duration,
}

impl Flood {
    /// The time within which so many percent of sorted calls ended.
    pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
        let last = sorted.len().saturating_sub(1);
        sorted
            .get(last * percent / 100)
            .copied()
            .unwrap_or_default()
    }
}

/// Lets strangers send so many bodies to a host's webhook.
///
/// # Errors
/// When a stranger is taken, a good call is not, or an answer says more than its status.
pub async fn flood(bodies: usize) -> anyhow::Result<Flood> {
    let host = TestHost::start(TestHostParts {
        settings: "[http]\nlisten = \"127.0.0.1:0\"\n".to_owned(),
        ..TestHostParts::default()
    })
    .await;
    host.host().hooks().open(None);
    let settings = signed_webhook("pager", "per-minute = 600000");
    host.load("pager", guests::bytes("pager"), Some(&settings))
        .await;
    let address = host.host().hooks().address().context("no listener")?;
    let address = address.to_string();
    let usual = good_calls(&address, "usual", |count| count < USUAL).await?;

    let left = Arc::new(AtomicUsize::new(bodies));
    let is_over = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let strangers: Vec<_> = (0..STRANGERS)
        .map(|number| tokio::spawn(stranger(address.clone(), number, left.clone())))
        .collect();
    let good = {
        let (address, is_over) = (address.clone(), is_over.clone());
        tokio::spawn(async move {
            let goes_on = |_| !is_over.load(Ordering::Acquire);
            good_calls(&address, "among", goes_on).await
        })
    };
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    for stranger in strangers {
        for (status, count) in stranger.await?? {
            *answers.entry(status).or_default() += count;
        }
    }
    let took = began.elapsed();
    is_over.store(true, Ordering::Release);
    let among_strangers = good.await??;
    let row = host.row("pager");
    let hook = row.webhooks.first().context("the panel has no webhook")?;
    let good = usual.len() + among_strangers.len();
    ensure!(hook.taken == good as u64, "{good} good calls, and {hook:?}");
    host.idle().await;
    host.stop().await;
    Ok(Flood {
        answers,
        usual,
        among_strangers,
        took,
    })
}

/// Calls as a good sender while it is told to go on; how long each call took, sorted.
async fn good_calls(
    address: &str,
    name: &str,
    goes_on: impl Fn(usize) -> bool,
) -> anyhow::Result<Vec<Duration>> {
    let mut caller = Caller::new(address);
    let mut beat = tokio::time::interval(EVERY);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut took = Vec::new();
    while goes_on(took.len()) {
        beat.tick().await;
        let id = format!("{name}-{}", took.len());
        let began = Instant::now();
        let status = caller.post(PATH, &id, id.as_bytes()).await?;
        took.push(began.elapsed());
        ensure!(status == 202, "a good call is answered {status}");
    }
    took.sort();
    Ok(took)
}

/// Sends bodies until none is left to send.
async fn stranger(
    address: String,
    number: usize,
    left: Arc<AtomicUsize>,
) -> anyhow::Result<BTreeMap<u16, usize>> {
    let mut caller = Caller::new(&address);
    let mut random = Chance(Random::new(number as u64 + 1));
    let body: Vec<u8> = (0..LARGEST).map(|_| random.byte()).collect();
    let mut answers = BTreeMap::new();
    let take = |left: usize| left.checked_sub(1);
    while left
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
        .is_ok()
    {
        let (head, size) = random.head();
        let from = random.below(LARGEST - size + 1);
        let body = &body[from..from + size];
        let status = caller.send(head.as_bytes(), body).await;
        let status = status.with_context(|| format!("{head:?} with {size} bytes"))?;
        ensure!(
            matches!(status, 400 | 401 | 404 | 405 | 413 | 431),
            "a stranger is answered {status}: {head:?}"
        );
        *answers.entry(status).or_default() += 1;
    }
    Ok(answers)
}

/// What a stranger sends.
struct Chance(Random);

impl Chance {
    fn byte(&mut self) -> u8 {
        self.0.draw().to_le_bytes()[0]
    }

    /// A number less than this one, which is not 0.
    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.0.draw() % most.max(1) as u64).unwrap_or_default()
    }

    fn text(&mut self, alphabet: &[u8], most: usize) -> String {
        let length = self.below(most + 1);
        let signs = (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())]));
        signs.collect()
    }

    /// The head of a request, and the size of its body.
    fn head(&mut self) -> (String, usize) {
        const ANY: &[u8] = b"abcXYZ019-_.%/ =+:;,\"'()";
        const HEX: &[u8] = b"0123456789abcdef";
        let size = match self.below(500) {
            0 => self.below(LARGEST),
            1..=25 => self.below(64 * 1024),
            _ => self.below(512),
        };
        let path = match self.below(10) {
            0 => format!("/{}", self.text(b"abcXYZ019-_.%/?", 60)),
            1 => format!("{PATH}{}", self.text(b"abcXYZ019-_.%/", 9)),
            _ => PATH.to_owned(),
        };
        let method = ["POST", "POST", "POST", "POST", "PUT", "BREW"][self.below(6)];
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n");
        for _ in 0..self.below(4) {
            let (name, value) = match self.below(6) {
                0 => (SIGNATURE, self.text(ANY, 200)),
                1..=2 => {
                    let digits: String = (0..64)
                        .map(|_| char::from(HEX[self.below(HEX.len())]))
                        .collect();
                    (SIGNATURE, format!("sha256={digits}"))
                }
                3 => (DELIVERY, self.text(ANY, 300)),
                4 => ("Authorization", format!("Basic {}", self.text(ANY, 100))),
                _ => ("X-Anything", self.text(ANY, 4_000)),
            };
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        (head, size)
    }
}
