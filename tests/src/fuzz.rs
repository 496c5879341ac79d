//! What holds for any bytes at all: each function takes some and panics where a promise is broken.
//! The fuzz targets of `tests/fuzz` and the property tests call the same functions.

mod livechat;
mod lseg;
mod symphony;
mod webex;
mod webhook;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use parlor_host::config::Settings;
use parlor_host::content::dialog::{DialogContext, DialogSentences, Heard, MAX_TRIES, begin, hear};
use parlor_host::content::forms::FormSentences;
use parlor_host::content::{self, Limits, MAX_BLOCKS, MAX_TEXT_BYTES, check, terminal};
use parlor_host::model::content::{Block, Content, Form};
use parlor_host::model::description::{
    CommandSpec, Description, KeyWord, KeyWordMatch, MentionRule, MessageFilter, Subscriptions,
};
use parlor_host::model::event::{
    Addressing, Bot, Conversation, ConversationKind, Event, Message, User,
};
use parlor_host::model::payload::EventPayload;
use parlor_host::router::{Access, NoForms, PluginRoutes, Roles, Table};

pub use livechat::{hearing_livechat, livechat_webhook};
pub use lseg::lseg_frame;
pub use symphony::{symphony_event, symphony_messageml, symphony_presentation};
pub use webex::{webex_content, webex_event, webex_html};
pub use webhook::webhook;

/// Bytes that a rendering may have for each byte of its source: a narrow table fills its columns up.
const GROWTH: usize = 128;
/// Bytes that any rendering may have.
const GROWTH_BASE: usize = 64 * 1024;
/// Cells of tables that a source may make: rows are filled up to their header.
const CELLS: usize = 300_000;

/// A command's pattern in the first line, a message behind it.
pub fn command_grammar(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, said) = text.split_once('\n').unwrap_or((&text, ""));
    let description = description(pattern);
    if Table::check(&description).is_err() {
        return;
    }
    let plugin = PluginRoutes {
        plugin: "p".into(),
        description: Arc::new(description),
        config: BTreeMap::new(),
        access: Access::default(),
    };
    let (table, _) = Table::new(vec![plugin], &Roles::default());
    for addressing in [Addressing::Ambient, Addressing::Mention, Addressing::Direct] {
        let routing = table.route(&event(said, addressing), &NoForms);
        assert!(routing.routes.len() <= 1, "one delivery for one plugin");
        for route in &routing.routes {
            let view = serde_json::to_string(&route.view).expect("a view is data");
            // What a pattern captures is in the message, a few times at most.
            assert!(view.len() <= GROWTH_BASE + 16 * text.len());
        }
        if let Some(says) = &routing.host {
            let shown = content::text(says.content()).0;
            assert_harmless(&shown);
        }
    }
}

/// A message in Markdown.
pub fn markdown(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    read(&Content::Markdown(text.to_string()), text.len());
}

/// A message in MessageML.
pub fn message_ml(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    read(&Content::MessageMl(text.to_string()), text.len());
}

/// A message as Symphony sends it: its PresentationML, a zero byte, its entity data.
pub fn presentation(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (message, entities) = text.split_once('\0').unwrap_or((&text, ""));
    if let Ok(read) = content::read_presentation(message, entities, "1") {
        assert!(read.text.len() <= text.len() + GROWTH_BASE);
        let shown = content::text(&read.content).0;
        assert_harmless(&shown);
    }
}

/// A settings file.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // No name of the environment and no file's content gets into what is said.
    let parsed = Settings::parse(Path::new("parlor.toml"), &text, &|_| None);
    if let Err(problems) = parsed {
        assert!(!problems.is_empty() && problems.len() <= 50);
        for problem in problems {
            let said = problem.to_string();
            assert!(said.starts_with("parlor.toml"), "{said}");
            assert!(said.len() <= 4 * 1024 + text.len(), "{said}");
        }
    }
}

/// A form in MessageML, a zero byte, and what a person answers, line by line.
pub fn dialog(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (source, answers) = text.split_once('\0').unwrap_or((&text, ""));
    let Ok(blocks) = content::blocks(&Content::MessageMl(source.to_owned())) else {
        return;
    };
    if check(&blocks, &Limits::default()).is_err() {
        return;
    }
    for block in &blocks {
        if let Block::Form(form) = block {
            talk(form, answers);
        }
    }
}

