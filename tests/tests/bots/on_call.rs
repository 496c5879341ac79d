//! On-call reminder. The clock is the test's own.

use super::*;
use parlor_tests::clock::TestClock;

/// Saturday, 28 March 2026, 12:00 UTC: in the night after, the clocks of Zurich go forward.
const SATURDAY: u64 = 1_774_699_200_000;
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

async fn host(clock: &Arc<TestClock>) -> (TestHost, String) {
    let parts = TestHostParts {
        clock: clock.clone(),
        ..TestHostParts::default()
    };
    let host = with_bot(TestHost::start(parts).await, "oncall", "").await;
    let room = host.room("ada", "Operations").await;
    for person in ["bob", "carol"] {
        host.room(person, "Operations").await;
    }
    (host, room)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_week_changes_on_monday_at_nine_there() {
    let clock = TestClock::at(SATURDAY);
    let (host, room) = host(&clock).await;
    assert!(host.ask_in("ada", &room, "/oncall").await[0].starts_with("Nobody"));
    host.ask_in("ada", &room, "/oncall add @bob").await;
    let two = host.ask_in("ada", &room, "/oncall add @carol").await;
    assert_eq!(two, ["2 in the rota."]);
    assert_eq!(
        host.ask_in("ada", &room, "/oncall add @bob").await,
        ["2 in the rota."]
    );
    assert_eq!(
        host.ask_in("ada", &room, "/oncall").await,
        ["@bob is on call."]
    );
    // Nine o'clock in Zurich is seven in UTC by then.
    let monday = SATURDAY + 43 * HOUR;
    clock.set(monday - 1);
    assert_eq!(
        host.ask_in("ada", &room, "/oncall").await,
        ["@bob is on call."]
    );
    let before = shown(&host, "ada", &room).len();
    clock.set(monday);
    host.until_answers(&room, before + 1).await;
    assert_eq!(
        last(&host, "ada", &room).text,
        "@carol is on call this week."
    );
    clock.set(monday + 7 * 24 * HOUR);
    host.until_answers(&room, before + 2).await;
    assert_eq!(last(&host, "ada", &room).text, "@bob is on call this week.");
    // Whoever leaves the rota is called no more, and without people there is no handover.
    host.ask_in("ada", &room, "/oncall remove @bob").await;
    assert_eq!(
        host.ask_in("ada", &room, "/oncall").await,
        ["@carol is on call."]
    );
    host.ask_in("ada", &room, "/oncall remove @carol").await;
    let ever = SATURDAY + 1_000 * HOUR;
    let timers = host.host().journal().due_timers(ever, None, 10, 10).await;
    let timers = timers.expect("the journal reads");
    assert!(timers.is_empty(), "{timers:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_after_the_other_is_called_until_somebody_takes_it() {
    let clock = TestClock::at(SATURDAY);
    let (host, room) = host(&clock).await;
    assert_eq!(
        host.ask_in("ada", &room, "/alert disk full").await,
        ["Nobody is on call."]
    );
    for person in ["bob", "carol"] {
        host.ask_in("ada", &room, &format!("/oncall add @{person}"))
            .await;
    }
    host.ask_in("ada", &room, "/alert disk full").await;
    let called = last(&host, "ada", &room);
    assert!(
        called.text.starts_with("@bob: alert 2: disk full"),
        "{}",
        called.text
    );
    let before = shown(&host, "ada", &room).len();
    clock.set(SATURDAY + 5 * MINUTE);
    host.until_answers(&room, before + 1).await;
    clock.set(SATURDAY + 10 * MINUTE);
    host.until_answers(&room, before + 2).await;
    let called: Vec<String> = texts(&host, "ada", &room).split_off(before);
    assert!(called[0].starts_with("@carol: alert 2"), "{called:?}");
    assert!(called[1].starts_with("@bob: alert 2"), "{called:?}");
    let message = last(&host, "ada", &room).id.to_string();
    act(&host, "carol", press(&message, "take")).await;
    assert_eq!(
        last(&host, "ada", &room).text,
        "Alert 2: disk full. carol has it."
    );
    // Nobody is called any more: another alert's call comes, and this one's does not.
    host.ask_in("ada", &room, "/alert heat").await;
    let before = shown(&host, "ada", &room).len();
    clock.set(SATURDAY + 20 * MINUTE);
    host.until_answers(&room, before + 1).await;
    host.idle().await;
    let called: Vec<String> = texts(&host, "ada", &room).split_off(before);
    assert_eq!(called.len(), 1, "{called:?}");
    assert!(called[0].contains("alert 3: heat"), "{called:?}");
    // The first call for the second alert has its button still.
    let older = shown(&host, "ada", &room);
    let older = older.iter().find(|message| {
        message.text.contains("alert 2: disk full\n") || message.text.starts_with("@carol: alert 2")
    });
    let older = older.expect("the call before stays").id.to_string();
    act(&host, "bob", press(&older, "take")).await;
    assert_eq!(last(&host, "ada", &room).text, "It is taken already.");
    host.stop().await;
}
