//! Every type of event, as the platform's documents print it.

use serde_json::{Value, json};

use super::support::{
    BOT, ROOM, ada, bot, converted, event, extra, incoming, made, message_of, presentation, room,
    sent,
};
use crate::connectors::symphony::convert::Echo;
use crate::connectors::symphony::ids::AttachmentId;
use crate::connectors::symphony::render::{RenderOptions, render};
use crate::model::content::Content;
use crate::model::event::{Addressing, ConversationKind, ConversationRole, Event, UserKind};
use crate::model::payload::{
    ContactChanged, ConversationChanged, EventPayload, MemberChange, MessageDeleted,
};

const MENTIONS: &str = r##"{"0":{"type":"com.symphony.user.mention","version":"1.0","id":[{"type":"com.symphony.user.userId","value":"344147139494999"}]},"1":{"type":"org.symphonyoss.fin.security","version":"1.0","id":[{"type":"org.symphonyoss.fin.security.id.ticker","value":"goog"}]},"2":{"type":"org.symphonyoss.taxonomy","version":"1.0","id":[{"type":"org.symphonyoss.taxonomy.hashtag","value":"urgent"}]}}"##;

fn buy() -> Value {
    let body = presentation(
        r##"<p><span class="entity" data-entity-id="0">@Trade Bot</span> /buy 1000 <span class="entity" data-entity-id="1">$goog</span> <span class="entity" data-entity-id="2">#urgent</span></p>"##,
    );
    let mut event = sent(&body, MENTIONS);
    let message = &mut event["payload"]["messageSent"]["message"];
    message["attachments"] = json!([{"id": "internal_9826885654549%2FkY3v", "name": "chart.png",
        "size": 20480, "images": [{"id": "internal_9826885654549%2FkY3w", "dimension": "600"}]}]);
    message["userAgent"] = json!("DESKTOP-48.0");
    message["originalFormat"] = json!("com.symphony.messageml.v2");
    event
}

#[test]
fn a_message_has_its_mentions_tags_and_files() {
    let event = made(&buy());
    assert_eq!(event.occurred_at, 1_700_000_000_000);
    assert_eq!(event.addressing, Addressing::Mention);
    assert_eq!(event.trace_id, "a1B2c3");
    assert_eq!(extra(&event.extras, "user-agent"), Some("DESKTOP-48.0"));
    let place = event.conversation.clone().unwrap();
    assert_eq!(
        (place.id.as_str(), place.kind),
        (ROOM, ConversationKind::Room)
    );
    assert_eq!(place.name.as_deref(), Some("Desk"));
    let actor = event.actor.clone().unwrap();
    assert_eq!(
        (actor.id.as_str(), actor.display_name.as_str(), actor.kind),
        ("344147139494862", "Ada Lovelace", UserKind::Human)
    );
    assert_eq!(actor.user_name.as_deref(), Some("ada"));
    let message = message_of(event);
    assert_eq!(message.id, "Fd4Pc8xO5Vg6hVfzabFe2X___oyM1eXobQ");
    assert_eq!(message.text, "/buy 1000 $goog #urgent");
    assert_eq!(message.mentions[0].user_id, BOT);
    assert_eq!(message.mentions[0].text, "Trade Bot");
    assert_eq!(message.cashtags[0].ticker, "goog");
    assert_eq!(
        message.cashtags[0].ids,
        [("ticker".to_owned(), "goog".to_owned())]
    );
    assert_eq!(message.hashtags, ["urgent"]);
    let file = &message.attachments[0];
    assert_eq!(
        (file.name.as_str(), file.media_type.as_str(), file.size),
        ("chart.png", "image/png", Some(20480))
    );
    let id = AttachmentId::parse(&file.id).unwrap();
    assert_eq!(id.stream, ROOM);
    assert_eq!(id.message, message.id);
    assert_eq!(id.file, "internal_9826885654549%2FkY3v");
    assert_eq!(id.to_string(), file.id);
}

