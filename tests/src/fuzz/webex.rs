//! What holds for whatever Webex sends, and for whatever is sent there.

use http::HeaderMap;
use parlor_host::connectors::webex::convert::action::payload_of;
use parlor_host::connectors::webex::convert::{Known, event_of_notice, is_own};
use parlor_host::connectors::webex::html::{read_html, without_name};
use parlor_host::connectors::webex::render::{MAX_TEXT_BYTES, check_card, render};
use parlor_host::connectors::webex::signature::{Signed, check};
use parlor_host::connectors::webex::socket::activity::{Frame, notices_of};
use parlor_host::connectors::webex::split::split;
use parlor_host::connectors::webex::wire::{AttachmentAction, Message, Notice};
use parlor_host::model::Name;
use parlor_host::model::action::{Fallback, Send, Target};
use parlor_host::model::content::{Block, Content};
use parlor_host::model::event::{Bot, Visibility};

/// The body of a webhook; a frame of the socket; a message or a press that was asked for.
pub fn webex_event(data: &[u8]) {
    if let Ok(notice) = serde_json::from_slice::<Notice>(data) {
        same_whenever_it_comes(&notice, Known::default());
    }
    if let Ok(frame) = serde_json::from_slice(data) {
        for notice in notices_of(&Frame(frame)) {
            same_whenever_it_comes(&notice, Known::default());
        }
    }
    if let Ok(message) = serde_json::from_slice::<Message>(data) {
        let notice = Notice {
            resource: "messages".to_owned(),
            event: "created".to_owned(),
            ..Notice::default()
        };
        let known = Known {
            message: Some(message),
            own_names: vec!["Trade Bot".to_owned()],
            ..Known::default()
        };
        same_whenever_it_comes(&notice, known);
    }
    if let Ok(action) = serde_json::from_slice::<AttachmentAction>(data) {
        let (payload, _) = payload_of(&action);
        let notice = Notice {
            resource: "attachmentActions".to_owned(),
            event: "created".to_owned(),
            ..Notice::default()
        };
        let known = Known {
            payload: Some(payload),
            ..Known::default()
        };
        same_whenever_it_comes(&notice, known);
    }
    // Nobody guesses a signature.
    let mut headers = HeaderMap::new();
    let shown: String = String::from_utf8_lossy(data).chars().take(64).collect();
    if let Ok(value) = shown.parse() {
        headers.insert("x-spark-signature", value);
    }
    assert_ne!(
        check("a secret of ours", true, &headers, data),
        Signed::Rightly
    );
}

fn same_whenever_it_comes(notice: &Notice, known: Known) {
    let bot = bot();
    let convert = || event_of_notice(&Name::from("default"), &bot, notice, known.clone());
    let (one, other) = (convert(), convert());
    assert_eq!(one.key, other.key);
    assert_eq!(one.event, other.event);
    let _ = is_own(&bot, notice);
}

/// The HTML of a message, or its text.
pub fn webex_html(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let read = read_html(&text, "1");
    assert!(read.text.len() <= text.len() * 8 + 64);
    let rest = without_name(&text, &["Trade Bot", "Trader"]);
    assert!(text.ends_with(rest));
}

/// A message's source as text, Markdown and MessageML, or its blocks as JSON.
pub fn webex_content(data: &[u8]) {
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
        let is_plain = matches!(content, Content::Plain(_));
        let send = Send {
            target: Target::Reply,
            content,
            attachments: Vec::new(),
            thread: None,
            visibility: Visibility::All,
            quiet: false,
            fallback: Fallback::Degrade,
        };
        for part in split(send) {
            let Ok(rendered) = render(&part.content) else {
                continue;
            };
            assert!(rendered.markdown.len() <= MAX_TEXT_BYTES);
            // What somebody wrote mentions nobody.
            assert!(!is_plain || !rendered.markdown.contains('<'));
            if let Some(card) = &rendered.card {
                assert_eq!(check_card(card), Ok(()));
            }
        }
    }
}

fn bot() -> Bot {
    Bot {
        name: "desk".to_owned(),
        platform: "webex".to_owned(),
        user_id: "1".to_owned(),
        display_name: "Trade Bot".to_owned(),
    }
}
