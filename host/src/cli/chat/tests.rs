//! Tests of the terminal with scripts.

use std::io::Cursor;
use std::sync::Arc;

use super::{Idle, TerminalOptions, run_script};
use crate::connectors::local::Hub;
use crate::connectors::local::hub::HubBot;
use crate::mailbox::rooms::{Change, Command, Say};
use crate::model::content::{
    ActionButton, Block, Button, ButtonKind, ButtonStyle, Field, FieldKind, Form, FormAnswers,
    FormAudience, FormEnd, Span, Table, TextSpan, TextStyle,
};

/// A bot that answers what it hears at once.
fn answer(hub: &Hub, bot: &HubBot, heard: &crate::connectors::local::hub::Heard) {
    let act = |command: Command| {
        let number = hub.read(|state| state.number);
        hub.act_as_bot(bot, Some(format!("part-{number}").into()), command)
            .map(|_| ())
    };
    let Some(conversation) = heard.event.change.conversation().map(ToString::to_string) else {
        return;
    };
    let say = |text: &str, content: Vec<Block>, agents_only: bool| {
        act(Command::Say(Say {
            conversation: conversation.clone(),
            text: text.to_owned(),
            content,
            agents_only,
            ..Say::default()
        }))
    };
    let result = match &heard.event.change {
        Change::Posted(message) => match message.text.as_str() {
            "hello" => say(&format!("Hello {}", heard.actor.name), vec![], false),
            "/bot joke" => say("first line\nsecond \u{1b}[31mline", vec![], false),
            "/join" => say("the plugin joins", vec![], false),
            "table" => say("", vec![table()], false),
            "form" => say("", vec![form(), Block::Buttons(vec![button()])], false),
            "pizza" => act(Command::Join {
                conversation: conversation.clone(),
            })
            .and_then(|()| say("Pizza is on the way!", vec![], true))
            .and_then(|()| {
                act(Command::Leave {
                    conversation: conversation.clone(),
                })
            }),
            _ => Ok(()),
        },
        Change::Submitted { values, .. } => say(&format!("got {values:?}"), vec![], false),
        Change::Pressed { value, .. } => say(&format!("pressed {value}"), vec![], false),
        _ => Ok(()),
    };
    result.unwrap();
}

fn spans(text: &str) -> Vec<Span> {
    vec![Span::Text(TextSpan {
        text: text.to_owned(),
        style: TextStyle::default(),
    })]
}

fn table() -> Block {
    Block::Table(Table {
        header: vec![spans("Name"), spans("Count")],
        rows: vec![vec![spans("apples"), spans("3")]],
        columns: vec![],
    })
}

fn button() -> Button {
    Button {
        label: "Yes".to_owned(),
        kind: ButtonKind::Action(ActionButton {
            id: "yes".to_owned(),
            value: "1".to_owned(),
        }),
        style: ButtonStyle::Primary,
    }
}

fn form() -> Block {
    Block::Form(Form {
        id: "f".to_owned(),
        title: Some("Who".to_owned()),
        fields: vec![Field {
            id: "name".to_owned(),
            label: "Name".to_owned(),
            kind: FieldKind::Text,
            choices: vec![],
            required: true,
            multiple: false,
            read_only: false,
            defaults: vec![],
            placeholder: None,
            pattern: None,
            min: None,
            max: None,
        }],
        buttons: vec![],
        answers: FormAnswers::Any,
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    })
}

async fn script(input: &str) -> String {
    let hub = Hub::in_memory();
    let bot = hub.attach("parlor", "parlor").unwrap();
    let idle: Idle = {
        let hub = hub.clone();
        Arc::new(move || {
            let (hub, bot) = (hub.clone(), bot.clone());
            Box::pin(async move {
                while hub.quiet(&bot).is_none() {
                    for heard in hub.next_for(&bot, 16).await {
                        answer(&hub, &bot, &heard);
                        hub.accepted(&bot, 1);
                    }
                }
            })
        })
    };
    let options = TerminalOptions {
        user: "Anna".to_owned(),
        plugin_commands: vec!["/join {x}".to_owned(), "/joke".to_owned()],
        ..TerminalOptions::default()
    };
    let mut output = Vec::new();
    let input = Cursor::new(input.to_owned());
    run_script(Arc::new(hub), options, idle, input, &mut output)
        .await
        .unwrap();
    String::from_utf8(output).unwrap()
}

#[tokio::test]
async fn every_line_is_answered_in_order() {
    let output = script("hello\n/bot joke\n\ntable\nhello").await;
    insta::assert_snapshot!(output);
}

#[tokio::test]
async fn console_commands_do_what_they_say() {
    let output = script(
        "/room Desk\nhello\n/as Bob\nhello\n//join\n/chat Carol\npizza\n/as Carol\npizza\n/leave\nhello\n/nonsense\n/room\n/quit\nnever",
    )
    .await;
    insta::assert_snapshot!(output);
}

#[tokio::test]
async fn forms_and_buttons_work() {
    let output = script("/submit name=x\nform\n/submit name=\"Anna Lee\"\n/click 1\n/click yes\n/click 2\n/submit other=1\n/?\n").await;
    insta::assert_snapshot!(output);
}
