//! The samples that the platform's own Go client has, of API 3.2: each becomes what it says.

use std::path::PathBuf;

use parlor_host::connectors::livechat::convert::events_from_hook;
use parlor_host::connectors::livechat::wire::Envelope;
use parlor_host::model::event::Event;
use parlor_host::model::payload::EventPayload;
use parlor_tests::fuzz::hearing_livechat;
use parlor_tests::guests::workspace;
use parlor_tests::sim::left_out;

const LICENCE: &str = "21377312";
const OWN: &str = "0123456789abcdef0123456789abcdef";

/// What each sample is.
const SAMPLES: [(&str, &[&str]); 22] = [
    ("access_granted", &["other access_granted"]),
    ("access_revoked", &["other access_revoked"]),
    ("access_set", &["other access_set"]),
    ("agent_deleted", &["other agent_deleted"]),
    ("chat_deactivated", &["closed by agent.one@example.com"]),
    (
        "chat_properties_deleted",
        &["other chat_properties_deleted"],
    ),
    (
        "chat_properties_updated",
        &["other chat_properties_updated"],
    ),
    (
        "chat_user_added",
        &["Joined 345f8235-d60d-433e-63c5-7f813a6ffe25"],
    ),
    ("chat_user_removed", &["Left agent@example.com"]),
    ("customer_created", &["other customer_created"]),
    (
        "event_properties_deleted",
        &["other event_properties_deleted"],
    ),
    (
        "event_properties_updated",
        &["other event_properties_updated"],
    ),
    ("event_updated", &["edited PZ070E0W1B_3: 14"]),
    ("events_marked_as_seen", &["other events_marked_as_seen"]),
    (
        "incoming_chat",
        &[
            "reopened",
            "other filled_form",
            "message PZ070E0W1B_2: Hello. How may I help you?",
        ],
    ),
    ("incoming_event", &["message PZ070E0W1B_3: 14"]),
    (
        "incoming_rich_message_postback",
        &["other incoming_rich_message_postback"],
    ),
    ("routing_status_set", &["Available"]),
    (
        "thread_properties_deleted",
        &["other thread_properties_deleted"],
    ),
    (
        "thread_properties_updated",
        &["other thread_properties_updated"],
    ),
    ("thread_tagged", &["other thread_tagged"]),
    ("thread_untagged", &["other thread_untagged"]),
];

fn folder() -> PathBuf {
    let root = workspace();
    let beside = root
        .parent()
        .map(|parent| parent.join("shared/specs/livechat/webhook-samples-v3.2"));
    beside.unwrap_or(root)
}

fn events(body: &[u8]) -> Vec<Event> {
    let envelope = Envelope::read(body).expect("a webhook");
    assert_eq!(envelope.secret, "dummy_key");
    assert_eq!(envelope.licences, [LICENCE]);
    let made = hearing_livechat(LICENCE, OWN, &envelope, |around| {
        events_from_hook(around, &envelope)
    });
    made.into_iter().map(|incoming| incoming.event).collect()
}

fn said_of(event: &Event) -> String {
    use parlor_host::model::payload::ConversationChanged;

    let place = |id: &str| id.split('@').next().unwrap_or_default().to_owned();
    match &event.payload {
        EventPayload::Message(it) => format!("message {}: {}", place(&it.id), it.text),
        EventPayload::MessageEdited(it) => {
            format!("edited {}: {}", place(&it.message.id), it.message.text)
        }
        EventPayload::MemberChanged(it) => format!("{:?} {}", it.change, it.who.id),
        EventPayload::ConversationChanged(ConversationChanged::Reopened) => "reopened".to_owned(),
        EventPayload::ConversationChanged(ConversationChanged::Closed) => {
            let by = event.actor.as_ref().map(|actor| actor.id.as_str());
            format!("closed by {}", by.unwrap_or_default())
        }
        EventPayload::Presence(status) => format!("{status:?}"),
        EventPayload::Other(it) => format!("other {}", it.kind),
        other => format!("{other:?}"),
    }
}

#[test]
fn each_sample_of_the_platform_s_own_client_is_read() {
    let folder = folder();
    if !folder.is_dir() {
        left_out(&format!(
            "no samples are read: {} is not there",
            folder.display()
        ));
        return;
    }
    let files = std::fs::read_dir(&folder).expect("a folder");
    let mut found: Vec<String> = files
        .filter_map(|file| {
            let path = file.expect("a file").path();
            let is_sample = path.extension().is_some_and(|end| end == "json");
            let name = path.file_stem()?.to_str()?.to_owned();
            is_sample.then_some(name)
        })
        .collect();
    found.sort();
    let known: Vec<&str> = SAMPLES.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, known, "every sample has a line here");
    for (name, wanted) in SAMPLES {
        let body = std::fs::read(folder.join(format!("{name}.json"))).expect("a sample");
        let events = events(&body);
        let said: Vec<String> = events.iter().map(said_of).collect();
        assert_eq!(said, wanted, "{name}");
        if name == "incoming_chat" {
            let extras = |name: &str| {
                let mut all = events[2].extras.iter();
                let found = all.find(|extra| extra.name == name);
                found.map(|extra| extra.value.clone()).unwrap_or_default()
            };
            assert_eq!(extras("country"), "PL");
            assert_eq!(extras("page-title"), "LiveChat");
            assert!(
                extras("pre-chat").contains("rewrew"),
                "{}",
                extras("pre-chat")
            );
            let place = events[2].conversation.as_ref().expect("a chat");
            assert_eq!(place.id, format!("PS0X0L086G@{LICENCE}"));
            assert_eq!(place.name.as_deref(), Some("test"));
        }
    }
}
