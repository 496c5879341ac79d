//! What a restart finds again.

use super::*;
use crate::mailbox::rooms::Change;
use crate::mailbox::session::Session as _;

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let message = {
        let hub = with_folder(folder.path());
        let _bot = connector(&hub);
        enter(&hub, "Anna").await;
        let react = |message: &str| Command::React {
            message: message.into(),
            emoji: "heart".into(),
            add: true,
        };
        let message = say(&hub, "Anna", LOBBY, "remember me")
            .await
            .unwrap()
            .message
            .unwrap();
        hub.act("Anna", react(&message)).await.unwrap();
        message
        // Dropped without a word, as by `kill -9`.
    };
    let hub = with_folder(folder.path());
    let bot = connector(&hub);
    let (text, reactions) = hub.read(|state| {
        let (_, message) = state.message(&message).unwrap();
        (message.text.clone(), message.reactions.len())
    });
    assert_eq!((text.as_str(), reactions), ("remember me", 1));
    let members = hub.read(|state| state.rooms[LOBBY].members.len());
    assert_eq!(members, 2);
    let next = say(&hub, "Anna", LOBBY, "new")
        .await
        .unwrap()
        .message
        .unwrap();
    assert_ne!(next, message);
    drop(bot);
}

#[tokio::test]
async fn a_part_is_performed_once_even_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = {
        let hub = with_folder(folder.path());
        let bot = connector(&hub);
        assert_eq!(
            bot.find_sent(&part(7, LOBBY, reply("hi"))).await.unwrap(),
            None
        );
        let sent = perform(&bot, 7, LOBBY, reply("hi")).await.unwrap();
        assert_eq!(perform(&bot, 7, LOBBY, reply("hi")).await.unwrap(), sent);
        sent
    };
    let hub = with_folder(folder.path());
    let bot = connector(&hub);
    let found = bot.find_sent(&part(7, LOBBY, reply("hi"))).await.unwrap();
    assert_eq!(found, Some(first.clone()));
    assert_eq!(perform(&bot, 7, LOBBY, reply("hi")).await.unwrap(), first);
    let count = hub.read(|state| state.rooms[LOBBY].messages.len());
    assert_eq!(count, 1);
    // A journal that began anew counts from 1 again, but for other events.
    let mut other = part(7, LOBBY, reply("other"));
    Arc::make_mut(&mut other.origin).id = "another event".to_owned();
    assert_ne!(bot.perform(&other).await.unwrap(), first);
}

#[tokio::test]
async fn a_join_repeated_after_a_crash_still_counts_as_a_join() {
    let folder = tempfile::tempdir().unwrap();
    let chat = {
        let hub = with_folder(folder.path());
        let bot = connector(&hub);
        let open = Command::OpenChat {
            customer: "Carol".into(),
        };
        let chat = hub.act("Anna", open).await.unwrap().conversation.unwrap();
        let joined = perform(&bot, 1, &chat, ActionKind::Join(None))
            .await
            .unwrap();
        assert!(!joined.was_member);
        chat
    };
    let bot = connector(&with_folder(folder.path()));
    let again = perform(&bot, 1, &chat, ActionKind::Join(None))
        .await
        .unwrap();
    assert!(!again.was_member);
    let new = perform(&bot, 2, &chat, ActionKind::Join(None))
        .await
        .unwrap();
    assert!(new.was_member);
}

#[tokio::test]
async fn what_was_not_accepted_is_offered_again_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let intake = TestIntake::default();
    {
        let hub = with_folder(folder.path());
        let bot = connector(&hub);
        enter(&hub, "Anna").await;
        say(&hub, "Anna", LOBBY, "one").await.unwrap();
        drain(&bot, &intake).await;
        say(&hub, "Anna", LOBBY, "two").await.unwrap();
        // "two" is in the hub and was not taken when the process is killed.
    }
    let hub = with_folder(folder.path());
    let bot = connector(&hub);
    drain(&bot, &intake).await;
    assert_eq!(intake.texts(), ["one", "two"]);
    drop(bot);
    drop(hub);
    // And nothing is offered that was.
    let hub = with_folder(folder.path());
    assert!(connector(&hub).quiet().is_some());
}

