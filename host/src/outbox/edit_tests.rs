//! Keys, edits and their rules, and what a plugin hears.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::fakes::{
    Bench, Platform, action, again, content, edit, eventually, form, made, quick, say, text,
};
use super::{HostedSentences, OutboxConfig, Outcomes, PartEnd};
use crate::content::hosted::Shows;
use crate::journal::memory::MemoryJournal;
use crate::journal::{Journal as _, OpenForm, Part, SentAs, Urgency};
use crate::mailbox::{OutboxHandle as _, Pace, Rate, SendError};
use crate::model::Name;
use crate::model::action::{Action, ActionKind, Edit, EditRule, Fallback, MessageRef};
use crate::model::content::Content;
use crate::model::event::Visibility;
use crate::model::payload::{ActionError, FormCloseReason};

/// A platform that never edits.
fn no_edits() -> Platform {
    Platform::new(|part, _| match part.what.action.kind {
        ActionKind::Edit(_) => Err(SendError::WillNotEdit("never".to_owned())),
        _ => Ok(made(part)),
    })
}

fn keyed(what: &str, key: &str) -> Action {
    Action {
        key: Some(key.to_owned()),
        ..text(what)
    }
}

fn edit_or(message: MessageRef, what: &str, otherwise: EditRule) -> Action {
    action(ActionKind::Edit(Edit {
        message,
        content: Content::Plain(what.to_owned()),
        otherwise,
    }))
}

fn with_gap(gap: Duration) -> OutboxConfig {
    OutboxConfig {
        repost_gap: gap,
        ..quick()
    }
}

#[tokio::test]
async fn where_a_platform_will_not_edit_the_rule_says_what_then() {
    let by_key = || MessageRef::Key("k".to_owned());
    for (rule, done, end) in [
        (
            EditRule::Repost,
            vec!["one", "Updated: two"],
            "sent sent anew: the platform will not edit",
        ),
        (
            EditRule::Skip,
            vec!["one"],
            "sent left as it was: the platform will not edit",
        ),
        (EditRule::Fail, vec!["one"], "Unsupported"),
    ] {
        let bench = Bench::new(no_edits());
        let list = vec![keyed("one", "k"), edit_or(by_key(), "two", rule)];
        bench.send("joke", "room", list).await;
        bench.through().await;
        assert_eq!(bench.platform.done("room"), done, "{rule:?}");
        assert_eq!(bench.ends(), ["sent ", end], "{rule:?}");
    }
}

#[tokio::test]
async fn a_message_sent_anew_takes_the_key_and_is_seen_by_nobody_else() {
    let bench = Bench::with(
        no_edits(),
        with_gap(Duration::ZERO),
        Arc::new(MemoryJournal::new()),
    );
    let mut first = keyed("for agents", "k");
    if let ActionKind::Send(send) = &mut first.kind {
        send.visibility = Visibility::Agents;
        send.thread = Some("t1".to_owned());
    }
    bench.send("joke", "room", vec![first]).await;
    // From another conversation: the message stays where it was.
    bench
        .send("joke", "elsewhere", vec![edit("k", "still for agents")])
        .await;
    eventually(|| bench.outbox.open_parts() == 0).await;
    bench
        .send(
            "joke",
            "room",
            vec![action(ActionKind::Delete(MessageRef::Key("k".to_owned())))],
        )
        .await;
    bench.through().await;
    let done = bench.platform.done("room");
    assert_eq!(
        done,
        [
            "for agents",
            "Updated: still for agents",
            r#"delete Id("m2")"#
        ]
    );
    let sends = bench.platform.sends.lock().clone();
    let how: Vec<_> = sends
        .iter()
        .map(|send| (send.visibility, send.thread.as_deref()))
        .collect();
    assert_eq!(how, [(Visibility::Agents, Some("t1")); 2]);
    let how = SentAs {
        visibility: Visibility::Agents,
        thread: Some("t1".to_owned()),
    };
    let named = bench.journal.message_by_key("default", "joke", "k").await;
    let named = named.expect("read").expect("named");
    assert_eq!((named.message.as_str(), named.how), ("m2", how));
}

