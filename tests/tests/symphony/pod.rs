//! The whole of a bot's work in one row, on the simulator, or on a real pod where the environment
//! names a bot of one: `SYMPHONY_TEST_CONFIG=RSA:FILE`, or `CERT:FILE`, with a settings file of the
//! old client or of a BDK.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_host::config::{Surroundings, import_symphony, look_at, variable};
use parlor_host::mailbox::{Connector as _, Read, ReadAnswer};
use parlor_host::model::action::{
    ActionKind, Edit, EditRule, Fallback, MessageRef, NewConversation, NewRoom, Send, Target,
    UpdateConversation,
};
use parlor_host::model::content::Content;
use parlor_host::model::event::Visibility;
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};

use crate::alone::{Alone, Journal};
use crate::bank::settings;

/// Names a real pod's bot.
const VARIABLE: &str = "SYMPHONY_TEST_CONFIG";

/// The settings of the bot that the environment names; none where it names none.
fn real() -> Option<String> {
    let value = variable(VARIABLE)?;
    let (way, file) = value.split_once(':').unwrap_or(("", &value));
    assert!(
        matches!(way, "RSA" | "CERT"),
        "{VARIABLE} is RSA:FILE or CERT:FILE"
    );
    let file = PathBuf::from(file);
    let here = std::env::current_dir().expect("there is a current folder");
    let whole = here.join(&file);
    let text = std::fs::read_to_string(&whole);
    let text = text.unwrap_or_else(|error| panic!("{VARIABLE}: {}: {error}", file.display()));
    let around = Surroundings {
        folder: whole.parent().unwrap_or(&here),
        environment: &variable,
        look: &look_at,
    };
    let imported = import_symphony(&file, &text, None, &around);
    let imported = imported.unwrap_or_else(|problems| panic!("{VARIABLE}: {problems:?}"));
    let key = if way == "RSA" {
        "private-key"
    } else {
        "certificate"
    };
    assert!(
        imported.section.contains(key),
        "{VARIABLE} says {way}, and {} has no {key}",
        file.display()
    );
    Some(imported.section)
}

fn said(room: &str, text: &str) -> ActionKind {
    ActionKind::Send(Send {
        target: Target::Conversation(room.to_owned()),
        content: Content::Plain(text.to_owned()),
        attachments: Vec::new(),
        thread: None,
        visibility: Visibility::All,
        quiet: false,
        fallback: Fallback::Degrade,
    })
}

async fn text_of(bot: &Alone, id: &str) -> String {
    match bot.reads(Read::Message { id: id.to_owned() }).await {
        ReadAnswer::Message(found) => found.message.text,
        other => panic!("no message: {other:?}"),
    }
}

/// Logs in, hears, makes a room, speaks there, changes it, takes it back and goes.
async fn works(folder: &Path, settings: &str) {
    let journal = Arc::new(Journal::default());
    let bot = Alone::start(folder, settings, &journal).await;
    let own = bot.connector.bot();
    assert!(!own.user_id.is_empty(), "the pod said who it is: {own:?}");

    let name = format!("parlor test {}", std::process::id());
    let room = ActionKind::CreateConversation(NewConversation::Room(NewRoom {
        name: name.clone(),
        description: "made by a test of parlor, and left by it".to_owned(),
        members: Vec::new(),
        public: false,
        external: false,
        open: false,
    }));
    let room = bot.does("", room).await.expect("a room is made");
    let room = room.conversation.expect("a room has an id");
    let update = ActionKind::UpdateConversation(UpdateConversation {
        conversation: Some(room.clone()),
        name: None,
        description: Some("changed by a test of parlor".to_owned()),
        public: None,
        open: None,
    });
    bot.does(&room, update).await.expect("the room is changed");

    let text = "first <b> & ${x} of parlor";
    let first = bot.does(&room, said(&room, text)).await;
    let first = first.expect("it is said").message.expect("it has an id");
    assert_eq!(text_of(&bot, &first).await, text);
    let history = bot
        .reads(Read::History {
            conversation: room.clone(),
            before: None,
            count: 10,
        })
        .await;
    let ReadAnswer::History(history) = history else {
        panic!("no history: {history:?}");
    };
    assert!(history.iter().any(|past| past.message.text == text));

    let edit = ActionKind::Edit(Edit {
        message: MessageRef::Id(first.clone()),
        content: Content::Plain("second of parlor".to_owned()),
        otherwise: EditRule::Fail,
    });
    let second = bot.does(&room, edit).await.expect("it is changed");
    let second = second.message.expect("it has an id");
    assert_ne!(second, first, "an edit is a message of its own");
    assert_eq!(text_of(&bot, &second).await, "second of parlor");
    let delete = ActionKind::Delete(MessageRef::Id(second));
    bot.does(&room, delete).await.expect("it is taken back");
    let leave = ActionKind::Leave(Some(room.clone()));
    bot.does(&room, leave).await.expect("the bot goes");
    // What it did itself is nothing that it hears.
    assert_eq!(journal.texts(), Vec::<String>::new());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_works_on_a_pod() {
    let folder = tempfile::tempdir().unwrap();
    if let Some(settings) = real() {
        works(folder.path(), &settings).await;
        return;
    }
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    works(folder.path(), &settings(&sim, "")).await;
    let made = sim.requests_after(0).into_iter();
    let made = made.filter(|it| it.path == "/agent/v5/datafeeds" && it.status == Some(201));
    assert_eq!(made.count(), 1, "a feed is made");
    assert_eq!(sim.complaints(), Vec::<String>::new());
    let misfits = sim.misfits_after(0);
    assert!(misfits.is_empty(), "\n{}\n", misfits.join("\n"));
}
