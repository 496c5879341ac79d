//! What a list asks for later: requests and timers, and when a schedule is due.

use std::sync::Arc;

use super::{NOW, built, check, delivery, refusal};
use crate::journal::TimerChange;
use crate::model::action::{Action, ActionKind, Cron, Missed, Request, Schedule, SetTimer};
use crate::model::event::Header;
use crate::model::payload::{EventPayload, TimerFired};
use crate::runtime::lanes::fakes::{action, policy};
use crate::runtime::turn::schedule::{ScheduleError, first_due, following, next_due};
use crate::runtime::turn::{ActionGrants, HttpGrants, Policy, Refusal, TurnDraft};

fn set_timer(schedule: Schedule) -> Action {
    action(ActionKind::SetTimer(SetTimer {
        name: "t".to_owned(),
        schedule,
        missed: Missed::Once,
        payload: "p".to_owned(),
    }))
}

struct Example;

impl HttpGrants for Example {
    fn allows(&self, method: &str, url: &str) -> bool {
        method == "GET" && url.starts_with("https://example.com/")
    }
}

fn asking(request: Request) -> Action {
    Action {
        key: Some("k".to_owned()),
        ..action(ActionKind::Request(request))
    }
}

fn get(url: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: 1_000,
        idempotency_header: None,
    }
}

fn check_requests(requests: Vec<Action>) -> Result<TurnDraft, Refusal> {
    let granted = Policy {
        http: Some(Arc::new(Example)),
        actions: ActionGrants::none(),
        ..policy(&[])
    };
    built(requests, &granted, &delivery("room"))
}

#[test]
fn a_request_wants_a_key_and_an_http_grant() {
    let draft = check_requests(vec![asking(get("https://example.com/a"))]).unwrap();
    assert_eq!(draft.requests[0].key, "k");
    let refused = check_requests(vec![asking(get("https://evil.com/a?token=1"))]).unwrap_err();
    let line = "[plugin.pizza] grants.http = [\"GET https://evil.com/a\"]";
    assert!(refused.to_string().ends_with(line), "{refused}");
    let mut nameless = asking(get("https://example.com/a"));
    nameless.key = None;
    let refused = check_requests(vec![nameless]).unwrap_err().to_string();
    assert!(refused.contains("needs a key"), "{refused}");
}