#[tokio::test]
async fn an_edit_that_waits_to_be_sent_anew_holds_up_nothing() {
    let hour = with_gap(Duration::from_secs(3_600));
    let bench = Bench::with(no_edits(), hour, Arc::new(MemoryJournal::new()));
    bench
        .send("joke", "room", vec![keyed("0", "k"), edit("k", "1")])
        .await;
    eventually(|| bench.platform.done("room") == ["0", "Updated: 1"]).await;
    for n in 2..6 {
        bench
            .send("joke", "room", vec![edit("k", &n.to_string())])
            .await;
        bench
            .send("joke", "room", vec![text(format!("answer {n}"))])
            .await;
    }
    let answers = (2..6).map(|n| format!("answer {n}"));
    let wanted: Vec<String> = ["0".to_owned(), "Updated: 1".to_owned()]
        .into_iter()
        .chain(answers)
        .collect();
    eventually(|| bench.platform.done("room") == wanted).await;
    // The last edit waits, with those that did not come to it, and is there after a restart.
    bench.outbox.stop().await;
    let pending = bench.pending().await;
    assert!((1..=4).contains(&pending), "{pending}");
}

#[tokio::test]
async fn a_message_is_sent_anew_once_in_a_while_with_what_it_says_last() {
    let gap = Duration::from_millis(40);
    let bench = Bench::with(no_edits(), with_gap(gap), Arc::new(MemoryJournal::new()));
    bench.send("joke", "room", vec![keyed("0", "k")]).await;
    eventually(|| bench.outbox.open_parts() == 0).await;
    let begun = std::time::Instant::now();
    for n in 1..200 {
        bench
            .send("joke", "room", vec![edit("k", &n.to_string())])
            .await;
    }
    bench.through().await;
    let gaps = begun.elapsed().as_millis() / gap.as_millis();
    let said = bench.platform.done("room");
    assert_eq!(said.last().map(String::as_str), Some("Updated: 199"));
    let anew = said.len() as u128 - 1;
    assert!(anew <= gaps + 1, "{anew} in {gaps} gaps: {said:?}");
}

#[tokio::test]
async fn a_form_that_is_sent_anew_takes_the_place_of_the_one_before() {
    let bench = Bench::new(no_edits());
    let first = Action {
        key: Some("k".to_owned()),
        ..content(Content::Blocks(vec![form("first")]))
    };
    let second = action(ActionKind::Edit(Edit {
        message: MessageRef::Key("k".to_owned()),
        content: Content::Blocks(vec![form("second")]),
        otherwise: EditRule::Repost,
    }));
    bench.send("joke", "room", vec![first, second]).await;
    bench.through().await;
    let opened = bench.ends.1.lock().clone();
    let seen: Vec<_> = opened
        .iter()
        .map(|open| {
            let form = open.form.as_ref().map(|form| form.id.as_str());
            let gone = open.gone.as_ref().map(|gone| gone.reason);
            (open.message.as_str(), form, gone)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("m1", Some("first"), None),
            ("m2", Some("second"), None),
            ("m1", None, Some(FormCloseReason::Replaced)),
        ]
    );
}

#[tokio::test]
async fn what_the_host_would_ask_in_words_fails_where_the_plugin_wants_it_whole() {
    let bench = Bench::new(Platform {
        shows: Shows::NONE,
        ..Platform::good()
    });
    let mut strict = content(Content::Blocks(vec![form("f")]));
    if let ActionKind::Send(send) = &mut strict.kind {
        send.fallback = Fallback::Fail;
    }
    bench.send("joke", "room", vec![strict, text("rest")]).await;
    let nearest = content(Content::Blocks(vec![form("f")]));
    bench.send("joke", "room", vec![nearest]).await;
    bench.through().await;
    let ends = bench.ends();
    assert_eq!(ends[..2], ["Unsupported", "skipped"]);
    assert!(ends[2].starts_with("sent "), "{ends:?}");
    assert_eq!(bench.platform.all_done().len(), 1);
}

