//! A platform and a host with one bot on it.

use std::ops::Deref;
use std::path::Path;

use parlor_host::mailbox::control::BotState;
use parlor_tests::bots::{OneBot, section};
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::lseg::{Lseg, LsegOptions, TOKEN_PATH};
use parlor_tests::sim::{Clock, Logged, Sent};

pub(crate) use parlor_tests::bots::DESK;

/// A platform and a host.
pub(crate) struct Desk(OneBot<Lseg>);

/// A platform whose waits pass so many times as fast.
pub(crate) async fn platform(speed: f64) -> Lseg {
    let options = LsegOptions {
        clock: Clock::faster(speed),
        ..LsegOptions::default()
    };
    Lseg::start(options).await.expect("a platform")
}

/// A platform that takes sixty messages a second and keeps its other times.
pub(crate) async fn fast() -> Lseg {
    let sim = platform(60.0).await;
    sim.keep_times(60);
    sim
}

/// The settings of the platform's bot, with more lines for it.
pub(crate) fn settings(sim: &Lseg, data: Option<&Path>, more: &str) -> String {
    let data = data.map(|data| format!("data = \"{}\"\n", data.display()));
    let section = section::lseg(sim, DESK, more);
    format!("{}{section}", data.unwrap_or_default())
}

/// The settings of a host in a process of its own, whose page takes nobody else's port.
pub(crate) fn settings_of_process(sim: &Lseg, data: &Path) -> String {
    let text = settings(sim, Some(data), "rooms = \"listed\"");
    format!("{text}\n[local]\nlisten = \"127.0.0.1:0\"\n")
}

impl Desk {
    /// Starts a host on a platform, with these plugins and more lines of the bot's settings.
    pub(crate) async fn on(sim: Lseg, more: &str, plugins: &[&str]) -> Self {
        let text = settings(&sim, None, more);
        let desk = Self::of(sim, text, plugins).await;
        desk.until(BotState::Connected).await;
        desk
    }

    /// As [`Desk::on`], with a data folder that is there already.
    pub(crate) async fn in_folder(sim: Lseg, data: &Path, more: &str, plugins: &[&str]) -> Self {
        let text = settings(&sim, Some(data), more);
        let desk = Self::of(sim, text, plugins).await;
        desk.until(BotState::Connected).await;
        desk
    }

    /// Starts a host that need not connect.
    pub(crate) async fn of(sim: Lseg, settings: String, plugins: &[&str]) -> Self {
        Self(OneBot::on(sim, settings, plugins).await)
    }

    /// Lets some time pass in which nothing may happen, and gives what the bot said all the same.
    pub(crate) async fn meanwhile(&self, after: u64) -> Vec<Sent> {
        self.0.meanwhile(after).await;
        self.said(after)
    }

    /// What the bot said after this number.
    pub(crate) fn said(&self, after: u64) -> Vec<Sent> {
        let did = self.sim.sent_after(after).into_iter();
        did.filter(|sent| sent.kind == "message").collect()
    }

    /// Waits until the bot is in a room.
    pub(crate) async fn joins(&self, room: &str) {
        let joined = self
            .sim
            .comes_to(PATIENCE, |sim| sim.has_joined(room))
            .await;
        assert!(
            joined,
            "not in {room}: {:?} {:#?}",
            self.state(),
            self.asked()
        );
    }

    /// How often tokens were asked for by this grant.
    pub(crate) fn grants(&self, grant: &str) -> usize {
        let requests = self.sim.requests_after(0);
        let wanted = format!("grant_type={grant}");
        let of_grant = |it: &&Logged| it.path == TOKEN_PATH && it.body.contains(&wanted);
        requests.iter().filter(of_grant).count()
    }

    /// What the bot's plugin `kinds` has heard last of a kind, as it tells it in this room.
    pub(crate) async fn seen(&self, room: &str, kind: &str) -> String {
        let before = self.sim.sent_count();
        self.sim.say(room, "ada", &format!("seen {kind}"));
        self.says(before, "").await.text
    }

    /// Waits until the plugin `kinds` has heard this of a kind of event.
    pub(crate) async fn sees(&self, room: &str, kind: &str, what: &str) {
        let mut seen = String::new();
        for _ in 0..20 {
            seen = self.seen(room, kind).await;
            if seen.to_lowercase().contains(what) {
                return;
            }
        }
        panic!("{kind} is not {what}: {seen}");
    }

    /// Stops the host; what it did is what the platform's documents allow.
    pub(crate) async fn stop(self) -> Lseg {
        let sim = self.0.close().await;
        assert_eq!(sim.complaints(), Vec::<String>::new());
        sim
    }
}

impl Deref for Desk {
    type Target = OneBot<Lseg>;

    fn deref(&self) -> &OneBot<Lseg> {
        &self.0
    }
}
