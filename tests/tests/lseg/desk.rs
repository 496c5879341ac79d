//! A platform and a host with one bot on it.

use std::path::Path;
use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};
use parlor_tests::sim::lseg::{BOT, Lseg, LsegOptions, TOKEN_PATH};
use parlor_tests::sim::{Clock, Logged, Sent};
use parlor_tests::stage::all_grants;

/// The bot's name in the settings.
pub(crate) const DESK: &str = "desk";

/// A platform and a host.
pub(crate) struct Desk {
    pub(crate) sim: Lseg,
    pub(crate) host: TestHost,
}

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
    keep_times(&sim);
    sim
}

/// On a clock sixty times as fast these are the platform's own times.
pub(crate) fn keep_times(sim: &Lseg) {
    sim.set(serde_json::json!({
        "token_secs": 60 * 600, "refresh_secs": 60 * 900, "window_secs": 60 * 300,
        "connect_secs": 60 * 10,
    }));
}

/// The settings of the platform's bot, with more lines for it.
pub(crate) fn settings(sim: &Lseg, data: Option<&Path>, more: &str) -> String {
    let data = data.map(|data| format!("data = \"{}\"\n", data.display()));
    format!(
        "{}[[bot]]\nname = \"{DESK}\"\nplatform = \"lseg\"\nhost = \"{}\"\nstream = \"{}\"\n\
         username = \"{BOT}\"\npassword = \"file:{}\"\napp-key = \"file:{}\"\n{more}\n",
        data.unwrap_or_default(),
        sim.base_url(),
        sim.ws_url(),
        sim.file("password").display(),
        sim.file("app-key").display(),
    )
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
        let parts = TestHostParts {
            settings,
            ..TestHostParts::default()
        };
        let host = TestHost::start(parts).await;
        for plugin in plugins {
            // As everywhere, the demo's plugins ask for nothing; the others may do everything.
            let grants = all_grants();
            let grants = ["actions", "reads"]
                .contains(plugin)
                .then_some(grants.as_str());
            host.load(plugin, guests::bytes(plugin), grants).await;
            assert_eq!(host.row(plugin).last_error, None, "{plugin} is refused");
        }
        Self { sim, host }
    }

    /// How the bot does, and why.
    pub(crate) fn state(&self) -> (BotState, Option<String>) {
        let all = self.host.host().sessions().status();
        let desk = all.into_iter().find(|bot| bot.name == DESK);
        let desk = desk.expect("the bot is known");
        (desk.state, desk.reason)
    }

    /// Waits until the bot is as wanted.
    pub(crate) async fn until(&self, wanted: BotState) {
        let what = format!("the bot is {wanted:?}");
        self.host
            .eventually(&what, || self.state().0 == wanted)
            .await;
    }

    /// Waits for what the bot does next that is like this.
    pub(crate) async fn does(&self, after: u64, is_wanted: impl Fn(&Sent) -> bool) -> Sent {
        let found = self.sim.sent_like(after, PATIENCE, is_wanted).await;
        if let Some(found) = found {
            return found;
        }
        let did = self.sim.sent_after(after);
        let given_up = self.host.dead_letters().await;
        panic!(
            "the bot did not; it did {did:#?}; state {:?}; asked {:#?}; outbox {:#?}; given up {given_up:#?}",
            self.state(),
            self.asked(),
            self.host.host().outbox().status(),
        )
    }

    /// Waits for a message of the bot that has this in it.
    pub(crate) async fn says(&self, after: u64, text: &str) -> Sent {
        self.does(after, |sent| {
            sent.kind == "message" && sent.text.contains(text)
        })
        .await
    }

    /// Lets some time pass in which nothing may happen, and gives what the bot said all the same.
    pub(crate) async fn meanwhile(&self, after: u64) -> Vec<Sent> {
        self.sim
            .sent_like(after, Duration::from_millis(500), |sent| {
                sent.kind == "message"
            })
            .await;
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

    /// The requests so far, a line each.
    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = self.sim.requests_after(0);
        let line = |it: &Logged| format!("{} {} {:?}", it.method, it.path, it.status);
        requests.iter().map(line).collect()
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
        self.host.stop().await;
        assert_eq!(self.sim.complaints(), Vec::<String>::new());
        self.sim
    }
}
