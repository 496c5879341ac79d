//! Every read that needs a grant, through a wasm guest: denied without it, right with it.

use parlor_host::mailbox::rooms::{Command, Rooms as _, Say};
use parlor_host::model::action::File;
use parlor_host::model::directory::ContactStatus;
use parlor_host::model::payload::PresenceStatus;
use parlor_tests::guests;
use parlor_tests::harness::{BOT, TestHostParts};
use parlor_tests::stage::{ONLOOKER, Stage, TELLER, all_grants};

/// Asks without a grant, which is denied and tells the operator the line that is missing; then with it.
async fn granted(stage: &Stage, name: &str, question: &str) -> String {
    let load = async |settings: &str| {
        let wasm = guests::bytes("reads");
        stage.host.load("reads", wasm, Some(settings)).await;
    };
    load("").await;
    let denied = stage.host.ask(question).await;
    assert!(denied[0].contains("Denied"), "{question}: {denied:?}");
    let error = stage.host.row("reads").last_error.unwrap_or_default();
    let line = format!("`grants.reads = [\"{name}\"]` at the top of reads.toml");
    assert!(error.contains(&line), "{error}");
    load(&format!("grants.reads = [\"{name}\"]")).await;
    assert_eq!(stage.host.row("reads").last_error, None);
    let answers = stage.host.ask(question).await;
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers[0].clone()
}

async fn stage() -> Stage {
    Stage::with("reads", "", TestHostParts::default()).await
}