#[test]
fn streams_are_conversations_of_their_kind() {
    for (kind, expected, addressing) in [
        ("IM", ConversationKind::Direct, Addressing::Direct),
        ("MIM", ConversationKind::Group, Addressing::Ambient),
        ("ROOM", ConversationKind::Room, Addressing::Ambient),
        ("POST", ConversationKind::Post, Addressing::Ambient),
        ("CHAT", ConversationKind::Other, Addressing::Ambient),
    ] {
        let mut event = sent(&presentation("hi"), "{}");
        event["payload"]["messageSent"]["message"]["stream"] =
            json!({"streamId": "im+1/x==", "streamType": kind, "external": true, "crossPod": true});
        let event = made(&event);
        let place = event.conversation.unwrap();
        assert_eq!(
            (place.kind, event.addressing),
            (expected, addressing),
            "{kind}"
        );
        assert_eq!(place.id, "im-1_x");
        assert!(place.external && place.cross_pod);
    }
}

#[test]
fn what_the_bot_did_is_dropped_and_its_messages_are_told_apart() {
    let mut own = sent(&presentation("done"), "{}");
    let author = json!({"userId": BOT.parse::<u64>().unwrap(), "displayName": "Trade Bot"});
    own["initiator"]["user"] = author.clone();
    let rendered = render(
        &Content::Plain("done".to_owned()),
        RenderOptions {
            mark: Some("b-1"),
            ..RenderOptions::default()
        },
    );
    own["payload"]["messageSent"]["message"]["data"] = json!(rendered.unwrap().data.unwrap());
    let found = converted(&own);
    assert!(found.incoming.is_empty());
    assert_eq!(
        found.echo,
        Some(Echo {
            conversation: ROOM.to_owned(),
            message: "Fd4Pc8xO5Vg6hVfzabFe2X___oyM1eXobQ".to_owned(),
            mark: Some("b-1".to_owned()),
        })
    );
    for kind in [
        "USERJOINEDROOM",
        "CONNECTIONACCEPTED",
        "ROOMCREATED",
        "SOMETHINGNEW",
    ] {
        let mut own = event(kind, json!({}));
        own["initiator"]["user"] = author.clone();
        let found = converted(&own);
        assert!(found.incoming.is_empty() && found.echo.is_none(), "{kind}");
    }
    // Without an initiator, the author counts.
    let mut own = sent(&presentation("done"), "{}");
    own["initiator"] = Value::Null;
    own["payload"]["messageSent"]["message"]["user"] = author;
    assert!(converted(&own).incoming.is_empty());
}

#[test]
fn an_edit_is_of_the_first_message_of_its_row() {
    let edit = |initial: Option<&str>| {
        let mut event = sent(&presentation("new words"), "{}");
        let message = &mut event["payload"]["messageSent"]["message"];
        message["messageId"] = json!("third");
        message["replacing"] = json!("second");
        message["initialMessageId"] = json!(initial);
        message["silent"] = json!(true);
        event
    };
    let event = made(&edit(Some("first")));
    assert_eq!(extra(&event.extras, "edit-message-id"), Some("third"));
    assert_eq!(extra(&event.extras, "replacing"), Some("second"));
    assert_eq!(extra(&event.extras, "silent"), Some("true"));
    assert!(matches!(event.payload, EventPayload::MessageEdited(_)));
    let message = message_of(event);
    assert_eq!(
        (message.id.as_str(), message.text.as_str()),
        ("first", "new words")
    );
    assert_eq!(message_of(made(&edit(None))).id, "second");
    // Two edits are two events, the same one again is none.
    let mut other = edit(Some("first"));
    other["payload"]["messageSent"]["message"]["messageId"] = json!("fourth");
    assert_ne!(incoming(&edit(Some("first"))).key, incoming(&other).key);
    assert_eq!(
        incoming(&edit(Some("first"))).key,
        incoming(&edit(Some("first"))).key
    );
}

