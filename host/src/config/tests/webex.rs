//! A bot on Webex.

use std::time::Duration;

use super::{messages, parse};
use crate::config::Platform;
use crate::connectors::webex::WebexConfig;
use crate::connectors::webex::config::Events;

fn bot(more: &str) -> String {
    format!("[[bot]]\nname = \"desk\"\nplatform = \"webex\"\ntoken = \"${{API_TOKEN}}\"\n{more}")
}

fn config(more: &str) -> WebexConfig {
    match parse(&bot(more)).unwrap().bots.remove(0).platform {
        Platform::Webex(config) => *config,
        other => panic!("another platform: {}", other.name()),
    }
}

#[test]
fn a_token_is_all_that_a_bot_needs() {
    let found = config("");
    assert_eq!(found.base.as_str(), "https://webexapis.com/v1");
    assert_eq!(found.token.expose(), "s3cret");
    assert!(!format!("{found:?}").contains("s3cret"));
    let Events::Webhook(hooks) = found.events else {
        panic!("{:?}", found.events);
    };
    assert_eq!((hooks.path, hooks.secret), (None, None));
    assert_eq!(hooks.check, Duration::from_secs(120));
    assert_eq!(found.read_back, Duration::from_secs(900));
    assert_eq!(
        config("read-back-secs = 60").read_back,
        Duration::from_secs(60)
    );
}

#[test]
fn how_it_hears_is_one_setting_and_its_keys_belong_to_it() {
    let Events::Webhook(hooks) = config("path = \"/webex\"\nwebhook-sha256 = true").events else {
        panic!("no webhook");
    };
    assert_eq!(hooks.path.as_deref(), Some("/webex"));
    assert!(hooks.takes_sha256);
    let socket = config("events = \"websocket\"").events;
    assert!(matches!(socket, Events::Websocket(config)
        if config.discovery.as_str() == "https://u2c.wbx2.com/u2c/api/v1"));
    let wrong = messages(&bot("events = \"websocket\"\npath = \"/webex\""));
    assert!(
        wrong[0].starts_with("parlor.toml:6: unknown key `path`"),
        "{wrong:?}"
    );
    let wrong = messages(&bot("events = \"polling\""));
    assert!(
        wrong[0].contains("`events`") && wrong[0].contains("websocket"),
        "{wrong:?}"
    );
}

#[test]
fn a_path_leads_nowhere_else() {
    for path in [
        "webex", "/", "/a/", "/a//b", "/../a", "/hooks", "/hooks/x", "/bots/x", "/a b", "/ä",
    ] {
        let wrong = messages(&bot(&format!("path = \"{path}\"")));
        assert!(
            wrong[0].starts_with("parlor.toml:5: `path`"),
            "{path}: {wrong:?}"
        );
    }
    assert!(parse(&bot("path = \"/hooks2/x\"")).is_ok());
}

#[test]
fn two_bots_at_one_path_are_told_with_both_lines() {
    let other = |more: &str| bot(more).replace("\"desk\"", "\"other\"");
    let calls = "path = \"/calls\"";
    let wrong = messages(&format!("{}\n{}", bot(calls), other(calls)));
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(
        wrong[0].starts_with("parlor.toml:10: `path`")
            && wrong[0].contains("has the path /calls of `path` in line 5"),
        "{wrong:?}"
    );
    let chat = "[[bot]]\nname = \"chat\"\nplatform = \"livechat\"\nclient-id = \"c\"\n\
                redirect-uri = \"https://bots.acme.com/calls\"";
    let wrong = messages(&format!("{}\n{chat}", bot(calls)));
    assert!(
        wrong[0].starts_with("parlor.toml:10: `redirect-uri`")
            && wrong[0].contains("of `path` in line 5"),
        "{wrong:?}"
    );
    for more in ["", "path = \"/calls2\"", "path = \"/calls/2\""] {
        assert!(parse(&format!("{}\n{}", bot(calls), other(more))).is_ok());
    }
}

#[test]
fn a_bot_is_called_at_its_own_path_or_at_the_hosts() {
    let path = |more: &str| {
        let bots = parse(&bot(more)).unwrap().bots;
        bots[0].platform.call_path(&bots[0].name)
    };
    assert_eq!(path("").as_deref(), Some("/bots/default/desk"));
    assert_eq!(path("path = \"/calls\"").as_deref(), Some("/calls"));
    assert_eq!(path("events = \"websocket\""), None);
}

#[test]
fn an_address_is_https_or_of_this_machine() {
    for api in [
        "http://webexapis.com/v1",
        "webexapis.com",
        "https://a:b@webexapis.com",
        "https://webexapis.com/?x",
    ] {
        let wrong = messages(&bot(&format!("api = \"{api}\"")));
        assert!(
            wrong[0].starts_with("parlor.toml:5: `api`"),
            "{api}: {wrong:?}"
        );
    }
    assert_eq!(
        config("api = \"http://127.0.0.1:9000/v1/\"").base.as_str(),
        "http://127.0.0.1:9000/v1"
    );
    let missing = messages("[[bot]]\nname = \"desk\"\nplatform = \"webex\"");
    assert!(missing[0].contains("`token`"), "{missing:?}");
}
