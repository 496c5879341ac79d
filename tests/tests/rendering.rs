//! Every block, span and kind of field in plain text, in the terminal and on the page: one snapshot each.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Result;
use parlor_host::connectors::lseg::render as messenger;
use parlor_host::connectors::symphony::render::{RenderOptions, render};
use parlor_host::connectors::webex::render as webex;
use parlor_host::content::{self, terminal, terminal_notes, text};
use parlor_host::mailbox::rooms::{Command, Say};
use parlor_host::model::action::File;
use parlor_host::model::content::{Block, Content};
use parlor_host::web::PageServer;
use parlor_tests::browser::Browser;
use parlor_tests::harness::TestHost;
use parlor_tests::openapi::check_by_schema;
use parlor_tests::scale::is_ci;
use parlor_tests::sim::left_out;
use parlor_tests::sim::webex::folder;
use parlor_tests::{contract, guests, kinds};
use serde_json::json;

/// Every example with its name in the contract.
fn examples() -> Vec<(String, Vec<Block>)> {
    let spans = kinds::spans().into_iter();
    let spans = spans.map(|(name, spans)| (format!("span_{name}"), vec![Block::Paragraph(spans)]));
    let blocks = kinds::blocks().into_iter();
    let blocks = blocks.map(|(name, blocks)| (format!("block_{name}"), blocks));
    let fields = kinds::fields().into_iter();
    let fields = fields.map(|(name, form)| (format!("field_{name}"), vec![Block::Form(form)]));
    let all = spans.chain(blocks).chain(fields);
    all.map(|(name, blocks)| (name.replace('-', "_"), blocks))
        .collect()
}

#[test]
fn there_is_an_example_of_every_kind() {
    let wanted = contract::wanted(&guests::workspace().join("wit")).expect("wit/ can be read");
    let is_kind = |name: &String| {
        let (prefix, _) = name.split_once('_').unwrap_or_default();
        matches!(prefix, "block" | "span" | "field")
    };
    let mut wanted: Vec<String> = wanted.into_iter().filter(is_kind).collect();
    let mut found: Vec<String> = examples().into_iter().map(|(name, _)| name).collect();
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
}