#[test]
fn a_shared_post_cites_what_it_shares() {
    let event = event(
        "SHAREDPOST",
        json!({"sharedPost": {
        "message": {"messageId": "m2", "timestamp": 1_700_000_001_000_u64, "message": presentation("look"), "data": "{}", "attachments": [], "user": {"userId": 2, "displayName": "Sharer"}, "stream": {"streamId": "wallOfSharer", "streamType": "POST"}},
        "sharedMessage": {"messageId": "m1", "timestamp": 1_690_000_000_000_u64, "message": presentation("<p>original</p>"), "data": "{}", "user": {"userId": 3, "displayName": "Author"}, "stream": {"streamId": "wallOfAuthor", "streamType": "POST"}}}}),
    );
    let event = made(&event);
    assert_eq!(
        event.conversation.clone().unwrap().kind,
        ConversationKind::Post
    );
    let message = message_of(event);
    assert_eq!((message.id.as_str(), message.text.as_str()), ("m2", "look"));
    let quoted = message.quoted.unwrap();
    assert_eq!((quoted.id.as_str(), quoted.author.as_str()), ("m1", "3"));
    assert_eq!(
        (quoted.text.as_str(), quoted.at),
        ("original", 1_690_000_000_000)
    );
}

#[test]
fn an_answer_names_its_parent_and_a_forwarded_message_is_cited() {
    let mut event = sent(&presentation("see"), "{}");
    let message = &mut event["payload"]["messageSent"]["message"];
    message["parentMessageId"] = json!("par+nt==");
    message["sharedMessage"] =
        json!({"messageId": "m1", "message": presentation("words"), "user": ada()});
    message["disclaimer"] = json!("for the record");
    let event = made(&event);
    assert_eq!(extra(&event.extras, "disclaimer"), Some("for the record"));
    let message = message_of(event);
    assert_eq!(message.reply_to.as_deref(), Some("par-nt"));
    assert_eq!(message.quoted.unwrap().text, "words");
}

fn changed(kind: &str, payload: Value) -> (Event, ConversationChanged) {
    let event = made(&event(kind, payload));
    match event.payload.clone() {
        EventPayload::ConversationChanged(change) => (event, change),
        other => panic!("{kind}: {other:?}"),
    }
}

#[test]
fn rooms_are_made_changed_closed_and_opened() {
    let (event, change) = changed(
        "INSTANTMESSAGECREATED",
        json!({"instantMessageCreated": {"stream": {"streamId": "im1", "streamType": "IM", "members": [{"userId": 1}, {"userId": 2}], "external": false}}}),
    );
    assert_eq!(change, ConversationChanged::Created);
    assert_eq!(event.addressing, Addressing::Direct);
    let (event, change) = changed(
        "ROOMCREATED",
        json!({"roomCreated": {"stream": {"streamId": "r1", "streamType": "ROOM", "roomName": "Desk"},
        "roomProperties": {"name": "Desk", "description": "daily", "creatorUser": {"userId": 1}, "public": false, "membersCanInvite": true, "keywords": [{"key": "region", "value": "EMEA"}], "external": true}}}),
    );
    assert_eq!(change, ConversationChanged::Created);
    assert_eq!(event.actor.unwrap().role_here, ConversationRole::Owner);
    assert!(event.conversation.unwrap().external);
    assert_eq!(extra(&event.extras, "description"), Some("daily"));
    assert_eq!(extra(&event.extras, "public"), Some("false"));
    assert_eq!(extra(&event.extras, "members-can-invite"), Some("true"));
    assert_eq!(extra(&event.extras, "keywords"), Some("region=EMEA"));
    assert_eq!(extra(&event.extras, "creator"), Some("1"));
    let (event, change) = changed(
        "ROOMUPDATED",
        json!({"roomUpdated": {"stream": {"streamId": "r1", "streamType": "ROOM"}, "newRoomProperties": {"name": "Desk 2"}}}),
    );
    assert_eq!(change, ConversationChanged::Updated);
    assert_eq!(event.conversation.unwrap().name.as_deref(), Some("Desk 2"));
    let (event, change) = changed(
        "ROOMDEACTIVATED",
        json!({"roomDeactivated": {"stream": {"streamId": "r1"}}}),
    );
    assert_eq!(change, ConversationChanged::Closed);
    assert_eq!(event.conversation.unwrap().kind, ConversationKind::Room);
    let (_, change) = changed(
        "ROOMREACTIVATED",
        json!({"roomReactivated": {"stream": room()}}),
    );
    assert_eq!(change, ConversationChanged::Reopened);
}