#[tokio::test]
async fn what_is_not_known_as_its_own_is_not_sent_anew() {
    let bench = Bench::new(no_edits());
    let foreign = MessageRef::Id("m-of-another".to_owned());
    bench
        .send(
            "joke",
            "room",
            vec![edit_or(foreign, "x", EditRule::Repost)],
        )
        .await;
    bench.through().await;
    assert_eq!(bench.ends(), ["Unsupported"]);
    assert!(bench.platform.all_done().is_empty());
}

#[tokio::test]
async fn a_message_that_was_told_of_is_known_by_its_id() {
    let bench = Bench::with(
        no_edits(),
        with_gap(Duration::ZERO),
        Arc::new(MemoryJournal::new()),
    );
    bench.send("joke", "room", vec![text("one")]).await;
    eventually(|| bench.outbox.open_parts() == 0).await;
    let own = MessageRef::Id("m1".to_owned());
    bench
        .send("joke", "room", vec![edit_or(own, "two", EditRule::Repost)])
        .await;
    bench.through().await;
    assert_eq!(bench.platform.done("room"), ["one", "Updated: two"]);
}

#[tokio::test]
async fn what_stands_before_a_message_that_is_sent_anew_is_a_setting() {
    for (updated, said) in [("Korrektur:", "Korrektur: two"), ("", "two")] {
        let config = quick();
        let mut sentences = HostedSentences::default();
        sentences.edits.updated = updated.to_owned();
        config.sentences.store(Arc::new(sentences));
        let bench = Bench::with(no_edits(), config, Arc::new(MemoryJournal::new()));
        let list = vec![keyed("one", "k"), edit("k", "two")];
        bench.send("joke", "room", list).await;
        bench.through().await;
        assert_eq!(bench.platform.done("room"), ["one", said]);
    }
}

