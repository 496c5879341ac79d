//! A bot on LSEG Messenger: what its settings say, and mistakes, each with its line.

use std::time::Duration;

use super::*;
use crate::config::Platform;
use crate::connectors::lseg::LsegConfig;
use crate::connectors::lseg::config::WantedRooms;
use crate::mailbox::AgentsOnly;

/// The lines of a bot without a mistake; the first of them is line 4.
const GOOD: &str = "username = \"bot_agent.desk@acme.com\"\npassword = \"file:password\"\napp-key = \"file:key\"\n";

fn read(text: &str) -> Result<Settings, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "s3cret\n").unwrap();
    std::fs::write(folder.path().join("key"), "k3y\n").unwrap();
    let path = folder.path().join("parlor.toml");
    let read = Settings::parse(&path, text, &environment);
    read.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn bot(lines: &str) -> String {
    format!("[[bot]]\nname = \"desk\"\nplatform = \"lseg\"\n{lines}\n")
}

fn config(lines: &str) -> LsegConfig {
    let settings = read(&bot(&format!("{GOOD}{lines}"))).unwrap();
    match settings.bots.into_iter().next().unwrap().platform {
        Platform::Lseg(config) => *config,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn wrong(text: &str, line: usize, words: &str) {
    let complaints = read(text).expect_err(text);
    let [complaint] = complaints.as_slice() else {
        panic!("{text}: {complaints:#?}");
    };
    assert!(
        complaint.contains(&format!("parlor.toml:{line}: ")),
        "{complaint}"
    );
    assert!(complaint.contains(words), "{words}: {complaint}");
    assert!(
        !complaint.contains("s3cret") && !complaint.contains("k3y"),
        "{complaint}"
    );
}

#[track_caller]
fn wrong_beside(lines: &str, words: &str) {
    wrong(&bot(&format!("{GOOD}{lines}")), 7, words);
}

#[test]
fn what_is_not_said_is_as_the_platform_has_it() {
    let config = config("");
    assert_eq!(config.gateway.as_str(), "https://api.refinitiv.com/");
    assert_eq!(
        config.stream.as_str(),
        "wss://api.collab.refinitiv.com/services/nt/api/messenger/v1/stream"
    );
    assert_eq!(
        (&*config.token_path, &*config.api_path),
        ("/auth/oauth2/v1/token", "/messenger/beta1")
    );
    assert_eq!(
        (&*config.scope, config.exclusive),
        ("trapi.messenger", true)
    );
    assert_eq!(config.password.expose(), "s3cret");
    assert!(
        config
            .password_file
            .is_some_and(|file| file.ends_with("password"))
    );
    assert_eq!(config.rooms, WantedRooms::Named(Vec::new()));
    assert!(!config.accept_invites);
    assert_eq!(config.hold.window, Duration::from_secs(300));
    assert_eq!(config.hold.margin, Duration::from_secs(60));
    let seconds = |secs| Duration::from_secs(secs);
    assert_eq!(config.hold.heartbeat, Some((seconds(60), seconds(10))));
    assert!(
        config
            .token_file
            .is_some_and(|file| file.ends_with("connectors/desk/token.json"))
    );
}

#[test]
fn addresses_paths_and_times_are_settings() {
    let config = config(
        "host = \"https://gateway.acme.com:8443\"\nstream = \"wss://stream.acme.com/x\"\n\
         token-path = \"/t\"\napi-path = \"/m\"\nscope = \"other\"\nexclusive = false\n\
         redirect-hosts = [\"Acme.com\"]\nrooms = \"listed\"\naccept-invites = true\n\
         stream-window-secs = 120\nstream-margin-secs = 20\nrejoin-secs = 30\nheartbeat = false\n\
         message-characters = 500\nagents-only = \"all\"\ndisplay-name = \"Desk Bot\"\ntoken-file = \"t.json\"",
    );
    assert_eq!(config.gateway.as_str(), "https://gateway.acme.com:8443/");
    assert_eq!(config.stream.as_str(), "wss://stream.acme.com/x");
    assert_eq!(
        (&*config.token_path, &*config.api_path, &*config.scope),
        ("/t", "/m", "other")
    );
    assert!(!config.exclusive && config.accept_invites);
    assert_eq!(config.redirect_hosts, ["acme.com"]);
    assert_eq!(config.rooms, WantedRooms::Listed);
    assert_eq!(config.hold.heartbeat, None);
    assert_eq!(config.hold.rejoin, Duration::from_secs(30));
    assert_eq!(
        (config.message_chars, config.agents_only),
        (500, AgentsOnly::All)
    );
    assert_eq!(config.display_name.as_deref(), Some("Desk Bot"));
}

#[test]
fn the_stream_may_go_another_way_and_the_heartbeat_may_be_slower() {
    let config = config(
        "stream = { proxy = \"http://proxy.acme.com:8080\" }\nheartbeat = { every-secs = 30 }\nrooms = [\"a\", \"b\"]",
    );
    assert!(config.net.proxy.is_none() && config.stream_net.proxy.is_some());
    assert!(config.stream.as_str().starts_with("wss://api.collab."));
    let seconds = |secs| Duration::from_secs(secs);
    assert_eq!(config.hold.heartbeat, Some((seconds(30), seconds(10))));
    assert_eq!(
        config.rooms,
        WantedRooms::Named(vec!["a".to_owned(), "b".to_owned()])
    );
}

#[test]
fn mistakes_name_their_line_and_never_a_secret() {
    wrong(
        &bot("password = \"file:password\"\napp-key = \"file:key\""),
        1,
        "`username` is missing",
    );
    wrong(
        &bot(&GOOD.replace("file:password", "s3cret")),
        5,
        "is written out",
    );
    wrong(
        &bot(&GOOD.replace("file:key", "file:none")),
        6,
        "cannot be read",
    );
    wrong(
        &bot(&GOOD.replace("bot_agent.desk@acme.com", "desk")),
        4,
        "the account's address",
    );
    wrong_beside("rooms = \"Desk\"", "names of rooms");
    wrong_beside("host = \"http://acme.com\"", "an address");
    wrong_beside("host = \"https://acme.com/path\"", "an address");
    wrong_beside("stream = \"ws://acme.com\"", "an address");
    wrong_beside("token-path = \"token\"", "a path");
    wrong_beside("redirect-hosts = [\"*.acme.com\"]", "ends of names");
    wrong_beside("message-characters = 1", "a whole number from 100");
    wrong_beside("heartbeat = true", "`false`");
    wrong_beside("heartbeat = { often = 1 }", "unknown key `often`");
    wrong_beside("stream-margin-secs = 300", "less than `stream-window-secs`");
    wrong_beside("agents-only = \"some\"", "`refuse`");
    wrong_beside("room = [\"Desk\"]", "unknown key `room`");
}

#[test]
fn two_bots_of_one_account_are_refused() {
    let second = GOOD.replace("desk@acme.com", "DESK@acme.com");
    let text = format!(
        "{}[[bot]]\nname = \"other\"\nplatform = \"lseg\"\n{second}",
        bot(GOOD)
    );
    wrong(&text, 11, "is the account of bot desk too");
}