fn talk(form: &Form, answers: &str) {
    let context = DialogContext {
        sentences: &DialogSentences::default(),
        checks: &FormSentences::default(),
        is_shared: true,
        user: &|name| name.starts_with('a').then(|| User::of_id(name)),
        conversation: &|name| name.starts_with('a').then(|| name.to_owned()),
        now: 1,
    };
    let (mut dialog, says) = begin(form, User::of_id("ada"), &context);
    assert_harmless(&content::text(&says).0);
    for answer in answers.lines() {
        match hear(form, &dialog, answer, &context) {
            Heard::Asked { dialog: next, says } => {
                assert!(next.tries <= MAX_TRIES);
                assert_harmless(&content::text(&says).0);
                dialog = next;
            }
            Heard::Submitted { values, .. } => {
                let fields: Vec<&str> = form.fields.iter().map(|f| f.id.as_str()).collect();
                assert!(values.iter().all(|v| fields.contains(&v.id.as_str())));
                return;
            }
            Heard::Cancelled(says) | Heard::GivenUp(says) => {
                assert_harmless(&content::text(&says).0);
                return;
            }
        }
    }
}

fn read(content: &Content, bytes: usize) {
    let blocks = match content::blocks(content) {
        Ok(blocks) => blocks,
        Err(error) => {
            assert!(error.to_string().len() <= 4 * 1024 + bytes, "{error}");
            return;
        }
    };
    assert!(bytes <= MAX_TEXT_BYTES && blocks.len() <= MAX_BLOCKS);
    let cells: usize = blocks.iter().map(cells).sum();
    assert!(cells <= CELLS + bytes, "{cells} cells");
    // The same source is always the same message.
    assert_eq!(content::blocks(content).as_ref(), Ok(&blocks));
    if check(&blocks, &Limits::default()).is_err() {
        return;
    }
    let most = GROWTH_BASE + GROWTH * bytes;
    let (shown, _) = content::text(&blocks);
    assert_harmless(&shown);
    assert!(shown.len() <= most, "{} of {bytes}", shown.len());
    for width in [20, 80] {
        let shown = terminal(&blocks, width, false);
        assert_harmless(&shown);
        assert!(shown.len() <= most, "{} of {bytes}", shown.len());
    }
}

fn cells(block: &Block) -> usize {
    match block {
        Block::Table(table) => table.header.len() + table.rows.iter().map(Vec::len).sum::<usize>(),
        _ => 0,
    }
}

/// Nothing that a terminal would obey, and nothing that turns the direction of text.
fn assert_harmless(shown: &str) {
    let bad = shown.chars().find(|sign| {
        (sign.is_control() && *sign != '\n')
            || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
    });
    assert_eq!(bad, None, "{shown:?}");
}

fn description(pattern: &str) -> Description {
    Description {
        name: "p".to_owned(),
        version: "1.0.0".to_owned(),
        state_version: 0,
        summary: String::new(),
        author: String::new(),
        licence: String::new(),
        homepage: None,
        subscriptions: Subscriptions {
            kinds: Vec::new(),
            platforms: Vec::new(),
            // The same text as a key word, in every way that one matches.
            messages: vec![MessageFilter {
                key_words: [
                    KeyWordMatch::Contains,
                    KeyWordMatch::Word,
                    KeyWordMatch::Equals,
                ]
                .map(|r#match| KeyWord {
                    r#match,
                    text: format!("k{}", pattern.chars().take(20).collect::<String>()),
                })
                .into(),
                has: Vec::new(),
                from_bots: false,
            }],
        },
        commands: vec![CommandSpec {
            name: "c".to_owned(),
            pattern: pattern.to_owned(),
            mention: MentionRule::Optional,
            help: String::new(),
            arguments: Vec::new(),
            hidden: false,
        }],
        config: Vec::new(),
        capabilities: Vec::new(),
        extras: Vec::new(),
    }
}

fn event(text: &str, addressing: Addressing) -> Event {
    Event {
        id: "e".to_owned(),
        sequence: 1,
        attempt: 1,
        occurred_at: 1,
        received_at: 1,
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
            thread: None,
        }),
        actor: Some(User::of_id("ada")),
        addressing,
        cause: None,
        depth: 0,
        trace_id: "t".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Message(Message::of_text("m", text)),
    }
}
