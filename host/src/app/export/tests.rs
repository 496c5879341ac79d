//! What was recorded, as a dialog without anybody in it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::{Exported, Recording, dialog, the_plugin};
use crate::app::dialogs::parse;
use crate::config::PluginSettings;
use crate::journal::{NewRequest, PastAction, PastDelivery, PastEvent, PastState};
use crate::model::HOST_PLUGIN;
use crate::model::action::{
    Action, ActionKind, Fallback, Membership, MessageRef, React, Request, Send, Target,
};
use crate::model::content::Content;
use crate::model::delivery::View;
use crate::model::event::{
    Addressing, Bot, Conversation, ConversationKind, Event, Mention, Message, User, UserKind,
    Visibility,
};
use crate::model::payload::{
    EventPayload, FieldValue, FormSubmitted, MessageEdited, Response, ResponseReceived,
    SubmittedField, TimerFired,
};

/// 2026-03-04T05:06:07Z.
const BEGAN: u64 = 1_772_600_767_000;

fn user(id: &str, name: &str) -> User {
    let mut names = name.split(' ').map(str::to_owned);
    User {
        display_name: name.to_owned(),
        user_name: Some(id.to_owned()),
        first_name: names.next(),
        last_name: names.next(),
        email: Some(format!("{id}@corp.example")),
        ..User::of_id(&format!("user-{id}-7781"))
    }
}

pub(super) fn mallory() -> User {
    user("mzhou", "Mallory Zhou")
}

fn peggy() -> User {
    user("pgibson", "Peggy Gibson")
}

fn room() -> Conversation {
    Conversation {
        name: Some("Falcon Deal".to_owned()),
        ..Conversation::of_kind("room-opaque-1", ConversationKind::Room)
    }
}

pub(super) fn message(text: &str) -> EventPayload {
    let id = format!("platform-message-{}", text.len());
    EventPayload::Message(Message::of_text(&id, text))
}

pub(super) fn event(number: u64, after_ms: u64, actor: User, payload: EventPayload) -> Event {
    Event {
        id: format!("platform-event-{number}"),
        sequence: number,
        attempt: 1,
        occurred_at: BEGAN + after_ms,
        received_at: BEGAN + after_ms,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: "symphony".to_owned(),
            user_id: "bot-990".to_owned(),
            display_name: "Deal Desk".to_owned(),
        }),
        conversation: Some(room()),
        actor: Some(actor),
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: "00ff00ff00ff00ff".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload,
    }
}

fn send(target: Target, text: &str) -> Action {
    Action {
        key: None,
        bot: None,
        as_user: None,
        kind: ActionKind::Send(Send {
            target,
            content: Content::Plain(text.to_owned()),
            attachments: Vec::new(),
            thread: None,
            visibility: Visibility::All,
            quiet: false,
            fallback: Fallback::Degrade,
        }),
    }
}

fn action(index: u32, what: &str, conversation: &str, action: Option<Action>) -> PastAction {
    PastAction {
        index,
        part: 0,
        what: what.to_owned(),
        bot: "desk".to_owned(),
        conversation: conversation.to_owned(),
        state: "sent".to_owned(),
        attempts: 1,
        message: None,
        detail: None,
        action: action.map(Arc::new),
    }
}

fn delivery(plugin: &str, actions: Vec<PastAction>) -> PastDelivery {
    PastDelivery {
        number: 1,
        plugin: plugin.into(),
        view: View::Whole,
        state: PastState::Done,
        attempt: 1,
        ended_at: None,
        took_us: None,
        reason: None,
        detail: None,
        put_back: None,
        actions,
    }
}

pub(super) fn past(event: Event, deliveries: Vec<PastDelivery>) -> PastEvent {
    PastEvent {
        number: event.sequence,
        tenant: "default".into(),
        stored_at: event.received_at,
        event: Arc::new(event),
        deliveries,
    }
}

fn answered(number: u64, after_ms: u64, actor: User, text: &str, answer: &str) -> PastEvent {
    let said = action(
        0,
        "send",
        "room-opaque-1",
        Some(send(Target::Reply, answer)),
    );
    past(
        event(number, after_ms, actor, message(text)),
        vec![delivery("deals", vec![said])],
    )
}