#[tokio::test]
async fn half_a_line_at_the_end_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    {
        let hub = with_folder(folder.path());
        enter(&hub, "Anna").await;
        say(&hub, "Anna", LOBBY, "whole").await.unwrap();
    }
    let path = folder.path().join("rooms.jsonl");
    let mut log = std::fs::read(&path).unwrap();
    log.extend_from_slice(b"{\"event\":{\"number\":99,\"at\":1,\"by\":\"an");
    std::fs::write(&path, log).unwrap();
    for text in ["after", "and after that"] {
        let hub = with_folder(folder.path());
        say(&hub, "Anna", LOBBY, text).await.unwrap();
    }
    let hub = with_folder(folder.path());
    let texts: Vec<String> = hub.read(|state| {
        let messages = &state.rooms[LOBBY].messages;
        messages.iter().map(|m| m.text.clone()).collect()
    });
    assert_eq!(texts, ["whole", "after", "and after that"]);
}

#[tokio::test]
async fn the_log_is_written_anew_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let intake = TestIntake::default();
    let mut sent = Vec::new();
    {
        let hub = with_limit(folder.path(), 20_000);
        let bot = connector(&hub);
        enter(&hub, "Anna").await;
        for number in 1..400_u64 {
            say(&hub, "Anna", LOBBY, &format!("m{number}"))
                .await
                .unwrap();
            sent.push(perform(&bot, number, LOBBY, reply("ok")).await.unwrap());
        }
        hub.close().unwrap();
        let bytes = std::fs::metadata(folder.path().join("rooms.jsonl"))
            .unwrap()
            .len();
        assert!(bytes < 200_000, "{bytes}");
        assert!(folder.path().join("rooms.snapshot.jsonl").exists());
    }
    let hub = with_folder(folder.path());
    let bot = connector(&hub);
    for (number, sent) in (1..400_u64).zip(&sent) {
        let found = bot
            .find_sent(&part(number, LOBBY, reply("ok")))
            .await
            .unwrap();
        assert_eq!(found.as_ref(), Some(sent));
    }
    drain(&bot, &intake).await;
    let expected: Vec<String> = (1..400).map(|n| format!("m{n}")).collect();
    assert_eq!(intake.texts(), expected);
}

#[tokio::test]
async fn what_waits_survives_a_log_written_anew_before_its_bot_is_there() {
    let folder = tempfile::tempdir().unwrap();
    {
        let hub = with_folder(folder.path());
        let _bot = connector(&hub);
        enter(&hub, "Anna").await;
        say(&hub, "Anna", LOBBY, "waits").await.unwrap();
    }
    {
        // A room that is new in the settings is the change with which the log is written anew.
        let config = LocalConfig {
            folder: Some(folder.path().to_path_buf()),
            rooms: vec!["New".to_owned()],
            ..LocalConfig::default()
        };
        let hub = Hub::open_with(config, 1, Arc::new(SystemClock)).unwrap();
        hub.close().unwrap();
        assert!(folder.path().join("rooms.snapshot.jsonl").exists());
    }
    let intake = TestIntake::default();
    let bot = connector(&with_folder(folder.path()));
    drain(&bot, &intake).await;
    assert_eq!(intake.texts(), ["waits"]);
}

#[tokio::test]
async fn people_of_the_settings_are_known_from_the_start_and_once() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let config = LocalConfig {
            folder: Some(folder.path().to_path_buf()),
            users: vec!["Grace Hopper".to_owned(), "grace hopper".to_owned()],
            ..LocalConfig::default()
        };
        let hub = Hub::open(config).unwrap();
        let known = hub.read(|state| {
            let users = state.users.values();
            users.map(|user| user.name.to_string()).collect::<Vec<_>>()
        });
        assert_eq!(known, ["Grace Hopper"]);
        let is_in = hub.read(|state| state.rooms[LOBBY].member("grace-hopper").is_some());
        assert!(!is_in, "in no room before they go in");
        hub.close().unwrap();
    }
    let config = LocalConfig {
        users: vec![String::new()],
        ..LocalConfig::default()
    };
    assert!(Hub::open(config).is_err(), "a name is missing");
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_written_loses_nothing_and_refuses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A folder where the snapshot's file should be: as good as a full disk.
    let in_the_way = folder.path().join("rooms.snapshot.new");
    std::fs::create_dir(&in_the_way).unwrap();
    {
        let hub = with_limit(folder.path(), 2_000);
        enter(&hub, "Anna").await;
        for number in 0..100 {
            let text = format!("m{number}");
            say(&hub, "Anna", LOBBY, &text).await.unwrap();
            if number % 3 == 0 {
                // Waits for a try that is under way; that it fails is what this is about.
                let _ = hub.close();
            }
        }
        assert!(folder.path().join("rooms.old.jsonl").exists());
    }
    std::fs::remove_dir(&in_the_way).unwrap();
    {
        let hub = with_limit(folder.path(), 2_000);
        let texts: Vec<String> = hub.read(|state| {
            let messages = &state.rooms[LOBBY].messages;
            messages.iter().map(|m| m.text.clone()).collect()
        });
        let expected: Vec<String> = (0..100).map(|n| format!("m{n}")).collect();
        assert_eq!(texts, expected);
        hub.close().unwrap();
    }
    assert!(!folder.path().join("rooms.old.jsonl").exists());
}

