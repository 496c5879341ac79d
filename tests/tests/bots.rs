//! Ten bots that people want, each driven through its whole dialog: `tests/guests` has the plugins, and
//! the demo `expense` is the first of them.

#[path = "bots/broadcast.rs"]
mod broadcast;
#[path = "bots/chat_triage.rs"]
mod chat_triage;
#[path = "bots/expense.rs"]
mod expense;
#[path = "bots/file_report.rs"]
mod file_report;
#[path = "bots/moderation.rs"]
mod moderation;
#[path = "bots/on_call.rs"]
mod on_call;
#[path = "bots/price.rs"]
mod price;
#[path = "bots/secret_api.rs"]
mod secret_api;
#[path = "bots/survey.rs"]
mod survey;
#[path = "bots/symbols.rs"]
mod symbols;

use std::collections::BTreeMap;
use std::sync::Arc;

use parlor_host::mailbox::rooms::{Command, RoomMessage, Rooms as _, RoomsError, Say};
use parlor_host::model::action::File;
use parlor_host::web::PanelSource as _;
use parlor_tests::guests;
use parlor_tests::harness::{TestHost, TestHostParts};

/// A host with one bot. `settings` are those of the host, `own` those of the plugin.
async fn bot(plugin: &str, settings: &str, own: &str) -> TestHost {
    let parts = TestHostParts {
        settings: settings.to_owned(),
        ..TestHostParts::default()
    };
    with_bot(TestHost::start(parts).await, plugin, own).await
}

async fn with_bot(host: TestHost, plugin: &str, own: &str) -> TestHost {
    host.load(plugin, guests::bytes(plugin), Some(own)).await;
    assert_eq!(host.row(plugin).last_error, None, "{plugin} is refused");
    host
}

/// Does something as a user, and waits until that is answered.
async fn act(host: &TestHost, user: &str, command: Command) {
    let done = host.act(user, command).await;
    done.expect("the platform allows it");
    host.idle().await;
}

/// Answers a form, and waits until that is answered.
async fn submit(host: &TestHost, user: &str, message: &str, values: &[(&str, &str)]) {
    let values = values.iter();
    let values: BTreeMap<_, _> = values
        .map(|(field, value)| ((*field).to_owned(), vec![(*value).to_owned()]))
        .collect();
    let submit = Command::Submit {
        message: message.to_owned(),
        form: String::new(),
        button: None,
        values,
    };
    act(host, user, submit).await;
}

fn press(message: &str, button: &str) -> Command {
    Command::Press {
        message: message.to_owned(),
        button: button.to_owned(),
    }
}

/// Says something with a file, and waits until that is answered.
async fn send_file(
    host: &TestHost,
    user: &str,
    place: &str,
    text: &str,
    file: (&str, &str, &[u8]),
) {
    let (name, media_type, bytes) = file;
    let say = Command::Say(Say {
        conversation: place.to_owned(),
        text: text.to_owned(),
        files: vec![File {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: bytes.to_vec(),
        }],
        ..Say::default()
    });
    act(host, user, say).await;
}

/// The bot's messages in a conversation as somebody sees them now, changes included.
fn shown(host: &TestHost, user: &str, conversation: &str) -> Vec<Arc<RoomMessage>> {
    let mut messages = host.answers(user, conversation);
    messages.retain(|message| !message.deleted);
    messages
}

fn texts(host: &TestHost, user: &str, conversation: &str) -> Vec<String> {
    let messages = shown(host, user, conversation);
    messages
        .iter()
        .map(|message| message.text.clone())
        .collect()
}

/// The bot's last message.
#[track_caller]
fn last(host: &TestHost, user: &str, conversation: &str) -> Arc<RoomMessage> {
    let message = shown(host, user, conversation).pop();
    let Some(message) = message else {
        panic!("the bot has not said anything: {:?}", errors(host));
    };
    message
}

/// What is wrong with the host's plugins.
fn errors(host: &TestHost) -> Vec<String> {
    let rows = host.host().plugins().plugins().into_iter();
    rows.filter_map(|row| row.last_error).collect()
}

/// The one file of a message: its name and its text.
fn file_of(host: &TestHost, user: &str, message: &RoomMessage) -> (String, String) {
    let [about] = message.attachments.as_slice() else {
        panic!("one file: {:?}", message.attachments);
    };
    let file = host.host().hub().file(user, &about.id);
    let file = file.expect("whoever sees the message gets its file");
    let text = String::from_utf8(file.bytes.to_vec()).expect("a text");
    (about.name.clone(), text)
}

/// Asserts that a message has no buttons any more.
async fn cannot_press(host: &TestHost, user: &str, message: &str, button: &str) {
    let refused = host.act(user, press(message, button)).await;
    assert!(
        matches!(refused, Err(RoomsError::NotFound(_))),
        "{refused:?}"
    );
}