#[test]
fn a_request_that_cannot_be_made_is_refused_before_it_is_kept() {
    let check = |change: fn(&mut Request), reason: &str| {
        let mut request = get("https://example.com/a");
        change(&mut request);
        let refused = check_requests(vec![asking(request)]).unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
    };
    check(|it| it.method = "GET IT".to_owned(), "no HTTP method");
    check(|it| it.url = "/a".to_owned(), "http://");
    check(|it| it.url = "file:///etc/passwd".to_owned(), "http://");
    check(
        |it| it.url = "https://me:secret@example.com/a".to_owned(),
        "credentials",
    );
    check(|it| it.timeout_ms = 600_001, "found 600001");
    check(|it| it.timeout_ms = 0, "found 0");
    let header = |name: &str, value: &str| Header {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let refused = |headers: Vec<Header>| {
        let request = Request {
            headers,
            ..get("https://example.com/a")
        };
        check_requests(vec![asking(request)])
            .unwrap_err()
            .to_string()
    };
    assert!(refused(vec![header("a b", "x")]).contains("\"a b\""));
    let text = refused(vec![header("x-a", "secret\r\nx-b: 1")]);
    assert!(text.contains("x-a") && !text.contains("secret"), "{text}");
    assert!(refused(vec![header("x-a", "1"); 101]).contains("headers of a request: 101"));
    assert!(refused(vec![header("x-a", &"1".repeat(16 << 10))]).contains("at most 16384"));
    check(
        |it| it.idempotency_header = Some("é".to_owned()),
        "idempotency header",
    );
}

#[test]
fn bodies_of_requests_are_bounded_alone_and_together() {
    let of = |bytes: usize| {
        asking(Request {
            body: vec![0; bytes],
            ..get("https://example.com/a")
        })
    };
    check_requests(vec![of(1 << 20); 4]).unwrap();
    let refused = check_requests(vec![of((1 << 20) + 1)]).unwrap_err();
    assert!(
        refused.to_string().contains("a request's body"),
        "{refused}"
    );
    let mut five = vec![of(1 << 20); 4];
    five.push(of(1));
    let refused = check_requests(five).unwrap_err().to_string();
    assert!(refused.contains("bodies of all requests"), "{refused}");
}

#[test]
fn the_grants_of_the_settings_cover_requests_too() {
    let grants = crate::net::HttpGrants::parse(&["GET https://example.com/v1/*"]).unwrap();
    let allows = |method, url| HttpGrants::allows(&grants, method, url);
    assert!(allows("GET", "https://example.com/v1/x?q=1"));
    assert!(!allows("POST", "https://example.com/v1/x"));
    assert!(!allows("GET", "https://example.com/v2"));
    assert!(!allows("G T", "https://example.com/v1/x"));
    assert!(!allows("GET", "no url at all"));
}

#[test]
fn a_timer_belongs_to_the_events_conversation_and_keeps_its_origin() {
    let draft = check(vec![set_timer(Schedule::After(5_000))], &[]).unwrap();
    let TimerChange::Set(timer) = &draft.timers[0] else {
        panic!("a timer that is set");
    };
    assert_eq!(
        (timer.due_at, &*timer.key.conversation),
        (NOW + 5_000, "room")
    );
    assert_eq!(timer.origin.id, "1");
    assert!(!matches!(timer.origin.payload, EventPayload::Message(_)));
    let cancel = action(ActionKind::CancelTimer("t".to_owned()));
    let draft = check(vec![cancel], &[]).unwrap();
    assert!(matches!(&draft.timers[0], TimerChange::Cancel(key) if key.name == "t"));
    assert!(refusal(vec![set_timer(Schedule::Every(10))]).contains("too often"));
}

#[test]
fn schedules_are_due_when_they_say() {
    assert_eq!(first_due(&Schedule::At(NOW + 5), NOW), Ok(NOW + 5));
    // What is past, or now, is due in the next moment: nothing can have fired then already.
    for now in [Schedule::At(5), Schedule::At(NOW), Schedule::After(0)] {
        assert_eq!(first_due(&now, NOW), Ok(NOW + 1));
    }
    assert_eq!(first_due(&Schedule::After(5), NOW), Ok(NOW + 5));
    assert_eq!(first_due(&Schedule::Every(1_000), NOW), Ok(NOW + 1_000));
    assert_eq!(
        first_due(&Schedule::After(u64::MAX), NOW),
        Err(ScheduleError::TooFar)
    );
    assert_eq!(following(&Schedule::After(5), NOW, NOW), None);
    let every = Schedule::Every(1_000);
    assert_eq!(following(&every, NOW, NOW + 20), Some(NOW + 1_000));
    // However many were missed, the next is in the future and in step.
    assert_eq!(following(&every, NOW, NOW + 10_500), Some(NOW + 11_000));
}

fn at(text: &str) -> u64 {
    let moment: jiff::Timestamp = text.parse().unwrap();
    u64::try_from(moment.as_millisecond()).unwrap()
}

fn check_cron(expression: &str, zone: &str, after: &str, wanted: &[&str]) {
    let cron = Cron {
        expression: expression.to_owned(),
        time_zone: zone.to_owned(),
    };
    let mut now = at(after);
    for due in wanted {
        now = next_due(&cron, now).unwrap();
        let found = jiff::Timestamp::from_millisecond(i64::try_from(now).unwrap()).unwrap();
        assert_eq!(found.to_string(), *due, "{expression} in {zone}");
    }
}

#[test]
fn cron_is_due_when_it_says() {
    check_cron(
        "*/15 * * * *",
        "UTC",
        "2026-11-20T10:07:00Z",
        &["2026-11-20T10:15:00Z", "2026-11-20T10:30:00Z"],
    );
    check_cron(
        "0 9 * * 1-5",
        "Europe/Berlin",
        "2026-11-20T08:00:00Z",
        &["2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z"],
    );
    check_cron(
        "0 0 29 feb *",
        "UTC",
        "2026-01-01T00:00:00Z",
        &["2028-02-29T00:00:00Z"],
    );
    // Day and weekday both given: either is enough. 7 is Sunday.
    check_cron(
        "0 0 13 * 7",
        "UTC",
        "2026-11-10T00:00:00Z",
        &["2026-11-13T00:00:00Z", "2026-11-15T00:00:00Z"],
    );
}

#[test]
fn cron_lives_through_both_changes_of_summer_time() {
    // 29 March 2026: 02:00 becomes 03:00. What was due in between is due at 03:00, once.
    for rule in ["30 2 * * *", "0 2 * * *", "59 2 * * *"] {
        check_cron(
            rule,
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            &["2026-03-29T01:00:00Z"],
        );
    }
    check_cron(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T00:00:00Z",
        &[
            "2026-03-28T01:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-30T00:30:00Z",
        ],
    );
    check_cron(
        "*/15 2,3 * * *",
        "Europe/Berlin",
        "2026-03-29T00:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"],
    );
    check_cron(
        "30 * * * *",
        "Europe/Berlin",
        "2026-03-29T00:10:00Z",
        &["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"],
    );
    check_cron(
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-03-29T00:10:00Z",
        &[
            "2026-03-29T00:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T01:30:00Z",
        ],
    );
    // At midnight, and where a whole day is left out.
    check_cron(
        "30 0 * * *",
        "Asia/Beirut",
        "2026-03-28T10:00:00Z",
        &["2026-03-28T22:00:00Z", "2026-03-29T21:30:00Z"],
    );
    check_cron(
        "0 9 * * *",
        "Pacific/Apia",
        "2011-12-30T00:00:00Z",
        &["2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"],
    );
    // 25 October 2026: 03:00 becomes 02:00. What is due at 02:30 is due the first time only,
    // what is due every half hour goes on.
    check_cron(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    );
    check_cron(
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-10-25T00:10:00Z",
        &[
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z",
        ],
    );
}