#[test]
fn every_kind_in_plain_text() {
    let mut shown = String::new();
    for (name, blocks) in examples() {
        let (text, notes) = text(&blocks);
        shown.push_str(&format!("== {name} {notes:?}\n{text}\n\n"));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn every_kind_in_the_terminal() {
    let mut shown = String::new();
    for (name, blocks) in examples() {
        let notes = terminal_notes(&blocks);
        let styled = terminal(&blocks, 60, true);
        let styled = styled.replace("\u{1b}[0m", "›").replace("\u{1b}[", "‹");
        shown.push_str(&format!("== {name} {notes:?}\n{styled}\n\n"));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn every_kind_on_symphony() {
    let mut shown = String::new();
    for (name, blocks) in examples() {
        let options = RenderOptions {
            attachments: 1,
            mark: None,
        };
        let rendered = render(&Content::Blocks(blocks), options).expect("every kind is shown");
        let message = &rendered.message;
        // What another bot of ours would read is what the agent takes.
        content::blocks(&Content::MessageMl(message.clone())).expect("it is MessageML");
        let notes = &rendered.notes;
        shown.push_str(&format!("== {name} {notes:?}\n{message}\n\n"));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn every_kind_on_webex() {
    let mut shown = String::new();
    let mut cards = Vec::new();
    for (name, blocks) in examples() {
        let rendered = webex::render(&Content::Blocks(blocks)).expect("every kind is shown");
        let notes = &rendered.notes;
        shown.push_str(&format!("== {name} {notes:?}\n{}\n", rendered.markdown));
        if let Some(card) = rendered.card {
            let text = serde_json::to_string_pretty(&card).expect("it is JSON");
            shown.push_str(&format!("-- card\n{text}\n"));
            cards.push((name, card));
        }
        shown.push('\n');
    }
    insta::assert_snapshot!(shown);
    // And each card is one by the official schema.
    let file = folder().join("adaptive-card-1.3.0.schema.json");
    let Ok(schema) = std::fs::read(&file) else {
        return left_out(&format!(
            "no card is checked against its schema: {} is not there",
            file.display()
        ));
    };
    let schema = serde_json::from_slice(&schema).expect("the schema is JSON");
    // What the schema refuses is refused here, before Webex does.
    for wrong in [
        json!({"type": "TextBlock"}),
        json!({"type": "TextBlock", "text": 5}),
        json!({"type": "TextBlock", "text": "x", "wrap": "true"}),
        json!({"type": "TextBlock", "text": "x", "bold": true}),
        json!({"type": "Container"}),
        json!({"type": "Container", "items": {}}),
        json!({"type": "Container", "items": [{"text": "x"}]}),
        json!({"type": "ColumnSet", "columns": [{"type": "TextBlock", "text": "x"}]}),
        json!({"type": "FactSet", "facts": [{"title": "a"}]}),
        json!({"type": "ActionSet", "actions": [{"type": "Action.OpenUrl"}]}),
        json!({"type": "ActionSet", "actions": [{"type": "Action.Submit", "data": 1}]}),
        json!({"type": "ImageSet", "images": [{}]}),
        json!({"type": "Input.Text"}),
        json!({"type": "Input.Text", "id": "a", "maxLength": "5"}),
        json!({"type": "Input.Number", "id": "a", "value": "1"}),
        json!({"type": "Input.Toggle", "id": "a"}),
        json!({"type": "Input.ChoiceSet", "id": "a", "choices": [{"title": "A"}]}),
        json!({"type": "Table", "rows": []}),
        json!("text"),
    ] {
        let card = json!({"type": "AdaptiveCard", "version": "1.3", "body": [wrong]});
        assert!(!check_by_schema(&schema, &card).is_empty(), "{card}");
        assert!(webex::check_card(&card).is_err(), "{card}");
    }
    for (name, card) in cards {
        let wrong = check_by_schema(&schema, &card);
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{card:#}");
    }
}

#[test]
fn every_kind_on_lseg_messenger() {
    let mut shown = String::new();
    for (name, blocks) in examples() {
        let (text, notes) = match messenger::render(&Content::Blocks(blocks)) {
            Ok(rendered) => (rendered.text, rendered.notes),
            Err(error) => (format!("refused: {error}"), Vec::new()),
        };
        let text = text.replace('\t', "⇥");
        shown.push_str(&format!("== {name} {notes:?}\n{text}\n\n"));
    }
    insta::assert_snapshot!(shown);
}

/// The page's own elements for a message's body, one a line; what a browser's locale writes is left out.
const BODY: &str = "(() => {
    const body = [...document.querySelectorAll('#messages .body')].at(-2).cloneNode(true);
    for (const time of body.querySelectorAll('time')) time.textContent = '…';
    return body.innerHTML
        .replace(/field-\\d+/g, 'field-N')
        .replace(/\\/file\\/[^\"]+/g, '/file/…')
        .replace(/></g, '>\\n<');
})()";

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_on_the_page() -> Result<()> {
    let Some(program) = Browser::find() else {
        assert!(!is_ci(), "CI has no Chromium");
        return Ok(());
    };
    let host = TestHost::with(&[]).await;
    let hub = host.host().hub().clone();
    let bot = hub.attach("shower", "shower")?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let rooms = Arc::new(hub.clone());
    let page = PageServer::on(listener, None, rooms, host.host().plugins().clone())?;
    let url = page.url();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(page.serve(async move {
        // Dropped or sent: either is the end.
        let _ = stopped.await;
    }));
    let mut browser = Browser::start(program, (1280, 800)).await?;
    browser.open(&url).await?;
    browser
        .wait_for("document.getElementById('status').dataset.state === 'connected' && !document.getElementById('composer').disabled")
        .await?;
    let lobby = host.room("ada", "Lobby").await;
    let mut shown = String::new();
    for (name, content) in examples() {
        let has_file = matches!(name.as_str(), "block_image" | "block_attachment");
        let file = File {
            name: "a.png".to_owned(),
            media_type: "image/png".to_owned(),
            bytes: Vec::new(),
        };
        let say = Command::Say(Say {
            conversation: lobby.clone(),
            content,
            files: has_file.then_some(file).into_iter().collect(),
            ..Say::default()
        });
        hub.act_with_notes(&bot, None, say, &["a → b".to_owned()])?;
        host.say("ada", &lobby, &name).await;
        let there = format!(
            "[...document.querySelectorAll('#messages .body')].at(-1)?.textContent === {}",
            json!(name)
        );
        browser.wait_for(&there).await?;
        let body = browser.evaluate(BODY).await?;
        let body = body.as_str().unwrap_or_default();
        shown.push_str(&format!("== {name}\n{body}\n\n"));
    }
    insta::assert_snapshot!(shown);
    browser.stop().await?;
    // A server that has ended by itself says so below.
    let _ = stop.send(());
    server.await??;
    host.stop().await;
    Ok(())
}