#[tokio::test]
async fn who_names_a_message_waits_until_it_is_sent_in_whatever_lane() {
    let bench = Bench::new(Platform::good());
    bench.send("joke", "slow", vec![keyed("one", "k")]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 1).await;
    bench
        .send("joke", "room", vec![edit("k", "two"), text("after")])
        .await;
    // Of another plugin the key names nothing, and nobody waits.
    bench.send("pizza", "room", vec![edit("k", "three")]).await;
    eventually(|| bench.ends() == ["NotFound"]).await;
    assert!(bench.platform.done("room").is_empty());
    bench.platform.slow.send_replace(true);
    bench.through().await;
    assert_eq!(
        bench.platform.done("slow"),
        ["one", r#"edit Id("m1") Plain("two")"#]
    );
    assert_eq!(bench.platform.done("room"), ["after"]);
}

#[tokio::test]
async fn an_edit_gives_way_only_to_a_later_one_of_the_same_message() {
    let bench = Bench::new(Platform::new(|part, _| {
        match say(&part.what.action).as_str() {
            "bad" => Err(SendError::Permanent {
                class: ActionError::Denied,
                detail: "no".to_owned(),
            }),
            _ => Ok(made(part)),
        }
    }));
    bench.send("joke", "room", vec![keyed("one", "k")]).await;
    eventually(|| bench.outbox.open_parts() == 0).await;
    // The later edit stands behind something of its own list that fails, and is skipped with it.
    let parts = [
        bench
            .commit("joke", "room", vec![edit("k", "2")], Urgency::Answer, false)
            .await,
        bench
            .commit(
                "joke",
                "room",
                vec![text("bad"), edit("k", "3")],
                Urgency::Answer,
                false,
            )
            .await,
    ];
    bench.outbox.enqueue(parts.concat());
    eventually(|| bench.outbox.open_parts() == 0).await;
    assert_eq!(
        bench.platform.done("room")[1..],
        [r#"edit Id("m1") Plain("2")"#]
    );
    // A key that names a newer message from the middle on.
    let list = vec![edit("k", "4"), keyed("new", "k"), edit("k", "5")];
    bench.send("joke", "room", list).await;
    bench.through().await;
    let done = bench.platform.done("room");
    assert_eq!(done[2], r#"edit Id("m1") Plain("4")"#);
    assert!(
        done[4].ends_with(r#"Plain("5")"#) && !done[4].contains("\"m1\""),
        "{done:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_a_list_is_skipped_however_fast_its_first_fails() {
    let bench = Bench::new(Platform::new(|part, _| {
        match say(&part.what.action).as_str() {
            "bad" => Err(SendError::Permanent {
                class: ActionError::NotFound,
                detail: "no".to_owned(),
            }),
            _ => Ok(made(part)),
        }
    }));
    for n in 0..300 {
        let list = vec![text("bad"), text("skipped"), text("skipped")];
        bench.send("joke", &format!("room-{}", n % 7), list).await;
    }
    bench.through().await;
    assert!(bench.platform.all_done().is_empty());
    let ends = bench.ends();
    assert_eq!(ends.iter().filter(|end| *end == "skipped").count(), 600);
}

#[tokio::test]
async fn a_plugin_hears_once_that_something_is_tried_again() {
    let bench = Bench::new(Platform::new(|part, attempt| {
        match (part.number, attempt) {
            (1, 1..=3) => Err(again()),
            (2, 1) => Err(SendError::Again {
                after: Some(Duration::from_millis(1)),
                detail: "wait".to_owned(),
            }),
            (3, 1) => Err(SendError::InDoubt("cut".to_owned())),
            _ => Ok(made(part)),
        }
    }));
    bench
        .send("joke", "room", vec![text(0), text(1), text(2), text(3)])
        .await;
    bench.through().await;
    let wanted = [
        (1, ActionError::Unavailable),
        (2, ActionError::Throttled),
        (3, ActionError::InDoubt),
    ];
    assert_eq!(bench.retries(), wanted);
    assert_eq!(bench.ends(), ["sent "; 4]);
}

/// Looks, when it is told of an end, whether that is recorded already.
struct Look {
    journal: Arc<MemoryJournal>,
    was_open: Mutex<Vec<bool>>,
}

#[async_trait]
impl Outcomes for Look {
    fn opened(&self, _form: OpenForm) {}

    fn wants(&self, _part: &Part, _end: &PartEnd) -> bool {
        true
    }

    async fn ended(&self, part: &Part, _end: &PartEnd) {
        tokio::task::yield_now().await;
        let open = self.journal.pending_parts(0, 100).await.expect("listed");
        let is_open = open.iter().any(|open| open.number == part.number);
        self.was_open.lock().push(is_open);
    }
}

#[tokio::test]
async fn an_end_is_told_before_it_is_recorded() {
    let bench = Bench::new(Platform::new(|part, _| match part.number % 3 {
        0 => Err(SendError::Permanent {
            class: ActionError::Denied,
            detail: "no".to_owned(),
        }),
        _ => Ok(made(part)),
    }));
    let look = Arc::new(Look {
        journal: Arc::clone(&bench.journal),
        was_open: Mutex::default(),
    });
    let outbox = bench.outbox_telling(look.clone());
    for n in 0..50 {
        let list = vec![text(n), text("skipped, now and then")];
        let parts = bench
            .commit("joke", "room", list, Urgency::Answer, false)
            .await;
        outbox.enqueue(parts);
    }
    eventually(|| outbox.open_parts() == 0).await;
    outbox.stop().await;
    assert_eq!(*look.was_open.lock(), [true; 100]);
    assert_eq!(bench.pending().await, 0);
}

#[tokio::test]
async fn reads_share_the_rate_of_their_bot() {
    let platform = Platform {
        pace: Pace {
            bot: Some(Rate::per_minute(60)),
            conversation: None,
        },
        ..Platform::good()
    };
    let bench = Bench::with(platform, quick(), Arc::new(MemoryJournal::new()));
    let (tenant, bot) = (Name::from("default"), Name::from("desk"));
    let charges: Vec<_> = (0..10)
        .map(|_| bench.outbox.charge(&tenant, &bot))
        .collect();
    // A burst of five seconds' worth, then it has to wait.
    assert!(charges[..5].iter().all(Option::is_none), "{charges:?}");
    assert!(charges[5..].iter().all(Option::is_some), "{charges:?}");
    bench.send("joke", "room", vec![text(0)]).await;
    tokio::task::yield_now().await;
    assert!(
        bench.platform.all_done().is_empty(),
        "a send took no heed of the reads"
    );
}