#[test]
fn members_come_go_rise_and_fall() {
    let bob = json!({"userId": 4, "displayName": "Bob Ray"});
    for (kind, member, expected, role) in [
        (
            "USERJOINEDROOM",
            "userJoinedRoom",
            MemberChange::Joined,
            ConversationRole::Member,
        ),
        (
            "USERLEFTROOM",
            "userLeftRoom",
            MemberChange::Left,
            ConversationRole::Unknown,
        ),
        (
            "ROOMMEMBERPROMOTEDTOOWNER",
            "roomMemberPromotedToOwner",
            MemberChange::Promoted,
            ConversationRole::Owner,
        ),
        (
            "ROOMMEMBERDEMOTEDFROMOWNER",
            "roomMemberDemotedFromOwner",
            MemberChange::Demoted,
            ConversationRole::Member,
        ),
    ] {
        let event = made(&event(
            kind,
            json!({member: {"stream": room(), "affectedUser": bob}}),
        ));
        let EventPayload::MemberChanged(changed) = event.payload else {
            panic!("{kind}")
        };
        assert_eq!((changed.change, changed.is_self), (expected, false));
        assert_eq!(
            (changed.who.id.as_str(), changed.who.role_here),
            ("4", role)
        );
        assert_eq!(event.actor.unwrap().display_name, "Ada Lovelace");
    }
    let joined = event(
        "USERJOINEDROOM",
        json!({"userJoinedRoom": {"stream": room(), "affectedUser": {"userId": BOT}}}),
    );
    let EventPayload::MemberChanged(changed) = made(&joined).payload else {
        panic!("{joined}")
    };
    assert!(changed.is_self);
    let asked = event(
        "USERREQUESTEDTOJOINROOM",
        json!({"userRequestedToJoinRoom": {"stream": {"streamId": "r1", "members": []}, "affectedUsers": [{"userId": 68_719_476_759_u64, "displayName": "owner1"}]}}),
    );
    let asked = made(&asked);
    assert_eq!(extra(&asked.extras, "owners"), Some("68719476759"));
    assert_eq!(asked.conversation.unwrap().kind, ConversationKind::Room);
    let EventPayload::MemberChanged(changed) = asked.payload else {
        panic!("no change")
    };
    assert_eq!(changed.change, MemberChange::JoinRequested);
    assert_eq!(changed.who.display_name, "Ada Lovelace");
}

#[test]
fn contacts_ask_and_accept() {
    for (kind, member, user, expected) in [
        (
            "CONNECTIONREQUESTED",
            "connectionRequested",
            "toUser",
            ContactChanged::Requested,
        ),
        (
            "CONNECTIONACCEPTED",
            "connectionAccepted",
            "fromUser",
            ContactChanged::Accepted,
        ),
    ] {
        let event = made(&event(
            kind,
            json!({member: {user: {"userId": BOT, "displayName": "Trade Bot"}}}),
        ));
        assert_eq!(event.payload, EventPayload::ContactChanged(expected));
        assert_eq!(event.actor.unwrap().id, "344147139494862");
        assert_eq!(event.conversation, None);
    }
}

#[test]
fn a_suppressed_message_is_deleted() {
    let gone = event(
        "MESSAGESUPPRESSED",
        json!({"messageSuppressed": {"messageId": "QasBvaApRVqAIGPcqUTOAn///qRaa6hwdA==", "stream": {"streamId": "ksuDd0xGnAGW1B4plItFyn___qRfGLBsdA"}}}),
    );
    let event = made(&gone);
    assert_eq!(
        event.payload,
        EventPayload::MessageDeleted(MessageDeleted {
            message_id: "QasBvaApRVqAIGPcqUTOAn___qRaa6hwdA".to_owned()
        })
    );
    // By whichever feed it comes.
    let mut again = gone.clone();
    again["id"] = json!("zzzzzz");
    again["messageId"] = Value::Null;
    assert_eq!(incoming(&gone).key, incoming(&again).key);
}

