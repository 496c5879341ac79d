//! What the connector asks is what the platform's official descriptions have.

use parlor_tests::sim::symphony::{APP, Symphony, SymphonyOptions, symphony_api};
use serde_json::json;

use crate::actions::asks;
use crate::bank::{Bank, settings};

/// What has to have been asked and answered well, so that it was looked at.
const WANTED: [(&str, &str); 35] = [
    ("POST", "/login/pubkey/authenticate"),
    ("POST", "/relay/pubkey/authenticate"),
    ("POST", "/login/pubkey/app/authenticate"),
    ("POST", "/login/pubkey/app/username/*/authenticate"),
    ("GET", "/pod/v2/sessioninfo"),
    ("POST", "/pod/v1/user/manifest/own"),
    ("GET", "/agent/v5/datafeeds"),
    ("POST", "/agent/v5/datafeeds"),
    ("POST", "/agent/v5/datafeeds/*/read"),
    ("POST", "/agent/v4/stream/*/message/create"),
    ("POST", "/agent/v4/stream/*/message/*/update"),
    ("POST", "/agent/v4/message/blast"),
    ("GET", "/agent/v4/stream/*/message"),
    ("GET", "/agent/v1/message/*"),
    ("GET", "/agent/v1/stream/*/attachment"),
    ("POST", "/pod/v1/admin/messagesuppression/*/suppress"),
    ("POST", "/pod/v1/im/create"),
    ("POST", "/pod/v1/streams/list"),
    ("GET", "/pod/v2/streams/*/info"),
    ("POST", "/pod/v3/room/create"),
    ("POST", "/pod/v3/room/*/update"),
    ("POST", "/pod/v3/room/search"),
    ("GET", "/pod/v2/room/*/membership/list"),
    ("POST", "/pod/v1/room/*/membership/add"),
    ("POST", "/pod/v1/room/*/membership/remove"),
    ("POST", "/pod/v1/room/*/membership/promoteOwner"),
    ("POST", "/pod/v1/room/*/membership/demoteOwner"),
    ("POST", "/pod/v1/connection/create"),
    ("POST", "/pod/v1/connection/accept"),
    ("POST", "/pod/v1/connection/reject"),
    ("POST", "/pod/v1/connection/user/*/remove"),
    ("GET", "/pod/v1/connection/user/*/info"),
    ("GET", "/pod/v3/user/*/presence"),
    ("POST", "/pod/v2/user/presence"),
    ("GET", "/pod/v3/users"),
];