fn exported(events: Vec<PastEvent>, keep_text: bool) -> Exported {
    let recording = Recording {
        events,
        plugin: "deals".to_owned(),
        requests: HashMap::new(),
    };
    dialog(&recording, &PluginSettings::defaults("deals"), keep_text)
}

/// The lines without comments and what every dialog begins with. All of it is a dialog.
fn steps(exported: &Exported) -> Vec<&str> {
    let parsed = parse(Path::new("recorded.dialog"), &exported.text);
    assert!(parsed.is_ok(), "{:?}\n{}", parsed.err(), exported.text);
    let lines = exported.text.lines();
    let steps = lines.filter(|line| !line.starts_with('#') && !line.starts_with("clock "));
    steps.filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_talk_becomes_a_dialog_in_which_nobody_is_named() {
    let mut hello = answered(
        1,
        0,
        mallory(),
        "/price for Peggy, ask peggy or MALLORY ZHOU",
        "Hello Mallory Zhou, pgibson@corp.example has the price",
    );
    if let EventPayload::Message(message) = &mut Arc::make_mut(&mut hello.event).payload {
        message.mentions = vec![Mention {
            user_id: "user-pgibson-7781".to_owned(),
            text: "Peggy Gibson".to_owned(),
        }];
    }
    let edited = |it: EventPayload| match it {
        EventPayload::Message(message) => EventPayload::MessageEdited(MessageEdited { message }),
        other => other,
    };
    let mut direct = event(3, 95_000, peggy(), message("thanks\n\n    deep\nMallory"));
    direct.addressing = Addressing::Direct;
    let place = Conversation::of_kind("direct-opaque-9", ConversationKind::Direct);
    direct.conversation = Some(place);
    let told = vec![
        action(
            0,
            "send",
            "room-opaque-1",
            Some(send(Target::Reply, "any time, Peggy")),
        ),
        action(
            1,
            "send",
            "direct-opaque-8",
            Some(send(
                Target::User("user-mzhou-7781".to_owned()),
                "Peggy says thanks",
            )),
        ),
    ];
    let told = told.into_iter().enumerate().map(|(place, mut it)| {
        if place == 0 {
            it.conversation = "direct-opaque-9".to_owned();
        }
        it
    });
    let events = vec![
        hello,
        past(
            event(
                2,
                5_400,
                mallory(),
                edited(message("/price for Peggy, ask peggy or MALLORY ZHOU")),
            ),
            vec![delivery("deals", Vec::new()), delivery("other", Vec::new())],
        ),
        past(direct, vec![delivery("deals", told.collect())]),
        past(
            event(
                4,
                96_000,
                peggy(),
                message("nobody of the plugin hears this"),
            ),
            Vec::new(),
        ),
    ];
    let exported = exported(events, false);
    assert_eq!(
        steps(&exported),
        [
            "as ada",
            "room lobby",
            "say /price for grace, ask grace or ada",
            "expect Hello ada, grace@example.com has the price",
            "advance 6s",
            "edit /price for grace, ask grace or ada",
            "advance 89s",
            "as grace",
            "direct",
            "say thanks",
            "        deep",
            "    ada",
            "expect = any time, grace",
            "expect to ada grace says thanks",
        ],
        "{}",
        exported.text
    );
    assert!(
        exported.text.contains("clock 2026-03-04T05:06:07Z\n"),
        "{}",
        exported.text
    );
    assert_eq!((exported.steps, exported.left_out), (3, 0));
    let text = exported.text.to_lowercase();
    for planted in [
        "mallory",
        "zhou",
        "peggy",
        "gibson",
        "falcon",
        "opaque",
        "7781",
        "corp.example",
    ] {
        assert!(!text.contains(planted), "{planted}: {}", exported.text);
    }
}

#[test]
fn with_kept_text_only_who_acts_and_where_is_replaced() {
    let events = vec![answered(1, 0, mallory(), "I am Mallory", "Hello Mallory")];
    let exported = exported(events, true);
    let wanted = [
        "as ada",
        "room lobby",
        "say I am Mallory",
        "expect Hello Mallory",
    ];
    assert_eq!(steps(&exported), wanted);
}

#[test]
fn forms_timers_and_the_hosts_own_answers_are_in_it() {
    let mut submitted = event(
        2,
        1_000,
        mallory(),
        EventPayload::FormSubmitted(FormSubmitted {
            form_id: "order".to_owned(),
            message_id: "platform-message-9".to_owned(),
            values: vec![
                SubmittedField {
                    id: "who".to_owned(),
                    value: FieldValue::Users(vec![peggy()]),
                },
                SubmittedField {
                    id: "why".to_owned(),
                    value: FieldValue::Text("Mallory wants it".to_owned()),
                },
            ],
            button: "go".to_owned(),
        }),
    );
    submitted.addressing = Addressing::Direct;
    let timer = EventPayload::TimerFired(TimerFired {
        name: "remind".to_owned(),
        payload: String::new(),
        due_at: BEGAN + 61_500,
    });
    let said = |text: &str| {
        vec![action(
            0,
            "send",
            "room-opaque-1",
            Some(send(Target::Reply, text)),
        )]
    };
    let events = vec![
        past(
            event(1, 0, mallory(), message("/help")),
            vec![delivery(HOST_PLUGIN, said("You can say:"))],
        ),
        past(submitted, vec![delivery("deals", said("noted"))]),
        past(
            event(3, 61_500, mallory(), timer),
            vec![delivery("deals", said("tea"))],
        ),
    ];
    let wanted = [
        "as ada",
        "room lobby",
        "say /help",
        "expect You can say:",
        "advance 1s",
        "submit order go",
        "    who=grace",
        "    why=ada wants it",
        "expect noted",
        "advance 61s",
        "expect tea",
    ];
    assert_eq!(steps(&exported(events, false)), wanted);
}

#[test]
fn an_answer_of_another_server_stands_before_what_asks_for_it() {
    let asked = event(1, 0, mallory(), message("/joke"));
    let mut answer = event(
        2,
        350,
        mallory(),
        EventPayload::ResponseReceived(ResponseReceived {
            key: "joke".to_owned(),
            outcome: Ok(Response {
                status: 200,
                headers: Vec::new(),
                body: br#"{"setup": "Why, Mallory?"}"#.to_vec(),
            }),
        }),
    );
    answer.cause = Some("platform-event-1".to_owned());
    let request = NewRequest {
        key: "joke".to_owned(),
        index: 0,
        request: Request {
            method: "GET".to_owned(),
            url: "https://jokes.example/random".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: 1_000,
            idempotency_header: None,
        },
    };
    let said = action(
        0,
        "send",
        "room-opaque-1",
        Some(send(Target::Reply, "Why, Mallory?")),
    );
    let recording = Recording {
        events: vec![
            past(
                asked,
                vec![delivery("deals", vec![action(0, "request", "", None)])],
            ),
            past(answer, vec![delivery("deals", vec![said])]),
        ],
        plugin: "deals".to_owned(),
        requests: [(("platform-event-1".to_owned(), "joke".to_owned()), request)].into(),
    };
    let exported = dialog(&recording, &PluginSettings::defaults("deals"), false);
    let wanted = [
        "http GET https://jokes.example/random -> 200",
        "    {\"setup\": \"Why, ada?\"}",
        "as ada",
        "room lobby",
        "say /joke",
        "expect Why, ada?",
    ];
    assert_eq!(steps(&exported), wanted);
}

#[test]
fn a_dialog_is_of_one_plugin() {
    let got = |plugins: &[&str]| {
        let deliveries = plugins.iter().map(|plugin| delivery(plugin, Vec::new()));
        vec![past(
            event(1, 0, mallory(), message("x")),
            deliveries.collect(),
        )]
    };
    assert_eq!(
        the_plugin(&got(&["deals", HOST_PLUGIN]), None).unwrap(),
        "deals"
    );
    let of_two = the_plugin(&got(&["deals", "joke"]), None).unwrap_err();
    assert!(
        of_two
            .to_string()
            .contains("deals, joke; name one with --plugin"),
        "{of_two}"
    );
    let named = the_plugin(&got(&["deals", "joke"]), Some("joke".to_owned()));
    assert_eq!(named.unwrap(), "joke");
    assert!(the_plugin(&got(&[]), None).is_err());
    assert!(the_plugin(&got(&["deals"]), Some("joke".to_owned())).is_err());
}

#[test]
fn nobody_gets_the_name_of_somebody_who_is_there() {
    let events = vec![
        answered(1, 0, user("ada.king", "Ada King"), "hello Ada", "hello"),
        answered(2, 0, user("x.grace", "Grace X"), "hello", "hello Grace"),
    ];
    let exported = exported(events, false);
    let wanted = [
        "as alan",
        "room lobby",
        "say hello alan",
        "expect hello",
        "as barbara",
        "say hello",
        "expect hello barbara",
    ];
    assert_eq!(steps(&exported), wanted);
}

#[test]
fn a_customer_is_a_customer_and_what_has_no_step_is_left_out() {
    let mut asked = event(1, 0, user("carl", "Carl Custo"), message("pizza?"));
    if let Some(actor) = &mut asked.actor {
        actor.kind = UserKind::Customer;
    }
    let place = Conversation::of_kind("chat-opaque-4", ConversationKind::CustomerChat);
    asked.conversation = Some(place);
    let mut agents = send(Target::Reply, "Pizza is on the way!");
    if let ActionKind::Send(send) = &mut agents.kind {
        send.visibility = Visibility::Agents;
    }
    let plain = |kind: ActionKind| Action {
        kind,
        ..agents.clone()
    };
    let actions = vec![
        action(
            0,
            "join",
            "chat-opaque-4",
            Some(plain(ActionKind::Join(None))),
        ),
        action(1, "send", "chat-opaque-4", Some(agents.clone())),
        action(
            2,
            "leave",
            "chat-opaque-4",
            Some(plain(ActionKind::Leave(None))),
        ),
    ];
    let typing = event(2, 0, mallory(), EventPayload::Typing(true));
    let events = vec![
        past(asked, vec![delivery("deals", actions)]),
        past(typing, vec![delivery("deals", Vec::new())]),
    ];
    let exported = exported(events, false);
    let wanted = [
        "as ada",
        "chat ada",
        "say pizza?",
        "expect joined",
        "expect agents Pizza is on the way!",
        "expect left",
    ];
    assert_eq!(steps(&exported), wanted);
    assert!(
        exported.text.contains("# left out: typing"),
        "{}",
        exported.text
    );
    assert_eq!(exported.left_out, 1);
}

#[test]
fn what_has_no_word_of_its_own_is_expected_by_its_name() {
    let plain = |kind: ActionKind| Action {
        kind,
        ..send(Target::Reply, "")
    };
    let invite = ActionKind::Invite(Membership {
        conversation: None,
        user: "user-pgibson-7781".to_owned(),
    });
    let react = ActionKind::React(React {
        message: MessageRef::Id("platform-message-1".to_owned()),
        emoji: "eyes".to_owned(),
        add: true,
    });
    let mut stays = action(
        2,
        "leave",
        "room-opaque-1",
        Some(plain(ActionKind::Leave(None))),
    );
    stays.detail = Some("was already in".to_owned());
    let actions = vec![
        action(0, "react", "room-opaque-1", Some(plain(react))),
        action(1, "invite", "room-opaque-1", Some(plain(invite))),
        // The bot is in every room of a dialog, so these do nothing there.
        action(
            2,
            "join",
            "room-opaque-1",
            Some(plain(ActionKind::Join(None))),
        ),
        stays,
    ];
    let events = vec![
        past(event(1, 0, peggy(), message("hi")), Vec::new()),
        past(
            event(2, 0, mallory(), message("get Peggy")),
            vec![delivery("deals", actions)],
        ),
    ];
    let wanted = [
        "as grace",
        "room lobby",
        "say get ada",
        "expect action react :eyes:",
        "expect action invite ada",
    ];
    assert_eq!(steps(&exported(events, false)), wanted);
}
