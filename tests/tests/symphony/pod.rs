//! The whole of a bot's work in one row, and a host with a plugin that answers, on the simulator; or on
//! a real pod where the environment names bots of one: `SYMPHONY_TEST_CONFIG=RSA:FILE`, or `CERT:FILE`,
//! with a settings file of the old client or of a BDK. `SYMPHONY_TEST_PERSON`, written alike, names the
//! account that talks to the bot; a host that nobody talks to shows less.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_host::config::{Platform, Settings, Surroundings, import_symphony, look_at, variable};
use parlor_host::mailbox::control::BotState;
use parlor_host::mailbox::{Connector as _, Read, ReadAnswer};
use parlor_host::model::action::{
    ActionKind, Edit, EditRule, Fallback, Membership, MessageRef, NewConversation, NewRoom, Send,
    Target, UpdateConversation,
};
use parlor_host::model::content::Content;
use parlor_host::model::event::{User, Visibility};
use parlor_tests::guests;
use parlor_tests::harness::{TestHost, TestHostParts};
use parlor_tests::sim::left_out;
use parlor_tests::sim::symphony::{BOT, Symphony, SymphonyOptions};

use crate::alone::{Alone, Journal};
use crate::bank::settings;

/// Names a real pod's bot.
const BOT_VARIABLE: &str = "SYMPHONY_TEST_CONFIG";
/// Names the account that talks to it.
const PERSON_VARIABLE: &str = "SYMPHONY_TEST_PERSON";

/// The settings of the bot that a variable of the environment names; none where it is not set.
fn real(name: &str) -> Option<String> {
    let value = variable(name)?;
    let (way, file) = value.split_once(':').unwrap_or(("", &value));
    assert!(
        matches!(way, "RSA" | "CERT"),
        "{name} is RSA:FILE or CERT:FILE"
    );
    let file = PathBuf::from(file);
    let here = std::env::current_dir().expect("there is a current folder");
    let whole = here.join(&file);
    let text = std::fs::read_to_string(&whole);
    let text = text.unwrap_or_else(|error| panic!("{name}: {}: {error}", file.display()));
    let around = Surroundings {
        folder: whole.parent().unwrap_or(&here),
        environment: &variable,
        look: &look_at,
    };
    let imported = import_symphony(&file, &text, None, &around);
    let imported = imported.unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
    let key = if way == "RSA" {
        "private-key"
    } else {
        "certificate"
    };
    assert!(
        imported.section.contains(key),
        "{name} says {way}, and {} has no {key}",
        file.display()
    );
    Some(imported.section)
}

fn said(room: &str, text: &str) -> ActionKind {
    said_to(Target::Conversation(room.to_owned()), text)
}

fn said_to(target: Target, text: &str) -> ActionKind {
    ActionKind::Send(Send {
        target,
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

/// Makes a room with these people in it; its id.
async fn room(bot: &Alone, name: &str, members: Vec<String>) -> String {
    let room = ActionKind::CreateConversation(NewConversation::Room(NewRoom {
        name: name.to_owned(),
        description: "made by a test of parlor, and left by it".to_owned(),
        members,
        public: false,
        external: false,
        open: false,
    }));
    let made = bot.does("", room).await.expect("a room is made");
    made.conversation.expect("a room has an id")
}

/// Logs in, hears, makes a room, speaks there, changes it, takes it back and goes.
async fn works(folder: &Path, settings: &str) {
    let journal = Arc::new(Journal::default());
    let bot = Alone::start(folder, settings, &journal).await;
    let own = bot.connector.bot();
    assert!(!own.user_id.is_empty(), "the pod said who it is: {own:?}");

    let name = format!("parlor test {}", std::process::id());
    let room = room(&bot, &name, Vec::new()).await;
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

/// A host with a plugin: hears what a person says in a room and in an IM, and answers there, once.
async fn answers(folder: &Path, settings: String, person: Option<&str>) {
    let read = Settings::parse(&folder.join("parlor.toml"), &settings, &|_| None);
    let read = read.unwrap_or_else(|problems| panic!("settings: {problems:?}"));
    let Platform::Symphony(own) = &read.bots[0].platform else {
        panic!("the bot is on another platform");
    };
    let own = own.username.clone();
    let host = TestHost::start(TestHostParts {
        settings,
        ..TestHostParts::default()
    })
    .await;
    host.load("kinds", guests::bytes("kinds"), None).await;
    let state = || host.host().sessions().status().remove(0);
    let is_there = || state().state == BotState::Connected;
    host.eventually("the bot is connected", is_there).await;
    let Some(person) = person else {
        left_out(&format!(
            "{PERSON_VARIABLE} is not set, so nobody talks to the bot"
        ));
        host.stop().await;
        return;
    };
    let journal = Arc::new(Journal::default());
    let person = Alone::start(folder, person, &journal).await;
    let found = person.reads(Read::FindUser { name: own }).await;
    let ReadAnswer::User(User { id: bot, .. }) = found else {
        panic!("nobody of the bot's name: {found:?}");
    };
    let name = format!("parlor test {} with a host", std::process::id());
    let room = room(&person, &name, vec![bot.clone()]).await;
    let says = async |there: &str, target: Target, text: &str| {
        let said = person.does(there, said_to(target, text)).await;
        said.expect("it is said");
        let is_answered = |journal: &Journal| {
            let answers = journal.texts().into_iter();
            let answers = answers.filter(|answer| answer.contains(text));
            answers.count() == 1
        };
        journal.until(text, is_answered).await;
    };
    says(&room, Target::Conversation(room.clone()), "one of a room").await;
    says(&room, Target::Conversation(room.clone()), "two of a room").await;
    let im = Target::User(bot.clone());
    says("", im, "three of two people").await;
    host.idle().await;
    let answers = journal.texts().into_iter();
    let answers = answers.filter(|text| text.starts_with("message: "));
    assert_eq!(answers.count(), 3, "{:?}", journal.texts());
    // Its last owner may not leave members behind.
    let remove = ActionKind::Remove(Membership {
        conversation: Some(room.clone()),
        user: bot,
    });
    person
        .does(&room, remove)
        .await
        .expect("the bot is removed");
    let leave = ActionKind::Leave(Some(room.clone()));
    person.does(&room, leave).await.expect("the person goes");
    person.stop().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_and_its_plugin_work_on_a_pod() {
    let folder = tempfile::tempdir().unwrap();
    if let Some(settings) = real(BOT_VARIABLE) {
        let person = real(PERSON_VARIABLE);
        answers(folder.path(), settings, person.as_deref()).await;
        return;
    }
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    let key = std::fs::read_to_string(sim.file("app.pem")).unwrap();
    sim.add_bot("visitor", "A Visitor", &key);
    let own = settings(&sim, "");
    let person = own
        .replace(&format!("\"{BOT}\""), "\"visitor\"")
        .replace("bot.pem", "app.pem");
    answers(folder.path(), own, Some(&person)).await;
    assert_eq!(sim.complaints(), Vec::<String>::new());
    let misfits = sim.misfits_after(0);
    assert!(misfits.is_empty(), "\n{}\n", misfits.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_works_on_a_pod() {
    let folder = tempfile::tempdir().unwrap();
    if let Some(settings) = real(BOT_VARIABLE) {
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