fn is_like(pattern: &str, path: &str) -> bool {
    let (wanted, found) = (pattern.split('/'), path.split('/'));
    wanted.clone().count() == found.clone().count()
        && wanted
            .zip(found)
            .all(|(wanted, found)| wanted == "*" || wanted == found)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_as_the_platform_describes_it() {
    if symphony_api().is_none() {
        // Said aloud where they were looked for.
        return;
    }
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    let app = format!(
        "app = {{ id = \"{APP}\", private-key = \"file:{}\" }}",
        sim.file("app.pem").display()
    );
    let text = settings(&sim, &app);
    let bank = Bank::on(sim, text, &["actions", "reads"]).await;
    let room = bank.sim.say("Desk", "ada", "hello").stream_id;
    let (ada, grace) = (bank.sim.person("ada"), bank.sim.person("grace"));
    bank.sim.act(
        "member",
        json!({"conversation": "Desk", "user": "bot", "change": "promote"}),
    );
    let open = bank.sim.act(
        "room",
        json!({"conversation": "Open", "user": "grace", "public": true, "bot": "out"}),
    );
    let open = open["stream_id"].as_str().unwrap_or_default().to_owned();

    let create = "/agent/v4/stream/*/message/create";
    let member = |what: &str| format!("/pod/v1/room/*/membership/{what}");
    let actions = [
        ("send first".to_owned(), create.to_owned()),
        ("edit".to_owned(), "/agent/v4/stream/*/update".to_owned()),
        ("send second".to_owned(), create.to_owned()),
        ("delete".to_owned(), "*/suppress".to_owned()),
        ("send-file".to_owned(), create.to_owned()),
        (
            format!("blast {room}"),
            "/agent/v4/message/blast".to_owned(),
        ),
        (format!("send-user {grace}"), "/pod/v1/im/create".to_owned()),
        (
            "send-as grace".to_owned(),
            "*/username/grace/authenticate".to_owned(),
        ),
        (
            "create-private Annex".to_owned(),
            "/pod/v3/room/create".to_owned(),
        ),
        (
            "create-conversation Square".to_owned(),
            "/pod/v3/room/create".to_owned(),
        ),
        (
            "update-conversation Desk2".to_owned(),
            "/pod/v3/room/*/update".to_owned(),
        ),
        (format!("join {open}"), member("add")),
        (format!("leave {open}"), member("remove")),
        (format!("invite {grace}"), member("add")),
        (format!("promote {grace}"), member("promoteOwner")),
        (format!("demote {grace}"), member("demoteOwner")),
        (format!("remove {grace}"), member("remove")),
        (
            "set-presence".to_owned(),
            "/pod/v2/user/presence".to_owned(),
        ),
    ];
    for (what, path) in actions {
        let done = asks(&bank, &what, "POST", &path).await;
        assert_eq!(done.status, Some(200), "{what}: {}", done.answer);
    }
    // Requests of two people to the bot, one of the bot's, each answered in its way.
    let (eve, oscar) = (
        bank.sim.person("eve@other.com"),
        bank.sim.person("oscar@other.com"),
    );
    for user in ["eve@other.com", "oscar@other.com"] {
        bank.sim
            .act("connection", json!({"user": user, "change": "request"}));
    }
    let third = bank.sim.person("peggy@other.com");
    for (what, verb) in [
        (format!("accept-contact {eve}"), "accept"),
        (format!("reject-contact {oscar}"), "reject"),
        (format!("request-contact {third}"), "create"),
        (format!("remove-contact {eve}"), "user/*/remove"),
    ] {
        let path = format!("/pod/v1/connection/{verb}");
        let done = asks(&bank, &what, "POST", &path).await;
        assert_eq!(done.status, Some(200), "{what}: {}", done.answer);
    }
    let said = bank.sim.say("Desk", "ada", "to be read");
    for read in [
        "find-conversation desk Square".to_owned(),
        format!("find-conversation desk {room}"),
        "conversations desk".to_owned(),
        format!("members {room}"),
        "find-user desk ada".to_owned(),
        "find-user desk ada@acme.com".to_owned(),
        format!("find-user desk {ada}"),
        format!("contact {third}"),
        format!("presence {ada}"),
        format!("message {}", said.message_id),
        format!("history {room} 5"),
        format!("history {room} 5 {}", i64::MAX),
    ] {
        let before = bank.sim.sent_count();
        bank.sim.say_im("ada", &format!("/read {read}"));
        let answer = bank.says(before, "").await;
        assert!(answer.text.starts_with("Ok("), "{read}: {}", answer.text);
    }
    let before = bank.sim.sent_count();
    bank.sim.say_with(json!({
        "conversation": "Desk", "user": "ada", "text": "/here attachment",
        "attachments": [{"name": "chart.png", "base64": "cGl4ZWxz"}],
    }));
    bank.says(before, "has 6 bytes").await;

    let asked = bank.sim.requests_after(0);
    for (method, pattern) in WANTED {
        let is_wanted = asked.iter().any(|it| {
            it.method == method
                && is_like(pattern, &it.path)
                && it.status.is_some_and(|status| (200..300).contains(&status))
        });
        assert!(is_wanted, "nothing good came of {method} {pattern}");
    }
    // Looks at all of them.
    bank.stop().await;
}

#[test]
fn lists_of_features_are_spelled_as_on_the_wire() {
    let Some(api) = symphony_api() else {
        return;
    };
    let check = |name: &str| {
        let list = json!([{name: "canCreatePublicRoom", "enabled": true}]).to_string();
        api.check_response("GET", "/pod/v1/admin/user/1/features", 200, list.as_bytes())
    };
    assert_eq!(check("entitlment"), Vec::<String>::new());
    assert_ne!(check("entitlement"), Vec::<String>::new());
}
