//! What webhooks become.

use serde_json::{Value, json};

use super::support::{BOT, CHAT, CUSTOMER, Heard, LICENCE, begun, hook, said};
use crate::connectors::livechat::ids::ChatId;
use crate::connectors::livechat::places::Part;
use crate::model::event::{
    Addressing, ConversationKind, ConversationRole, Event, Message, UserKind, Visibility,
};
use crate::model::payload::{ConversationChanged, EventPayload, MemberChange, PresenceStatus};

fn message(event: &Event) -> &Message {
    match &event.payload {
        EventPayload::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

fn extra<'e>(event: &'e Event, name: &str) -> Option<&'e str> {
    let found = event.extras.iter().find(|extra| extra.name == name)?;
    Some(&found.value)
}

fn change(event: &Event) -> &ConversationChanged {
    match &event.payload {
        EventPayload::ConversationChanged(change) => change,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_opens_a_chat_is_heard_in_its_order() {
    let heard = Heard::default();
    let events = heard.events(&begun());
    assert_eq!(change(&events[0]), &ConversationChanged::Created);
    assert!(matches!(&events[1].payload, EventPayload::Other(form) if form.kind == "filled_form"));
    let pizza = message(&events[2]);
    assert_eq!((pizza.text.as_str(), events.len()), ("pizza please", 3));
    let place = events[2].conversation.as_ref().unwrap();
    assert_eq!(place.id, format!("{CHAT}@{LICENCE}"));
    assert_eq!(place.kind, ConversationKind::CustomerChat);
    assert_eq!(place.name.as_deref(), Some("Ann"));
    assert_eq!(pizza.id, format!("RT5Y6U7I8O_2@{CHAT}@{LICENCE}"));
}

#[test]
fn a_customer_comes_with_page_country_and_what_was_filled_in() {
    let heard = Heard::default();
    heard.hook(&begun());
    // The webhook itself names an id and no more.
    let event = heard.event(&said("RT5Y6U7I8O_3", "where is it?"));
    let actor = event.actor.as_ref().unwrap();
    assert_eq!(actor.email.as_deref(), Some("ann@example.com"));
    assert_eq!(actor.time_zone.as_deref(), Some("Europe/Warsaw"));
    assert_eq!(
        (actor.kind, actor.role_here),
        (UserKind::Customer, ConversationRole::Customer)
    );
    for (name, value) in [
        ("page", "https://shop.example/pizza"),
        ("page-title", "Pizza"),
        ("country", "PL"),
        ("referrer", "https://search.example/"),
        ("user-agent", "Mozilla/5.0"),
        ("tags", "vip"),
        ("groups", "0"),
        ("thread", "RT5Y6U7I8O"),
    ] {
        assert_eq!(extra(&event, name), Some(value), "{name}");
    }
    let form: Value = serde_json::from_str(extra(&event, "pre-chat").unwrap()).unwrap();
    assert_eq!(form[0], json!({"label": "Name:", "answer": "Ann"}));
    assert_eq!(form[1], json!({"label": "Topic:", "answer": "Food"}));
    assert_eq!(event.occurred_at, 1_780_308_000_123);
}

#[test]
fn a_message_that_comes_by_both_webhooks_is_one() {
    let heard = Heard::default();
    let chat = heard.hook(&begun());
    let again = heard.hook(&said("RT5Y6U7I8O_2", "pizza please"));
    assert_eq!(chat[2].key, again[0].key);
    assert_ne!(chat[1].key, chat[2].key);
    // A webhook that is told again has its keys, whatever its registration is called.
    let mut told = begun();
    told["webhook_id"] = "another".into();
    let keys = |all: &[crate::mailbox::Incoming]| all.iter().map(|it| it.key).collect::<Vec<_>>();
    assert_eq!(keys(&heard.hook(&told)), keys(&chat));
}

#[test]
fn what_the_bot_did_itself_is_not_heard() {
    let heard = Heard::default();
    let mut own = said("RT5Y6U7I8O_9", "Pizza is on the way!");
    own["payload"]["event"]["author_id"] = BOT.into();
    own["payload"]["event"]["visibility"] = "agents".into();
    assert_eq!(heard.events(&own).len(), 0);
    let mut chat = begun();
    chat["payload"]["chat"]["thread"]["events"][0]["author_id"] = BOT.into();
    assert_eq!(heard.events(&chat).len(), 2);
}

#[test]
fn who_somebody_is_is_told_by_the_id_where_nothing_else_is_known() {
    let heard = Heard::default();
    for (id, kind) in [
        (CUSTOMER, UserKind::Customer),
        ("agent@example.com", UserKind::Agent),
        ("0123456789abcdef0123456789abcdef", UserKind::Bot),
        ("17", UserKind::Other),
    ] {
        let mut event = said("RT5Y6U7I8O_9", "x");
        event["payload"]["event"]["author_id"] = id.into();
        assert_eq!(heard.event(&event).actor.unwrap().kind, kind, "{id}");
    }
}

#[test]
fn a_mention_is_the_bot_s_name_behind_a_sign() {
    let heard = Heard::default();
    heard.hook(&begun());
    let event = heard.event(&said("RT_5", "@pizza bot /buy 5 $goog #now"));
    assert_eq!(event.addressing, Addressing::Mention);
    let it = message(&event);
    assert_eq!(it.text, "/buy 5 $goog #now");
    assert_eq!(it.cashtags[0].ticker, "goog");
    assert_eq!(it.hashtags, ["now"]);
    let event = heard.event(&said("RT_6", "@Bob have a look"));
    assert_eq!(message(&event).mentions[0].user_id, "agent@example.com");
    assert_eq!(event.addressing, Addressing::Ambient);
}

#[test]
fn a_button_that_is_pressed_says_which_it_was() {
    let heard = Heard::default();
    let press = |id: &str, postback: &str| {
        let mut event = said(id, "Yes");
        event["payload"]["event"]["postback"] =
            json!({"id": postback, "thread_id": "RT", "event_id": "RT_4", "type": "message"});
        heard.hook(&event).remove(0)
    };
    let first = press("RT_5", "press:yes");
    let EventPayload::ButtonPressed(pressed) = &first.event.payload else {
        panic!("{first:?}");
    };
    let message_id = format!("RT_4@{CHAT}@{LICENCE}");
    assert_eq!(pressed.button_id, "yes");
    assert_eq!(pressed.message_id, message_id);
    // Pressed twice is two events, told twice is one.
    assert_ne!(press("RT_6", "press:yes").key, first.key);
    assert_eq!(press("RT_5", "press:yes").key, first.key);
    // A reply button says its text, whatever is written on it.
    let reply = press("RT_7", "say:I want a pizza").event;
    assert_eq!(message(&reply).text, "I want a pizza");
    assert_eq!(message(&reply).reply_to, Some(message_id));
    // Another bot's button is what it says.
    assert_eq!(message(&press("RT_8", "action_yes").event).text, "Yes");
}

#[test]
fn a_postback_is_a_press_and_its_end_is_none() {
    let heard = Heard::default();
    let postback = |id: &str, toggled: bool| {
        hook(
            "incoming_rich_message_postback",
            json!({"user_id": CUSTOMER, "chat_id": CHAT, "thread_id": "RT", "event_id": "RT_4",
                "postback": {"id": id, "toggled": toggled}}),
        )
    };
    let event = heard.event(&postback("press:more", true));
    assert!(matches!(event.payload, EventPayload::ButtonPressed(_)));
    assert_eq!(heard.events(&postback("press:more", false)).len(), 0);
    assert_eq!(heard.events(&postback("say:hello", true)).len(), 0);
    let foreign = heard.event(&postback("action_yes", true));
    assert!(matches!(foreign.payload, EventPayload::Other(_)));
}

#[test]
fn who_comes_and_goes_is_told() {
    let heard = Heard::default();
    heard.hook(&begun());
    let chat = ChatId::new(CHAT, LICENCE);
    let user = json!({"id": BOT, "type": "agent", "name": "X", "present": true,
        "visibility": "agents"});
    let came = hook(
        "user_added_to_chat",
        json!({"chat_id": CHAT, "thread_id": "RT", "reason": "manual",
            "requester_id": "agent@example.com", "user": user}),
    );
    let event = heard.event(&came);
    let EventPayload::MemberChanged(change) = &event.payload else {
        panic!("{event:?}");
    };
    assert!(change.is_self && change.change == MemberChange::Joined);
    assert_eq!(event.actor.as_ref().unwrap().id, "agent@example.com");
    assert_eq!(extra(&event, "reason"), Some("manual"));
    assert_eq!(heard.places.of(&chat).bot, Some(Part::Agents));
    let went = hook(
        "user_removed_from_chat",
        json!({"chat_id": CHAT, "thread_id": "RT", "user_id": BOT, "reason": "manual"}),
    );
    let event = heard.event(&went);
    let is_left = |it: &EventPayload| matches!(it, EventPayload::MemberChanged(it) if it.change == MemberChange::Left);
    assert!(is_left(&event.payload), "{event:?}");
    assert_eq!(heard.places.of(&chat).bot, None);
}

#[test]
fn a_chat_closes_opens_again_and_is_handed_on() {
    let heard = Heard::default();
    heard.hook(&begun());
    let closed = json!({"chat_id": CHAT, "thread_id": "RT", "user_id": "a@b.c"});
    let closed = heard.event(&hook("chat_deactivated", closed));
    assert_eq!(change(&closed), &ConversationChanged::Closed);
    let mut again = begun();
    again["payload"]["chat"]["thread"]["id"] = "RT2".into();
    again["payload"]["chat"]["thread"]["previous_thread_id"] = "RT5Y6U7I8O".into();
    assert_eq!(
        change(&heard.events(&again)[0]),
        &ConversationChanged::Reopened
    );
    let handed = hook(
        "chat_transferred",
        json!({"chat_id": CHAT, "thread_id": "RT", "reason": "manual",
            "transferred_to": {"group_ids": [7], "agent_ids": []},
            "queue": {"position": 3, "wait_time": 9, "queued_at": "2026-06-01T10:00:00.000000Z"}}),
    );
    match change(&heard.event(&handed)) {
        ConversationChanged::Transferred(transfer) => {
            assert_eq!(transfer.to, "7");
            assert_eq!(transfer.why.as_deref(), Some("manual"));
            assert_eq!(transfer.queue_position, Some(3));
        }
        other => panic!("{other:?}"),
    }
    let mut came = begun();
    came["payload"]["transferred_from"] = json!({"group_ids": [1], "agent_ids": []});
    let came = heard.events(&came);
    assert!(matches!(
        change(&came[0]),
        ConversationChanged::Transferred(_)
    ));
}

#[test]
fn edits_and_deletions_name_their_message() {
    let heard = Heard::default();
    let mut edit = said("RT_3", "better");
    edit["action"] = "event_updated".into();
    let first = heard.hook(&edit).remove(0);
    let EventPayload::MessageEdited(edited) = &first.event.payload else {
        panic!("{first:?}");
    };
    assert_eq!(edited.message.text, "better");
    edit["payload"]["event"]["text"] = "best".into();
    assert_ne!(heard.hook(&edit)[0].key, first.key, "two edits are two");
    let gone = json!({"chat_id": CHAT, "thread_id": "RT", "event_id": "RT_3"});
    match heard.event(&hook("event_deleted", gone)).payload {
        EventPayload::MessageDeleted(gone) => {
            assert_eq!(gone.message_id, format!("RT_3@{CHAT}@{LICENCE}"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_an_attachment() {
    let heard = Heard::default();
    let mut event = said("RT_3", "");
    event["payload"]["event"] = json!({"id": "RT_3", "type": "file", "author_id": CUSTOMER,
        "created_at": "2026-06-01T10:00:00.123456Z", "visibility": "all",
        "url": "https://cdn.livechat-files.com/x/receipt.pdf?t=1", "size": 7});
    let file = message(&heard.event(&event)).attachments[0].clone();
    let is = (file.name.as_str(), file.media_type.as_str(), file.size);
    assert_eq!(is, ("receipt.pdf", "application/pdf", Some(7)));
    assert_eq!(file.id, format!("RT_3@{CHAT}@{LICENCE}"));
}

#[test]
fn a_status_is_read_with_spaces_and_with_underscores() {
    let heard = Heard::default();
    for (status, presence) in [
        ("accepting chats", PresenceStatus::Available),
        ("accepting_chats", PresenceStatus::Available),
        ("not accepting chats", PresenceStatus::Busy),
        ("not_accepting_chats", PresenceStatus::Busy),
        ("offline", PresenceStatus::Offline),
    ] {
        let set = hook(
            "routing_status_set",
            json!({"agent_id": "a@b.c", "status": status}),
        );
        let event = heard.event(&set);
        assert!(event.conversation.is_none());
        assert_eq!(event.payload, EventPayload::Presence(presence), "{status}");
    }
    let own = hook(
        "routing_status_set",
        json!({"agent_id": BOT, "status": "offline"}),
    );
    assert_eq!(heard.events(&own).len(), 0);
}

#[test]
fn messages_for_agents_are_marked() {
    let heard = Heard::default();
    for name in ["visibility", "recipients"] {
        let mut event = said("RT_3", "x");
        let inner = event["payload"]["event"].as_object_mut().unwrap();
        inner.remove("visibility");
        inner.insert(name.to_owned(), "agents".into());
        let event = heard.event(&event);
        assert_eq!(message(&event).visibility, Visibility::Agents, "{name}");
    }
}

#[test]
fn what_is_read_back_is_what_webhooks_would_have_told() {
    let heard = Heard::default();
    let mut told = heard.hook(&begun());
    let closed = json!({"chat_id": CHAT, "thread_id": "RT5Y6U7I8O"});
    told.extend(heard.hook(&hook("chat_deactivated", closed)));
    let mut chat = begun()["payload"]["chat"].clone();
    chat["thread"]["created_at"] = "2026-06-01T10:00:00.000000Z".into();
    chat["thread"]["active"] = false.into();
    // Ten o'clock.
    let since = 1_780_308_000_000;
    let keys =
        |all: &[crate::mailbox::Incoming]| -> Vec<_> { all.iter().map(|it| it.key).collect() };
    assert_eq!(keys(&heard.past(&chat, since)), keys(&told));
    // Who was there from the beginning misses its end alone.
    let rest = heard.past(&chat, since + 1_000);
    assert_eq!(keys(&rest), keys(&told[2..]));
    assert_eq!(heard.past(&chat, since + 60_000).len(), 0);
    chat["thread"]["active"] = true.into();
    assert_eq!(heard.past(&chat, since + 1_000).len(), 1);
}

#[test]
fn who_leaves_and_comes_again_has_come_again() {
    let heard = Heard::default();
    let user = json!({"id": "bob@example.com", "type": "agent", "name": "Bob", "present": true});
    let came = hook(
        "user_added_to_chat",
        json!({"chat_id": CHAT, "thread_id": "t", "user": user}),
    );
    let went = hook(
        "user_removed_from_chat",
        json!({"chat_id": CHAT, "thread_id": "t", "user_id": "bob@example.com"}),
    );
    let key = |told| heard.hook(told)[0].key;
    let keys = [key(&came), key(&went), key(&came), key(&went)];
    assert!(keys[0] != keys[2] && keys[1] != keys[3]);
    assert_eq!(key(&went), keys[3], "what is told again is the same");
}

#[test]
fn tags_and_threads_are_those_of_the_newest_whatever_the_order() {
    let heard = Heard::default();
    heard.hook(&begun());
    let known = || heard.places.of(&ChatId::new(CHAT, LICENCE));
    let tag = |thread: &str, tag: &str| {
        let payload = json!({"chat_id": CHAT, "thread_id": thread, "tag": tag});
        heard.hook(&hook("thread_tagged", payload));
    };
    tag("an older one", "old");
    assert_eq!(known().tags, ["vip"]);
    // What is said in a new thread comes before that it began.
    let mut next = said("RNEXT_1", "me again");
    next["payload"]["thread_id"] = "RNEXT".into();
    next["payload"]["event"]["created_at"] = "2026-06-01T12:00:00.000000Z".into();
    heard.hook(&next);
    assert_eq!(known().thread.as_deref(), Some("RNEXT"));
    assert!(known().tags.is_empty());
    // And what was said in the one before is told once more.
    heard.hook(&said("RT5Y6U7I8O_2", "pizza please"));
    assert_eq!(known().thread.as_deref(), Some("RNEXT"));
    let closed = json!({"chat_id": CHAT, "thread_id": "RT5Y6U7I8O"});
    heard
        .places
        .set_part(&ChatId::new(CHAT, LICENCE), Some(Part::All));
    heard.hook(&hook("chat_deactivated", closed));
    assert_eq!(known().bot, Some(Part::All));
}
