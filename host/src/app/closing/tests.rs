//! What is told of a form that closes by itself.

use super::*;
use crate::content::text;
use crate::journal::Gone;
use crate::model::content::{Form, FormAnswers, FormAudience, FormEnd};
use crate::model::event::{Bot, Conversation};
use crate::model::payload::OtherEvent;

const SENT: Timestamp = 1_000_000_000;
const END: Timestamp = SENT + 3 * SILENCE_MS;

fn origin() -> Event {
    Event {
        id: "asked".to_owned(),
        sequence: 9,
        attempt: 2,
        occurred_at: SENT,
        received_at: SENT,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: "local".to_owned(),
            user_id: "b".to_owned(),
            display_name: "Desk".to_owned(),
        }),
        conversation: Some(Conversation {
            id: "room".to_owned(),
            kind: ConversationKind::Room,
            name: None,
            external: false,
            cross_pod: false,
            thread: Some("t1".to_owned()),
        }),
        actor: Some(User::of_id("ada")),
        addressing: Addressing::Mention,
        cause: None,
        depth: 3,
        trace_id: "t".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Other(OtherEvent {
            kind: "origin".to_owned(),
            json: String::new(),
        }),
    }
}

fn open() -> OpenForm {
    OpenForm {
        tenant: "default".into(),
        plugin: "p".into(),
        bot: "desk".into(),
        conversation: "room".into(),
        message: "m1".to_owned(),
        form: Some(Form {
            id: "f".to_owned(),
            title: Some("Expense".to_owned()),
            fields: Vec::new(),
            buttons: Vec::new(),
            answers: FormAnswers::Any,
            audience: FormAudience::Anyone,
            end: FormEnd::Never,
        }),
        buttons: Vec::new(),
        actor: None,
        answered: Vec::new(),
        ends_at: END,
        part: 1,
        origin: Some(Arc::new(origin())),
        numbered: Vec::new(),
        agents_only: false,
        unseen: Vec::new(),
        dialogs: Vec::new(),
        before: None,
        gone: None,
    }
}

fn dialog(user: &str, ended: Option<DialogEnd>) -> Dialog {
    Dialog {
        person: User::of_id(user),
        question: None,
        answers: Default::default(),
        tries: 0,
        heard_at: SENT,
        ended,
    }
}

/// Everything that is told of a form up to a moment, as `reason who (actor) -> plugin | host says`.
fn told(mut open: OpenForm, now: Timestamp) -> Vec<String> {
    let sentences = HostedSentences::default();
    let mut told = Vec::new();
    while let Some(closing) = next(&open, &sentences, now) {
        assert!(told.len() < 10, "it never ends: {told:?}");
        let EventPayload::FormClosed(closed) = &closing.event.payload else {
            panic!("not a form-closed: {closing:?}");
        };
        let id = |user: &User| user.id.clone();
        let who = closed.who.as_ref().map_or_else(|| "-".to_owned(), id);
        let actor = closing.event.actor.as_ref().map_or_else(String::new, id);
        let to = if closing.for_plugin { " -> plugin" } else { "" };
        let says = text(&closing.says).0;
        told.push(format!(
            "{} {:?} {who} ({actor}){to} | {says}",
            closed.form_id, closed.reason
        ));
        let mut stays = true;
        for change in closing.changes {
            stays = stays && open.apply(change.what);
        }
        if !stays {
            told.push("gone".to_owned());
            break;
        }
    }
    told
}

#[test]
fn nothing_is_told_of_a_form_that_is_open() {
    let asking = OpenForm {
        dialogs: vec![dialog("ada", None)],
        ..open()
    };
    assert_eq!(told(asking, SENT + SILENCE_MS - 1), [""; 0]);
    assert_eq!(told(open(), END - 1), [""; 0]);
}

#[test]
fn end_is_told_to_the_plugin_once_and_to_who_is_asked() {
    assert_eq!(
        told(open(), END),
        ["f Expired - (ada) -> plugin | ", "gone"]
    );
    let asking = OpenForm {
        ends_at: SENT,
        dialogs: vec![dialog("ada", None), dialog("bob", None)],
        ..open()
    };
    assert_eq!(
        told(asking, SENT),
        [
            "f Expired - (ada) | ada: That form is closed.",
            "f Expired - (bob) | bob: That form is closed.",
            "f Expired - (ada) -> plugin | ",
            "gone"
        ]
    );
}