#[tokio::test]
async fn nobody_sees_what_is_not_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let hub = with_folder(folder.path());
    enter(&hub, "Anna").await;
    let (_, mut view) = hub.view("Anna").unwrap();
    let writes = (0..50).map(|n| {
        let hub = hub.clone();
        tokio::spawn(async move { say(&hub, "Anna", LOBBY, &format!("m{n}")).await })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap().unwrap();
    }
    let log = std::fs::read_to_string(folder.path().join("rooms.jsonl")).unwrap();
    let mut last = 0;
    while let Some(event) = view.try_next().unwrap() {
        assert!(event.number > last, "changes come in order");
        last = event.number;
        if let Change::Posted(message) = &event.change {
            assert!(log.contains(&format!("\"id\":\"{}\"", message.id)));
        }
    }
}

#[tokio::test]
async fn files_survive_and_go_with_their_message() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::model::action::File {
        name: "a.txt".into(),
        media_type: "text/plain".into(),
        bytes: b"bytes".to_vec(),
    };
    let message = {
        let hub = with_folder(folder.path());
        enter(&hub, "Anna").await;
        let say = Say {
            conversation: LOBBY.into(),
            files: vec![file],
            ..Say::default()
        };
        hub.act("Anna", Command::Say(say))
            .await
            .unwrap()
            .message
            .unwrap()
    };
    let hub = with_folder(folder.path());
    let id = format!("{message}.0");
    assert_eq!(&hub.file("Anna", &id).unwrap().bytes[..], b"bytes");
    assert!(hub.file("Anna", "../rooms.jsonl").is_none());
    hub.act(
        "Anna",
        Command::Delete {
            message: message.to_string(),
        },
    )
    .await
    .unwrap();
    assert!(hub.file("Anna", &id).is_none());
    assert_eq!(
        std::fs::read_dir(folder.path().join("files"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn conversations_are_told_from_the_log_without_touching_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = super::super::conversations_at_rest(&folder.path().join("none"), "parlor");
    assert!(none.expect("an absent folder holds nothing").is_empty());
    let hub = with_folder(folder.path());
    let _bot = connector(&hub);
    enter(&hub, "ada").await;
    let open = Command::OpenDirect {
        user: "parlor".to_owned(),
    };
    hub.act("ada", open).await.expect("a conversation opens");
    hub.close().expect("closed");
    let before = files(folder.path());
    let told = super::super::conversations_at_rest(folder.path(), "parlor").expect("read");
    let ids: Vec<&str> = told.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["direct:ada+parlor", LOBBY]);
    assert_eq!(told[1].name.as_deref(), Some("Lobby"));
    assert_eq!(files(folder.path()), before);
    let stranger = super::super::conversations_at_rest(folder.path(), "nobody");
    assert!(stranger.expect("read").is_empty());
}

/// Names and lengths of what lies in a folder.
fn files(folder: &Path) -> Vec<(String, u64)> {
    let mut files: Vec<(String, u64)> = std::fs::read_dir(folder)
        .expect("listed")
        .map(|entry| entry.expect("listed"))
        .map(|entry| {
            let length = entry.metadata().expect("known").len();
            (entry.file_name().to_string_lossy().into_owned(), length)
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_bot_that_is_away_holds_nobody_up_and_hears_the_latest() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "ada").await;
    bot.leave();
    for n in 0..super::super::hub::INBOUND_MAX + 10 {
        let said = say(&hub, "ada", LOBBY, &n.to_string()).await;
        said.expect("nobody waits for the bot");
    }
    // The same bot comes back, as after a change of the settings; a second one is refused.
    let back = LocalConnector::new(hub.clone(), "default".into(), "parlor", "Parlor");
    let back = back.expect("it was away");
    let missed = hub.come_back(&back.user);
    assert!(missed >= 10, "{missed}");
    let first = hub.next_for(&back.user, 1).await.remove(0);
    let crate::mailbox::rooms::Change::Posted(message) = &first.event.change else {
        panic!("a message");
    };
    assert_eq!(message.text, "10");
    let second = LocalConnector::new(hub.clone(), "default".into(), "parlor", "Parlor");
    assert!(second.is_err());
}
