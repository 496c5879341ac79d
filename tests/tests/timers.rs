//! Timers through a wasm plugin: every schedule, both changes of summer time, stops, and clocks that
//! are set. The clock is the test's own, so no test waits for an hour.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_host::app::reload::FolderChange;
use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};
use parlor_tests::clock::TestClock;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};

const GUEST: &str = "timers";
/// 28 March 2026, 12:00 UTC: the night before the clocks of Berlin go forward.
const NOON: u64 = 1_774_699_200_000;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A host whose clock is the test's, and one room.
struct Bench {
    host: TestHost,
    clock: Arc<TestClock>,
    room: String,
}

impl Bench {
    async fn at(moment: u64) -> Self {
        let bench = Self::start(TestClock::at(moment), TestHostParts::default()).await;
        bench.load("").await;
        bench
    }

    async fn start(clock: Arc<TestClock>, parts: TestHostParts) -> Self {
        let host = TestHost::start(TestHostParts {
            clock: clock.clone(),
            ..parts
        })
        .await;
        let room = host.room("ada", "Lobby").await;
        Self { host, clock, room }
    }

    /// One on a journal that a host of before has left.
    async fn on(folder: &Path, moment: u64) -> Self {
        let journal = SqliteJournal::open(folder, SqliteConfig::default());
        let parts = TestHostParts {
            journal: Arc::new(journal.expect("the journal opens")),
            ..TestHostParts::default()
        };
        Self::start(TestClock::at(moment), parts).await
    }

    async fn load(&self, settings: &str) {
        self.host
            .load(GUEST, guests::bytes(GUEST), Some(settings))
            .await;
        assert_eq!(self.host.row(GUEST).last_error, None);
    }

    async fn remove(&self) {
        let removed = FolderChange::Removed {
            name: GUEST.to_owned(),
        };
        self.host.host().plugins().apply(removed).await;
    }

    /// Has the plugin do something, and waits until that is done.
    async fn tell(&self, command: &str) {
        self.host.say("ada", &self.room, command).await;
        self.host.idle().await;
    }

    /// What was fired so far, in order.
    fn fired(&self) -> Vec<String> {
        let answers = self.host.all_answers(&self.room);
        answers.iter().map(|message| message.text.clone()).collect()
    }

