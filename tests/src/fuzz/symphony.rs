//! What holds for whatever Symphony sends, and for whatever is sent there.

use parlor_host::connectors::symphony::convert::{event_from_wire, mark_of};
use parlor_host::connectors::symphony::render::{MAX_MESSAGE_BYTES, RenderOptions, render};
use parlor_host::connectors::symphony::split::split;
use parlor_host::connectors::symphony::wire::event::FeedBatch;
use parlor_host::content::read_received;
use parlor_host::journal::EventKey;
use parlor_host::model::Name;
use parlor_host::model::action::{Fallback, Send, Target};
use parlor_host::model::content::{Block, Content};
use parlor_host::model::event::{Bot, Visibility};

/// What a read of a feed answers: a batch of events, or one event.
pub fn symphony_event(data: &[u8]) {
    let wrapped = [b"[" as &[u8], data, b"]"].concat();
    for body in [data, &wrapped] {
        let Ok(batch) = FeedBatch::read(body) else {
            continue;
        };
        for received in &batch.events {
            let convert = || {
                event_from_wire(
                    &Name::from("default"),
                    &bot(),
                    &received.event,
                    Some(&received.source),
                )
            };
            let found = convert();
            // An event is one event or the bot's own, and is the same whenever it comes.
            assert!(found.incoming.len() <= 1);
            let keys = |found: &[parlor_host::mailbox::Incoming]| -> Vec<EventKey> {
                found.iter().map(|incoming| incoming.key).collect()
            };
            assert_eq!(keys(&found.incoming), keys(&convert().incoming));
            for incoming in &found.incoming {
                let event = &incoming.event;
                assert!(event.id.len() <= 512 && !event.id.chars().any(char::is_control));
                assert!(event.extras.len() <= 32);
                assert_eq!(event.raw.as_deref(), Some(received.source.get()));
            }
        }
    }
}

/// A message as Symphony sends it: its PresentationML, a zero byte, its entity data. Nothing of it is
/// refused.
pub fn symphony_presentation(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (message, entities) = text.split_once('\0').unwrap_or((&text, ""));
    let read = read_received(message, entities, "1");
    super::assert_harmless(&parlor_host::content::text(&read.presentation.content).0);
    let problem = read.problem.unwrap_or_default();
    assert!(problem.len() <= 4 * 1024 + text.len(), "{problem}");
    let _ = mark_of(entities);
}

/// A message's source as text, Markdown and MessageML, or its blocks as JSON.
pub fn symphony_messageml(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let mut contents = vec![
        Content::Plain(text.clone()),
        Content::Markdown(text.clone()),
        Content::MessageMl(text),
    ];
    if let Ok(blocks) = serde_json::from_slice::<Vec<Block>>(data) {
        contents.push(Content::Blocks(blocks));
    }
    for content in contents {
        let send = Send {
            target: Target::Reply,
            content,
            attachments: Vec::new(),
            thread: None,
            visibility: Visibility::All,
            quiet: false,
            fallback: Fallback::Degrade,
        };
        let options = RenderOptions {
            attachments: 0,
            mark: Some("b-1"),
        };
        for part in split(send) {
            let Ok(rendered) = render(&part.content, options) else {
                continue;
            };
            assert_taken(&rendered.message);
            assert!(rendered.message.len() <= MAX_MESSAGE_BYTES);
            let data = rendered.data.unwrap_or_default();
            assert_eq!(mark_of(&data).as_deref(), Some("b-1"));
        }
    }
}

/// Well-formed by a strict reader, and nothing in it that the agent would run.
fn assert_taken(message: &str) {
    let read = roxmltree::Document::parse(message);
    assert!(read.is_ok(), "{read:?}: {message}");
    for template in ["<#", "<@", "${", "#{", "<!", "<?"] {
        assert!(!message.contains(template), "{message}");
    }
}

fn bot() -> Bot {
    Bot {
        name: "desk".to_owned(),
        platform: "symphony".to_owned(),
        user_id: "1".to_owned(),
        display_name: "Desk".to_owned(),
    }
}