#[test]
fn a_timer_that_sets_itself_does_not_come_to_the_time_at_which_it_fired() {
    // The clock was set back behind the firing that is handled.
    let mut delivery = delivery("room");
    Arc::make_mut(&mut delivery.event).payload = EventPayload::TimerFired(TimerFired {
        name: "t".to_owned(),
        payload: String::new(),
        due_at: NOW + 5_000,
    });
    let set = vec![set_timer(Schedule::After(5_000))];
    let draft = built(set, &policy(&[]), &delivery).unwrap();
    let TimerChange::Set(timer) = &draft.timers[0] else {
        panic!("a timer that is set");
    };
    assert_eq!(timer.due_at, NOW + 5_001);
}

#[test]
fn wrong_cron_rules_say_what_is_wrong() {
    for (expression, zone, wanted) in [
        ("* * * *", "UTC", "five fields"),
        ("61 * * * *", "UTC", "minute cannot be \"61\""),
        ("* * * * fun", "UTC", "weekday cannot be \"fun\""),
        ("*/0 * * * *", "UTC", "minute"),
        ("5-1 * * * *", "UTC", "minute"),
        ("* * * * *", "Mars/Base", "Mars/Base"),
        ("0 0 31 2 *", "UTC", "never"),
    ] {
        let cron = Cron {
            expression: expression.to_owned(),
            time_zone: zone.to_owned(),
        };
        let text = next_due(&cron, NOW).unwrap_err().to_string();
        assert!(text.contains(wanted), "{text}");
    }
}