#[test]
fn what_has_no_kind_is_other() {
    let generic = event(
        "GENERICSYSTEMEVENT",
        json!({"genericSystemEvent": {"stream": {"streamId": "r1", "external": true, "crossPod": true}, "eventTimestamp": 1_718_717_111_858_u64, "sourceSystem": "federation", "eventSubtype": "some.event", "parameters": {"any": "value"}}}),
    );
    let generic = made(&generic);
    assert_eq!(generic.occurred_at, 1_718_717_111_858);
    assert_eq!(extra(&generic.extras, "event-subtype"), Some("some.event"));
    assert_eq!(extra(&generic.extras, "source-system"), Some("federation"));
    assert!(generic.conversation.unwrap().cross_pod);
    let EventPayload::Other(other) = generic.payload else {
        panic!("no other")
    };
    assert_eq!(other.kind, "GENERICSYSTEMEVENT");
    assert!(other.json.contains(r#""any":"value""#), "{}", other.json);
    let EventPayload::Other(other) = made(&event(
        "ROOMPAINTED",
        json!({"roomPainted": {"colour": "red"}}),
    ))
    .payload
    else {
        panic!("no other")
    };
    assert_eq!(other.kind, "ROOMPAINTED");
    assert_eq!(other.json, r#"{"roomPainted":{"colour":"red"}}"#);
}

#[test]
fn one_gesture_is_as_many_events_as_it_has() {
    // Two members added at once: one id, two people.
    let added = |user: u64| {
        let payload =
            json!({"userJoinedRoom": {"stream": room(), "affectedUser": {"userId": user}}});
        event("USERJOINEDROOM", payload)
    };
    assert_ne!(incoming(&added(4)).key, incoming(&added(5)).key);
    // Two things that are nothing but unlike: no ids at all.
    let bare = |text: &str| json!({"type": "NEW", "payload": {"x": text}});
    assert_ne!(incoming(&bare("a")).key, incoming(&bare("b")).key);
    assert_eq!(incoming(&bare("a")).key, incoming(&bare("a")).key);
}

#[test]
fn an_event_that_comes_again_has_its_old_key() {
    let mut first = buy();
    let key = incoming(&first).key;
    let id = incoming(&first).event.id;
    assert_eq!(id, "desk:Fd4Pc8xO5Vg6hVfzabFe2X___oyM1eXobQ");
    // Queued again, by another feed, with the id as a form writes it.
    first["id"] = json!("other1");
    first["payload"]["messageSent"]["message"]["messageId"] =
        json!("Fd4Pc8xO5Vg6hVfzabFe2X///oyM1eXobQ==");
    assert_eq!(incoming(&first).key, key);
    assert_eq!(incoming(&first).event.id, id);
    // Another bot that sees it has an event of its own.
    let source = serde_json::value::RawValue::from_string(first.to_string()).unwrap();
    let read = crate::connectors::symphony::wire::event::V4Event::read(&source);
    let other = crate::model::event::Bot {
        name: "other".to_owned(),
        ..bot()
    };
    let found = crate::connectors::symphony::convert::event_from_wire(
        &"default".into(),
        &other,
        &read,
        Some(&source),
    );
    assert_ne!(found.incoming[0].key, key);
    assert_eq!(found.incoming[0].event.raw.as_deref(), Some(source.get()));
}

#[test]
fn a_service_account_is_a_bot_and_a_user_of_another_pod_is_not() {
    let of = |user: Value| {
        let mut event = sent(&presentation("hi"), "{}");
        event["initiator"]["user"] = user;
        made(&event).actor.unwrap()
    };
    assert_eq!(
        of(json!({"userId": 5, "displayName": "News", "username": "news.bot"})).kind,
        UserKind::Bot
    );
    assert_eq!(
        of(json!({"userId": 5, "displayName": "Eve", "firstName": "Eve", "lastName": "X"})).kind,
        UserKind::Human
    );
    assert_eq!(
        of(json!({"userId": 8_933_531_976_380_u64})).kind,
        UserKind::Human
    );
    let named = of(json!({"userId": "5", "firstName": "Eve", "lastName": "X", "userName": "eve"}));
    assert_eq!(
        (named.display_name.as_str(), named.user_name.as_deref()),
        ("Eve X", Some("eve"))
    );
}