    async fn until(&self, what: &str, holds: impl Fn(&[String]) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !holds(&self.fired()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let waited = waited.await;
        assert!(waited.is_ok(), "never {what}: {:?}", self.fired());
    }

    async fn until_fired(&self, count: usize) {
        let what = format!("{count} fired");
        self.until(&what, |fired| fired.len() >= count).await;
    }

    /// Sets the clock, and waits until everything that is due then has fired: a timer of its own,
    /// due a moment after, stands for the rest.
    async fn go_to(&self, moment: u64) {
        self.clock.set(moment);
        let mark = format!("mark{moment}");
        self.tell(&format!("/at {mark} {}", moment + 1)).await;
        self.clock.set(moment + 1);
        self.until_mark(&mark).await;
    }

    async fn until_mark(&self, mark: &str) {
        let has = |fired: &[String]| fired.iter().any(|text| text.starts_with(mark));
        self.until(mark, has).await;
    }

    /// What was fired without the marks, in order.
    fn fired_of(&self) -> Vec<String> {
        let mut fired = self.fired();
        fired.retain(|text| !text.starts_with("mark"));
        fired
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_after_and_every_fire_when_they_are_due() {
    let bench = Bench::at(NOON).await;
    bench.tell(&format!("/at a {}", NOON + 2 * SECOND)).await;
    bench.tell("/after b 1000").await;
    bench.tell("/every c 3000").await;
    bench.go_to(NOON + 900).await;
    assert_eq!(bench.fired_of(), Vec::<String>::new());
    for seconds in 1..=7 {
        bench.go_to(NOON + seconds * SECOND).await;
    }
    let wanted = [
        format!("b {} after", NOON + SECOND),
        format!("a {} at", NOON + 2 * SECOND),
        format!("c {} every", NOON + 3 * SECOND),
        format!("c {} every", NOON + 6 * SECOND),
    ];
    assert_eq!(bench.fired_of(), wanted);
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_of_the_past_is_due_at_once() {
    let bench = Bench::at(NOON).await;
    bench.tell("/at a 5").await;
    bench.clock.set(NOON + 1);
    bench.until_fired(1).await;
    // Set anew for the same moment it is another firing.
    bench.tell("/at a 5").await;
    bench.clock.set(NOON + 2);
    bench.until_fired(2).await;
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_cancel_timer() {
    let bench = Bench::at(NOON).await;
    bench.tell("/after going 1000").await;
    bench.tell("/every going2 1000").await;
    bench.tell("/after staying 1000").await;
    bench.tell("/cancel going").await;
    bench.tell("/cancel going2").await;
    bench.tell("/cancel never-set").await;
    bench.go_to(NOON + 5 * SECOND).await;
    let wanted = [format!("staying {} after", NOON + SECOND)];
    assert_eq!(bench.fired_of(), wanted);
    assert_eq!(bench.host.row(GUEST).last_error, None);
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_of_the_same_name_is_replaced_and_takes_no_more_room() {
    let bench = Bench::at(NOON).await;
    bench.load("limits = { timers = 2 }").await;
    bench.tell("/after a 1000").await;
    bench.tell("/after b 2000").await;
    bench.tell("/after a 3000").await;
    assert_eq!(bench.host.row(GUEST).last_error, None);
    bench.tell("/after c 1000").await;
    let error = bench.host.row(GUEST).last_error.unwrap_or_default();
    assert!(error.contains("timers: 3, at most 2"), "{error}");
    for seconds in 1..=3 {
        bench.clock.set(NOON + seconds * SECOND);
        bench.until_fired(seconds.saturating_sub(1) as usize).await;
    }
    let wanted = [
        format!("b {} after", NOON + 2 * SECOND),
        format!("a {} after", NOON + 3 * SECOND),
    ];
    assert_eq!(bench.fired(), wanted);
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_sets_itself_at_once_is_not_lost_and_ends_at_the_loop_rule() {
    let host = TestHost::with(&[GUEST]).await;
    let room = host.room("ada", "Lobby").await;
    host.say("ada", &room, "/after chain 0").await;
    let looped = tokio::time::timeout(PATIENCE, async {
        while host.row(GUEST).last_error.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    looped.await.expect("it ends");
    host.idle().await;
    let error = host.row(GUEST).last_error.unwrap_or_default();
    assert!(error.contains("loop"), "{error}");
    assert_eq!(host.all_answers(&room).len(), 7);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_at_an_hour_that_is_left_out_fires_once_at_its_end() {
    let bench = Bench::at(NOON).await;
    bench
        .tell("/cron nightly \"30 2 * * *\" Europe/Berlin")
        .await;
    bench
        .tell("/cron often \"*/20 2 * * *\" Europe/Berlin")
        .await;
    // The clocks go from 02:00 to 03:00 at 01:00 UTC: 02:30 is not there that night.
    let change = NOON + 13 * HOUR;
    for moment in [
        change - 30 * MINUTE,
        change,
        change + 30 * MINUTE,
        change + HOUR,
        change + 23 * HOUR + 30 * MINUTE,
    ] {
        bench.go_to(moment).await;
    }
    let mut fired = bench.fired_of();
    fired.sort();
    let next_night = change + 23 * HOUR;
    let mut wanted = vec![
        format!("nightly {change} cron"),
        format!("nightly {} cron", next_night + 30 * MINUTE),
        // Three times of day that are not there are one firing, and what came after 02:00 the next
        // night in one step is one too.
        format!("often {change} cron"),
        format!("often {next_night} cron"),
    ];
    wanted.sort();
    assert_eq!(fired, wanted);
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_at_an_hour_that_comes_twice_fires_once() {
    // 24 October 2026, 12:00 UTC. The clocks go from 03:00 to 02:00 at 01:00 UTC: 02:30 is at 00:30
    // and again at 01:30.
    let noon = 1_792_843_200_000;
    let bench = Bench::at(noon).await;
    bench
        .tell("/cron nightly \"30 2 * * *\" Europe/Berlin")
        .await;
    bench
        .tell("/cron hourly \"30 * * * *\" Europe/Berlin")
        .await;
    let midnight = noon + 12 * HOUR;
    // The hourly one is begun in the night: what it missed in the evening is one firing.
    for half in 0..=5 {
        bench.go_to(midnight + half * 30 * MINUTE).await;
    }
    bench.go_to(midnight + 25 * HOUR + 30 * MINUTE).await;
    let fired = bench.fired_of();
    let of = |name: &str| {
        let fired = fired.iter().filter(|text| text.starts_with(name));
        fired.cloned().collect::<Vec<_>>()
    };
    let nightly = |due: u64| format!("nightly {due} cron");
    assert_eq!(
        of("nightly"),
        [
            nightly(midnight + 30 * MINUTE),
            nightly(midnight + 25 * HOUR + 30 * MINUTE)
        ]
    );
    let hourly: Vec<String> = of("hourly")[1..4].to_vec();
    let each = |hours: u64| format!("hourly {} cron", midnight + hours * HOUR + 30 * MINUTE);
    assert_eq!(
        hourly,
        [each(0), each(1), each(2)],
        "it goes on through both"
    );
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_what_was_missed_fires_once_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::on(folder.path(), NOON).await;
    bench.load("").await;
    bench.tell("/every once 60000").await;
    bench.tell("/every skips 60000 skip").await;
    bench.tell("/cron hourly \"0 * * * *\" UTC skip").await;
    bench
        .tell(&format!("/at single {}", NOON + 30 * MINUTE))
        .await;
    bench.tell(&format!("/at later {}", NOON + 5 * HOUR)).await;
    bench.host.stop().await;

    let back = NOON + 3 * HOUR + 10 * MINUTE + 10 * SECOND;
    let bench = Bench::on(folder.path(), back).await;
    bench.load("").await;
    bench.until_fired(2).await;
    bench.go_to(back + SECOND).await;
    let mut fired = bench.fired_of();
    fired.sort();
    let wanted = [
        format!("once {} every", NOON + MINUTE),
        format!("single {} at", NOON + 30 * MINUTE),
    ];
    assert_eq!(fired, wanted);
    // In step with before, all of them.
    let next = NOON + 3 * HOUR + 11 * MINUTE;
    bench.go_to(next).await;
    let mut fired = bench.fired_of().split_off(2);
    fired.sort();
    let wanted = [format!("once {next} every"), format!("skips {next} every")];
    assert_eq!(fired, wanted);
    bench.tell("/cancel once").await;
    bench.tell("/cancel skips").await;
    bench.go_to(NOON + 4 * HOUR).await;
    bench.go_to(NOON + 5 * HOUR).await;
    let mut fired = bench.fired_of().split_off(4);
    fired.sort();
    let wanted = [
        format!("hourly {} cron", NOON + 4 * HOUR),
        format!("hourly {} cron", NOON + 5 * HOUR),
        format!("later {} at", NOON + 5 * HOUR),
    ];
    assert_eq!(fired, wanted);
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_fires_nothing_twice() {
    let bench = Bench::at(NOON).await;
    bench
        .tell(&format!("/at single {}", NOON + 60 * SECOND))
        .await;
    bench.tell("/every every 60000").await;
    bench.tell("/cron minute \"* * * * *\" UTC").await;
    bench.go_to(NOON + 60 * SECOND).await;
    let first = bench.fired_of();
    assert_eq!(first.len(), 3, "{first:?}");
    // Back by half a minute, and on over the same moments.
    for seconds in [30, 45, 60, 61] {
        let moment = NOON + seconds * SECOND;
        bench.clock.set(moment);
        bench.tell(&format!("/after mark{seconds}x 1")).await;
        bench.clock.set(moment + 1);
        bench.until_mark(&format!("mark{seconds}x")).await;
    }
    assert_eq!(bench.fired_of(), first);
    bench.go_to(NOON + 120 * SECOND).await;
    assert_eq!(bench.fired_of().len(), 5, "and then it goes on");
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_long_stop_at_most_100_a_second_fire_and_new_ones_do_not_wait() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::on(folder.path(), NOON).await;
    bench.load("").await;
    let due = NOON + MINUTE;
    bench.tell(&format!("/many old 100 {due}")).await;
    bench.host.stop().await;

    let back = NOON + 5 * HOUR;
    let bench = Bench::on(folder.path(), back).await;
    bench.load("").await;
    bench.until_fired(1).await;
    let begun = Instant::now();
    bench.tell("/after new 5").await;
    bench.clock.set(back + 10);
    bench.until_fired(101).await;
    // Five rounds of 20, a fifth of a second from one to the next; 100 in less would be too many.
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(700), "{took:?}");
    let fired = bench.fired();
    let new = fired.iter().position(|text| text.starts_with("new"));
    assert!(new.is_some_and(|place| place < 90), "{new:?}");
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_timers_holds_up_no_other_plugin() {
    let bench = Bench::at(NOON).await;
    bench
        .host
        .load("actions", guests::bytes("actions"), None)
        .await;
    for prefix in ["a", "b", "c"] {
        let due = NOON + 500;
        bench.tell(&format!("/many {prefix} 100 {due}")).await;
    }
    bench.tell("/do set-timer 1000").await;
    bench.clock.set(NOON + SECOND);
    let has = |fired: &[String]| fired.iter().any(|text| text.starts_with("timer-1 fired"));
    bench.until("the other plugin's", has).await;
    assert!(bench.fired().len() < 200, "it waited for the flood");
    let journal = bench.host.host().journal();
    let all = tokio::time::timeout(PATIENCE, async {
        while journal.counts().await.expect("counted").timers > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    all.await.expect("the flood ends too");
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_of_a_plugin_that_is_gone_wait_for_it() {
    let bench = Bench::at(NOON).await;
    bench.tell("/every e 60000").await;
    bench.remove().await;
    bench.clock.set(NOON + 10 * MINUTE);
    let journal = bench.host.host().journal();
    let parked = tokio::time::timeout(PATIENCE, async {
        while journal.next_timer().await.expect("read").is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    parked.await.expect("it is parked");
    let counts = journal.counts().await.expect("counted");
    assert_eq!((counts.timers, counts.pending_deliveries), (1, 0));
    bench.load("").await;
    bench.until_fired(1).await;
    bench.go_to(NOON + 11 * MINUTE).await;
    let wanted = [
        format!("e {} every", NOON + MINUTE),
        format!("e {} every", NOON + 11 * MINUTE),
    ];
    assert_eq!(bench.fired_of(), wanted);
    bench.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_timer_can_keep_is_refused_with_a_reason() {
    let bench = Bench::at(NOON).await;
    for (command, reason) in [
        ("/every x 999", "too often"),
        ("/cron x \"* * * *\" UTC", "five fields"),
        ("/cron x \"0 25 * * *\" UTC", "hour"),
        ("/cron x \"0 0 30 2 *\" UTC", "never"),
        ("/cron x \"0 0 * * *\" Mars/Base", "Mars/Base"),
        ("/after x 9999999999999", "100 years"),
    ] {
        bench.tell(command).await;
        let error = bench.host.row(GUEST).last_error.unwrap_or_default();
        assert!(error.contains(reason), "{command}: {error}");
    }
    let timers = bench.host.host().journal().counts().await.expect("counted");
    assert_eq!(timers.timers, 0);
    bench.host.stop().await;
}
