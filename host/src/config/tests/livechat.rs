//! Mistakes in a bot on LiveChat: each names its line and what was expected.

use super::*;
use crate::connectors::livechat::config::{Priority, Routing, Version};

fn read(lines: &str) -> Result<Settings, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "a secret").unwrap();
    let text = format!("[[bot]]\nname = \"pizza\"\nplatform = \"livechat\"\n{lines}");
    let path = folder.path().join("parlor.toml");
    let read = Settings::parse(&path, &text, &environment);
    read.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// The lines of a bot without a mistake; the first of them is line 4.
const GOOD: &str = "client-id = \"c0ffee\"\nclient-secret = \"file:key\"\nredirect-uri = \"https://bots.acme.com/token\"\n";
/// A bot of a personal token.
const OWNED: &str = "client-id = \"c0ffee\"\naccount-id = \"a\"\npersonal-token = \"file:key\"\norganization-id = \"o\"\n";

fn wrong(lines: &str, line: usize, words: &[&str]) {
    let complaints = read(lines).expect_err(lines);
    let [complaint] = complaints.as_slice() else {
        panic!("{lines}: {complaints:#?}");
    };
    let place = format!("parlor.toml:{line}: ");
    assert!(complaint.contains(&place), "{lines}: {complaint}");
    for word in words {
        assert!(complaint.contains(word), "{lines}: {word}: {complaint}");
    }
}

fn wrong_beside(lines: &str, line: usize, words: &[&str]) {
    wrong(&format!("{GOOD}{lines}\n"), line, words);
}

fn bot(lines: &str) -> crate::connectors::livechat::LiveChatConfig {
    let mut settings = read(lines).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
    match settings.bots.remove(0).platform {
        Platform::LiveChat(config) => *config,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bot_on_livechat_is_installed_or_has_an_owner() {
    let installed = bot(GOOD);
    assert_eq!(installed.version, Version::DEFAULT);
    assert_eq!(installed.routing, Routing::NotAccepting);
    assert_eq!(installed.groups[0].priority, Priority::Supervisor);
    assert_eq!(installed.api.as_str(), "https://api.livechatinc.com/");
    assert!(bot(OWNED).app.redirect.is_none());
    assert!(
        read(&format!(
            "{GOOD}account-id = \"a\"\npersonal-token = \"file:key\"\n"
        ))
        .is_ok()
    );
    wrong(
        "client-id = \"c\"\n",
        1,
        &["could be on no licence", "redirect-uri ="],
    );
    wrong(
        "redirect-uri = \"https://a.example/t\"\n",
        1,
        &["`client-id` is missing"],
    );
}

#[test]
fn a_personal_token_needs_its_account() {
    wrong_beside("account-id = \"a\"", 7, &["`account-id`", "both"]);
    wrong_beside(
        "personal-token = \"file:key\"",
        7,
        &["`personal-token`", "both"],
    );
    wrong_beside(
        "organization-id = \"o\"",
        7,
        &["stands without `personal-token`"],
    );
    wrong_beside(
        "account-id = \"a\"\npersonal-token = \"written out\"",
        8,
        &["`personal-token`", "is written out"],
    );
}

#[test]
fn a_redirect_is_one_that_can_be_registered() {
    for redirect in [
        "https://a.example/token?x=1",
        "http://a.example/token",
        "a.example/token",
        "",
    ] {
        let lines = format!("client-id = \"c\"\nredirect-uri = \"{redirect}\"\n");
        let complaints = read(&lines).expect_err(redirect);
        assert!(complaints[0].contains("`redirect-uri`"), "{complaints:?}");
    }
    let taken = "client-id = \"c\"\nredirect-uri = \"https://a.example/hooks/x\"\n";
    let complaints = read(taken).expect_err(taken);
    assert!(
        complaints[0].contains("those are the host's"),
        "{complaints:?}"
    );
    let local = "client-id = \"c\"\nredirect-uri = \"http://localhost:5000/token\"\n";
    assert_eq!(bot(local).app.redirect.unwrap().path(), "/token");
}

#[test]
fn versions_are_those_that_are_spoken_and_chat_io_has_its_own_hosts() {
    wrong_beside("version = \"3.3\"", 7, &["`version`", "`3.4` to `3.7`"]);
    let old = bot(&format!("{GOOD}version = \"0.3\"\n"));
    assert_eq!(old.version, Version::ChatIo(3));
    assert_eq!(old.api.as_str(), "https://api.chat.io/");
    assert!(old.groups.is_empty());
    let complaints = read(&format!("{OWNED}version = \"0.3\"\n")).expect_err("no such token");
    assert!(
        complaints
            .iter()
            .any(|it| it.contains("nothing that chat.io has")),
        "{complaints:?}"
    );
}

#[test]
fn what_the_bot_is_keeps_to_the_platform_s_bounds() {
    wrong_beside("max-chats = 501", 7, &["`max-chats`", "1 to 500"]);
    wrong_beside(
        "routing = \"acepting\"",
        7,
        &["`routing`", "did you mean `accepting`?"],
    );
    wrong_beside(
        "groups = [{ id = 0, priority = \"top\" }]",
        7,
        &["`priority`", "supervisor"],
    );
    wrong_beside(
        "groups = [{ priority = \"first\" }]",
        7,
        &["`id` is missing"],
    );
    wrong_beside("groups = [{ id = 1 }, { id = 1 }]", 7, &["each group once"]);
    wrong_beside("display-name = \"\"", 7, &["`display-name`", "1 to 100"]);
    wrong_beside(
        "webhook-secret = \"plain\"",
        7,
        &["`webhook-secret`", "written out"],
    );
    wrong_beside("colour = \"red\"", 7, &["unknown key `colour`"]);
}

#[test]
fn each_bot_has_a_path_and_each_bot_of_chat_io_a_secret_of_its_own() {
    let second = format!("{GOOD}[[bot]]\nname = \"other\"\nplatform = \"livechat\"\n{GOOD}");
    wrong(&second, 12, &["the path /token that another bot has"]);
    wrong_beside(
        "webhook-secret = \"file:key\"\nversion = \"0.3\"",
        7,
        &["`webhook-secret`", "nothing that chat.io has"],
    );
}

#[test]
fn working_hours_have_a_zone_and_days() {
    let hours = |inner: &str| format!("working-hours = {{ {inner} }}");
    wrong_beside(
        &hours("monday = \"09:00-17:00\""),
        7,
        &["`time-zone` is missing"],
    );
    wrong_beside(
        &hours("time-zone = \"Mars/Olympus\", monday = \"09:00-17:00\""),
        7,
        &["`time-zone`", "Europe/Warsaw"],
    );
    wrong_beside(
        &hours("time-zone = \"Europe/Warsaw\""),
        7,
        &["at least one day"],
    );
    for day in ["17:00-09:00", "9-17", "09:00", "24:00-25:00"] {
        let inner =
            format!("time-zone = \"Europe/Warsaw\", tuesday = \"{day}\", monday = \"09:00-17:00\"");
        wrong_beside(&hours(&inner), 7, &["`tuesday`", "09:00-17:00"]);
    }
    let read = bot(&format!(
        "{GOOD}{}\n",
        hours("time-zone = \"Europe/Warsaw\", sunday = \"08:00-23:59\"")
    ));
    assert_eq!(read.hours.unwrap().days[0].day, "sunday");
}