/// Posts a message with a file, and gives the message's id.
async fn say_with_file(stage: &Stage, user: &str, text: &str, bytes: Vec<u8>) -> String {
    let say = Command::Say(Say {
        conversation: stage.lobby.clone(),
        text: text.to_owned(),
        files: vec![File {
            name: "data.bin".to_owned(),
            media_type: "application/octet-stream".to_owned(),
            bytes,
        }],
        ..Say::default()
    });
    let done = stage.host.act(user, say).await.expect("it is posted");
    done.message.expect("a message has an id").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn read_contact() {
    let stage = stage().await;
    let pending = Command::Contact {
        bot: BOT.to_owned(),
        user: ONLOOKER.to_owned(),
        status: ContactStatus::Pending,
    };
    stage
        .host
        .act(ONLOOKER, pending)
        .await
        .expect("it is bob's own");
    let answer = granted(&stage, "contact", "/read contact bob").await;
    assert_eq!(answer, "Ok(ContactStatus::Pending)");
    assert_eq!(
        stage.host.ask("/read contact ada").await,
        ["Ok(ContactStatus::None)"]
    );
    let nobody = stage.host.ask("/read contact nobody").await;
    assert!(nobody[0].contains("NotFound"), "{nobody:?}");
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_presence() {
    let stage = stage().await;
    let answer = granted(&stage, "presence", "/read presence bob").await;
    assert_eq!(answer, "Ok(PresenceStatus::Offline)");
    // It is asked anew each time.
    stage.be(ONLOOKER, PresenceStatus::DoNotDisturb).await;
    let answer = stage.host.ask("/read presence bob").await;
    assert_eq!(answer, ["Ok(PresenceStatus::DoNotDisturb)"]);
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_on_behalf_of_a_user() {
    let stage = stage().await;
    let load = async |settings: &str| {
        let wasm = guests::bytes("reads");
        stage.host.load("reads", wasm, Some(settings)).await;
    };
    for (name, argument) in [
        ("conversations", BOT),
        ("contact", ONLOOKER),
        ("presence", ONLOOKER),
    ] {
        // It wants the read's own grant, and that of acting for a user besides.
        let own = format!("grants.reads = [\"{name}\"]");
        let both = format!("{own}\ngrants.actions = [\"as-user\"]");
        let question = format!("/read-as {TELLER} {name} {argument}");
        for (settings, missing) in [
            ("grants.actions = [\"as-user\"]", own.as_str()),
            (own.as_str(), "grants.actions = [\"as-user\"]"),
        ] {
            load(settings).await;
            let denied = stage.host.ask(&question).await;
            assert_eq!(denied, ["Err(ReadError::Denied)"], "{settings}");
            let error = stage.host.row("reads").last_error.unwrap_or_default();
            let line = format!("write `{missing}` at the top of reads.toml");
            assert!(error.contains(&line), "{settings}: {error}");
        }
        // The platform of our own has nothing like it; for the bot itself it answers.
        load(&both).await;
        let answer = stage.host.ask(&question).await;
        assert_eq!(answer, ["Err(ReadError::Unsupported)"], "{name}");
        let own = stage.host.ask(&format!("/read {name} {argument}")).await;
        assert!(own[0].starts_with("Ok("), "{name}: {own:?}");
        assert_eq!(stage.host.row("reads").last_error, None);
    }
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_message() {
    let stage = stage().await;
    let id = stage
        .host
        .say(ONLOOKER, &stage.lobby, "lunch at $noon?")
        .await;
    let answer = granted(&stage, "message", &format!("/read message {id}")).await;
    assert!(answer.starts_with("Ok("), "{answer}");
    for part in ["lunch at $noon?", "\"bob\"", "noon", &id] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    let delete = Command::Delete {
        message: id.clone(),
    };
    stage
        .host
        .act(ONLOOKER, delete)
        .await
        .expect("an own message goes");
    let gone = stage.host.ask(&format!("/read message {id}")).await;
    assert!(gone[0].contains("NotFound"), "{gone:?}");
    // What is said where the bot is not is not there for it.
    let direct = Command::OpenDirect {
        user: TELLER.to_owned(),
    };
    let direct = stage
        .host
        .act(ONLOOKER, direct)
        .await
        .expect("it opens")
        .conversation;
    let secret = stage
        .host
        .say(ONLOOKER, &direct.expect("it has an id"), "psst")
        .await;
    let hidden = stage.host.ask(&format!("/read message {secret}")).await;
    assert!(hidden[0].contains("NotFound"), "{hidden:?}");
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_history() {
    let stage = stage().await;
    for text in ["first", "second", "third"] {
        stage.host.say(ONLOOKER, &stage.lobby, text).await;
    }
    let question = format!("/read history {} 50", stage.lobby);
    let answer = granted(&stage, "history", &question).await;
    let at = |text: &str| {
        let place = answer.find(&format!("text: \"{text}\""));
        place.unwrap_or_else(|| panic!("no {text}: {answer}"))
    };
    // Newest first.
    assert!(
        at("third") < at("second") && at("second") < at("first"),
        "{answer}"
    );
    // So many, and older than a moment.
    let two = stage
        .host
        .ask(&format!("/read history {} 2", stage.lobby))
        .await;
    assert_eq!(
        two[0].matches("author: User { id: \"").count(),
        2,
        "{two:?}"
    );
    let messages = stage.host.messages(ONLOOKER, &stage.lobby);
    let second = messages.iter().find(|message| message.text == "second");
    let before = second.expect("it is kept").at;
    let older = stage
        .host
        .ask(&format!("/read history {} 50 {before}", stage.lobby))
        .await;
    assert!(
        !older[0].contains("\"second\"") && !older[0].contains("\"third\""),
        "{older:?}"
    );
    // At most 50.
    for n in 0..60 {
        stage
            .host
            .say(ONLOOKER, &stage.lobby, &format!("n{n}"))
            .await;
    }
    let most = stage
        .host
        .ask(&format!("/read history {} 1000", stage.lobby))
        .await;
    assert_eq!(most[0].matches("author: User { id: \"").count(), 50);
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_attachment() {
    let stage = stage().await;
    // Three parts; a sum tells that each came once and in its place.
    let bytes: Vec<u8> = (0..=255u8).cycle().take(2 * 1024 * 1024 + 700).collect();
    let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
    let wanted = format!(
        "data.bin application/octet-stream has {} bytes from Some({}) to Some({}), sum {sum}",
        bytes.len(),
        bytes[0],
        bytes[bytes.len() - 1]
    );
    // The file that the event carries is free.
    say_with_file(&stage, TELLER, "/here attachment", bytes).await;
    stage.host.idle().await;
    let answer = stage.host.answers(ONLOOKER, &stage.lobby).pop();
    assert_eq!(answer.expect("it answers").text, wanted);
    // One that came with another message is not.
    let before = say_with_file(&stage, ONLOOKER, "look", b"0123456789".to_vec()).await;
    let answer = granted(
        &stage,
        "attachment",
        &format!("/read attachment {before}.0 4"),
    )
    .await;
    assert_eq!(
        answer,
        "Ok(Chunk { bytes: [52, 53, 54, 55, 56, 57], total: 10 })"
    );
    let past = stage
        .host
        .ask(&format!("/read attachment {before}.0 400"))
        .await;
    assert_eq!(past, ["Ok(Chunk { bytes: [], total: 10 })"]);
    let none = stage
        .host
        .ask(&format!("/read attachment {before}.1 0"))
        .await;
    assert!(none[0].contains("NotFound"), "{none:?}");
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_transfer_targets() {
    let parts = TestHostParts {
        settings: format!("[local]\ngroups = {{ support = [\"{ONLOOKER}\"], night = [] }}\n"),
        ..TestHostParts::default()
    };
    let stage = Stage::with("reads", "", parts).await;
    let chat = stage.chat("carol").await;
    stage.be(ONLOOKER, PresenceStatus::Available).await;
    let question = format!("/read transfer-targets {chat}");
    let answer = granted(&stage, "transfer-targets", &question).await;
    for target in [
        "group: true, id: \"support\", name: \"support\", available: true",
        "group: true, id: \"night\", name: \"night\", available: false",
        "group: false, id: \"bob\", name: \"bob\", available: true",
        "group: false, id: \"ada\", name: \"ada\", available: false",
    ] {
        assert!(answer.contains(target), "{target}: {answer}");
    }
    assert!(
        !answer.contains("carol") && !answer.contains(BOT),
        "{answer}"
    );
    // In the chat itself it is free; a room is handed to nobody.
    stage
        .host
        .load("reads", guests::bytes("reads"), Some(""))
        .await;
    stage
        .tell_in("carol", &chat, "/here transfer-targets")
        .await;
    assert_eq!(stage.host.row("reads").last_error, None);
    stage
        .host
        .load("reads", guests::bytes("reads"), Some(&all_grants()))
        .await;
    let room = stage
        .host
        .ask(&format!("/read transfer-targets {}", stage.lobby))
        .await;
    assert!(room[0].contains("Unsupported"), "{room:?}");
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_hears_of_nobody_elses_files() {
    let stage = stage().await;
    let direct = Command::OpenDirect {
        user: BOT.to_owned(),
    };
    let direct = stage
        .host
        .act(ONLOOKER, direct)
        .await
        .expect("it opens")
        .conversation;
    let say = Command::Say(Say {
        conversation: direct.expect("it has an id").to_string(),
        text: "for the bot alone".to_owned(),
        files: vec![File {
            name: "a".to_owned(),
            media_type: "text/plain".to_owned(),
            bytes: b"secret".to_vec(),
        }],
        ..Say::default()
    });
    let said = stage.host.act(ONLOOKER, say).await.expect("it is posted");
    let id = format!("{}.0", said.message.expect("a message has an id"));
    let hub = stage.host.host().hub();
    assert!(hub.file(ONLOOKER, &id).is_some());
    assert!(hub.file(TELLER, &id).is_none());
    stage.host.stop().await;
}