#[test]
fn silence_of_one_closes_the_form_where_nobody_else_can_begin() {
    let silent = "f Expired - (bob) -> plugin | bob: Expense is closed, because nothing was heard for 10 minutes.";
    let asking = OpenForm {
        dialogs: vec![dialog("bob", None)],
        ..open()
    };
    assert_eq!(told(asking.clone(), SENT + SILENCE_MS), [silent, "gone"]);
    let others = OpenForm {
        numbered: vec![crate::model::dialog::Numbered::Answer],
        ..asking
    };
    assert_eq!(told(others, SENT + SILENCE_MS), [silent]);
}

#[test]
fn replaced_is_told_to_the_plugin_only() {
    let asking = OpenForm {
        dialogs: vec![dialog("bob", Some(DialogEnd::Replaced))],
        ..open()
    };
    assert_eq!(
        told(asking, SENT),
        ["f Replaced bob (bob) -> plugin | ", "gone"]
    );
    let edited = OpenForm {
        before: Some("old".to_owned()),
        dialogs: vec![dialog("eve", Some(DialogEnd::Gone))],
        ..open()
    };
    assert_eq!(
        told(edited, SENT),
        [
            "old Replaced b (ada) -> plugin | ",
            "f Expired - (eve) | eve: That form is closed.",
            "gone",
        ]
    );
}

#[test]
fn taken_is_told_to_the_others_only() {
    let mut taken = OpenForm {
        answered: vec!["ada".to_owned()],
        dialogs: vec![dialog("bob", Some(DialogEnd::Taken))],
        ..open()
    };
    if let Some(form) = &mut taken.form {
        form.answers = FormAnswers::Once;
    }
    assert_eq!(
        told(taken.clone(), SENT),
        [
            "f Expired - (bob) | bob: Expense is closed, because somebody else has answered.",
            "gone"
        ]
    );
    taken.dialogs.clear();
    assert_eq!(told(taken, END), [""; 0]);
}

#[test]
fn message_that_is_gone_is_told_with_who_did_it() {
    let gone = OpenForm {
        gone: Some(Gone {
            reason: FormCloseReason::Cancelled,
            who: Some(User::of_id("eve")),
        }),
        dialogs: vec![dialog("bob", Some(DialogEnd::Gone))],
        ..open()
    };
    assert_eq!(
        told(gone, SENT),
        [
            "f Expired - (bob) | bob: That form is closed.",
            "f Cancelled eve (ada) -> plugin | ",
            "gone"
        ]
    );
}

#[test]
fn event_carries_what_its_origin_carried() {
    let sentences = HostedSentences::default();
    let closing = next(&open(), &sentences, END).expect("it ends");
    let event = closing.event;
    assert_eq!(
        (event.cause.as_deref(), event.trace_id.as_str()),
        (Some("asked"), "t")
    );
    assert_eq!(event.conversation, origin().conversation);
    assert_eq!(event.bot, origin().bot);
    assert_eq!((event.attempt, event.occurred_at), (1, END));
    assert_eq!(event.addressing, Addressing::Ambient);
    // Ten seconds and more begin a new chain, as a timer does; less does not.
    assert_eq!(event.depth, 0);
    let soon = OpenForm {
        ends_at: SENT + 2_000,
        ..open()
    };
    let closing = next(&soon, &sentences, SENT + 2_000).expect("it ends");
    assert_eq!(closing.event.depth, 4);
}

#[test]
fn each_has_a_key_of_its_own() {
    let sentences = HostedSentences::default();
    let key = |open: &OpenForm, now| next(open, &sentences, now).map(|closing| closing.key);
    let asking = OpenForm {
        dialogs: vec![dialog("bob", None)],
        ..open()
    };
    let later = OpenForm {
        dialogs: vec![Dialog {
            heard_at: SENT + 1,
            ..dialog("bob", None)
        }],
        ..open()
    };
    let keys = [
        key(&open(), END),
        key(&asking, SENT + SILENCE_MS),
        key(&later, SENT + 1 + SILENCE_MS),
        key(
            &OpenForm {
                message: "m2".to_owned(),
                ..open()
            },
            END,
        ),
        key(&OpenForm { part: 2, ..open() }, END),
    ];
    for (place, one) in keys.iter().enumerate() {
        assert!(one.is_some() && !keys[..place].contains(one), "{place}");
    }
    assert_eq!(key(&open(), END), key(&open(), END + 5));
}
