//! Actions and reads of the contract, each by a plugin, on the pod.

use parlor_host::mailbox::Connector as _;
use parlor_host::model::action::{ActionKind, NewConversation, NewRoom};
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::symphony::SymphonyOptions;
use parlor_tests::sim::{Fault, Logged};
use serde_json::{Value, json};

use crate::bank::Bank;

/// Tells the guest to do something in a room, and gives the request that it made of it.
pub(crate) async fn asks(bank: &Bank, what: &str, method: &str, path: &str) -> Logged {
    let before = bank.sim.request_count();
    bank.sim.say("Desk", "ada", &format!("/do {what}"));
    let asked = bank.sim.request_like(before, PATIENCE, |it| {
        it.method == method && is_like(path, &it.path) && it.status.is_some()
    });
    let found = asked.await;
    found.unwrap_or_else(|| {
        let asked = bank.sim.requests_after(before);
        let asked: Vec<String> = asked
            .iter()
            .map(|it| format!("{} {} {:?} {}", it.method, it.path, it.status, it.answer))
            .collect();
        let error = bank.host.row("actions").last_error;
        panic!("{what}: nothing like {method} {path}: {error:?} {asked:#?}")
    })
}

fn is_like(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, end)) => path.starts_with(start) && path.ends_with(end),
    }
}

/// What became of the guest's last actions, as it was told.
pub(crate) async fn outcomes(bank: &Bank) -> String {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let before = bank.sim.sent_count();
        bank.sim.say("Desk", "ada", "/outcomes");
        let told = bank.says(before, "").await.text;
        if told != "nothing" {
            return told;
        }
        assert!(std::time::Instant::now() < until, "nothing comes of it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_to_people_rooms_and_addresses() {
    let bank = Bank::with(&["actions"]).await;
    let said = bank.sim.say("Desk", "ada", "/do send hello");
    bank.says(0, "hello").await;
    let grace = bank.sim.person("grace");
    let create = "/agent/v4/stream/*/message/create";
    asks(&bank, &format!("send-user {grace}"), "POST", create).await;
    let heidi = bank.sim.person("heidi");
    asks(
        &bank,
        &format!("send-users {grace},{heidi}"),
        "POST",
        "/pod/v1/im/create",
    )
    .await;
    bank.says(0, "to users").await;
    asks(&bank, "send-email grace@acme.com", "GET", "/pod/v3/users").await;
    let there = format!("send-conversation {}", said.stream_id);
    asks(&bank, &there, "POST", create).await;
    bank.says(0, "to a conversation").await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_message_is_changed_and_taken_away() {
    let bank = Bank::with(&["actions"]).await;
    bank.sim.say("Desk", "ada", "/do send first");
    bank.says(0, "first").await;
    let edit = asks(&bank, "edit", "POST", "/agent/v4/stream/*/update").await;
    assert_eq!(edit.status, Some(200));
    assert!(edit.body.contains("name=\"silent\""), "{}", edit.body);
    bank.does(0, |sent| {
        sent.kind == "edit" && sent.text.contains("edited")
    })
    .await;
    // An edit makes a new id; the key goes with it.
    let suppress = asks(
        &bank,
        "delete",
        "POST",
        "/pod/v1/admin/messagesuppression/*/suppress",
    )
    .await;
    assert_eq!(suppress.status, Some(200), "{}", suppress.answer);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_room_is_entered_and_left() {
    let bank = Bank::with(&["actions"]).await;
    let room = bank.sim.act(
        "room",
        json!({"conversation": "Open", "user": "grace", "public": true, "bot": "out"}),
    );
    let id = room["stream_id"].as_str().unwrap_or_default().to_owned();
    let join = asks(
        &bank,
        &format!("join {id}"),
        "POST",
        "/pod/v1/room/*/membership/add",
    )
    .await;
    assert_eq!(join.status, Some(200), "{}", join.answer);
    assert_eq!(join.json().unwrap(), json!({"id": bank.sim.bot_id()}));
    assert!(bank.sim.members("Open").contains(&"trade.bot".to_owned()));
    let leave = asks(
        &bank,
        &format!("leave {id}"),
        "POST",
        "/pod/v1/room/*/membership/remove",
    )
    .await;
    assert_eq!(leave.status, Some(200), "{}", leave.answer);
    assert!(!bank.sim.members("Open").contains(&"trade.bot".to_owned()));
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_made_changed_and_filled() {
    let bank = Bank::with(&["actions"]).await;
    let made = asks(&bank, "create-private Annex", "POST", "/pod/v3/room/create").await;
    assert_eq!(made.status, Some(200), "{}", made.answer);
    let asked = made.json().unwrap();
    assert_eq!(asked["name"], "Annex");
    assert_eq!(asked["public"], Value::Bool(false));
    let public = asks(
        &bank,
        "create-conversation Square",
        "POST",
        "/pod/v3/room/create",
    )
    .await;
    assert_eq!(public.status, Some(200), "{}", public.answer);
    // The bot must own the room it changes: this one is Ada's.
    bank.sim.act(
        "member",
        json!({"conversation": "Desk", "user": "bot", "change": "promote"}),
    );
    let changed = asks(
        &bank,
        "update-conversation Desk2",
        "POST",
        "/pod/v3/room/*/update",
    )
    .await;
    assert_eq!(changed.status, Some(200), "{}", changed.answer);
    let grace = bank.sim.person("grace");
    for (what, path) in [
        ("invite", "/pod/v1/room/*/membership/add"),
        ("promote", "/pod/v1/room/*/membership/promoteOwner"),
        ("demote", "/pod/v1/room/*/membership/demoteOwner"),
        ("remove", "/pod/v1/room/*/membership/remove"),
    ] {
        let done = asks(&bank, &format!("{what} {grace}"), "POST", path).await;
        assert_eq!(done.status, Some(200), "{what}: {}", done.answer);
    }
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_of_a_new_room_are_all_added_at_the_pace_of_the_pod() {
    let sim = parlor_tests::sim::symphony::Symphony::start(SymphonyOptions::default());
    let sim = sim.await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bot = crate::alone::connector(folder.path(), &crate::bank::settings(&sim, ""));
    let names = ["grace", "heidi", "ivan"];
    let room = ActionKind::CreateConversation(NewConversation::Room(NewRoom {
        name: "Annex".to_owned(),
        description: String::new(),
        members: names.map(|it| sim.person(it).to_string()).to_vec(),
        public: false,
        external: false,
        open: false,
    }));
    let add = "POST /pod/v1/room/*/membership/add";
    // The first is told to come later, and the answer to the second is lost.
    sim.fault(Fault::on(add).status(429).header("Retry-After", "1"));
    sim.fault(Fault::on(add).after(2).drop().performed());
    let part = crate::alone::part(&bot, "", room);
    let made = bot.perform(&part).await.expect("a room is made");
    assert_eq!(made.notes, Vec::<String>::new());
    let members = sim.members("Annex");
    for name in names {
        assert!(members.contains(&name.to_owned()), "{name}: {members:?}");
    }
    let added = sim.requests_after(0).into_iter();
    let added = added.filter(|it| it.path.ends_with("/membership/add"));
    let times: Vec<i64> = added.map(|it| it.at).collect();
    assert_eq!(times.len(), 5);
    let pairs = times.iter().zip(&times[1..]);
    assert!(
        pairs.clone().all(|(one, next)| next - one >= 300),
        "{times:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_and_presence() {
    let bank = Bank::with(&["actions"]).await;
    bank.sim.say("Desk", "ada", "hello");
    let eve = bank.sim.person("eve@other.com");
    let mallory = bank.sim.person("mallory@other.com");
    let oscar = bank.sim.person("oscar@other.com");
    // These two ask the bot.
    for user in ["eve@other.com", "mallory@other.com"] {
        let ask = json!({"user": user, "change": "request"});
        bank.sim.act("connection", ask);
    }
    for (what, who, path) in [
        ("request-contact", oscar, "/pod/v1/connection/create"),
        ("accept-contact", eve, "/pod/v1/connection/accept"),
        ("reject-contact", mallory, "/pod/v1/connection/reject"),
        ("remove-contact", eve, "/pod/v1/connection/user/*/remove"),
    ] {
        let asked = asks(&bank, &format!("{what} {who}"), "POST", path).await;
        assert_eq!(asked.status, Some(200), "{what}: {}", asked.answer);
        match asked.json() {
            Some(body) => assert_eq!(body, json!({"userId": who}), "{what}"),
            None => assert_eq!(asked.path, format!("/pod/v1/connection/user/{who}/remove")),
        }
    }
    let presence = asks(&bank, "set-presence", "POST", "/pod/v2/user/presence").await;
    assert_eq!(presence.json().unwrap()["category"], "BUSY");
    assert_eq!(presence.status, Some(200), "{}", presence.answer);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_symphony_does_not_have_is_unsupported() {
    let bank = Bank::with(&["actions"]).await;
    for what in ["react x", "typing", "tag", "close", "transfer"] {
        bank.sim.say("Desk", "ada", &format!("/do {what}"));
        let told = outcomes(&bank).await;
        assert!(told.contains("Unsupported"), "{what}: {told}");
    }
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_out_and_come_in() {
    let bank = Bank::with(&["actions", "reads"]).await;
    let sent = asks(
        &bank,
        "send-file",
        "POST",
        "/agent/v4/stream/*/message/create",
    )
    .await;
    assert!(
        sent.body
            .contains("name=\"attachment\"; filename=\"a.txt\""),
        "{}",
        sent.body
    );
    assert_eq!(sent.status, Some(200), "{}", sent.answer);
    let big = asks(
        &bank,
        "send-big 9000000",
        "POST",
        "/agent/v4/stream/*/message/create",
    )
    .await;
    assert!(
        big.size > 9_000_000 && big.status == Some(200),
        "{}",
        big.answer
    );
    bank.sim.say_with(json!({
        "conversation": "Desk", "user": "ada", "text": "/here attachment",
        "attachments": [{"name": "chart.png", "base64": "cGl4ZWxz"}],
    }));
    bank.says(0, "chart.png image/png has 6 bytes").await;
    bank.sim.say_with(json!({
        "conversation": "Desk", "user": "ada", "text": "/do send-received",
        "attachments": [{"name": "chart.png", "base64": "cGl4ZWxz"}],
    }));
    bank.says(0, "passed on").await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_behalf_of_a_user_by_name_and_by_id() {
    let sim = parlor_tests::sim::symphony::Symphony::start(SymphonyOptions::default());
    let sim = sim.await.unwrap();
    let app = format!(
        "app = {{ id = \"{}\", private-key = \"file:{}\" }}",
        parlor_tests::sim::symphony::APP,
        sim.file("app.pem").display()
    );
    let text = crate::bank::settings(&sim, &app);
    let bank = Bank::on(sim, text, &["actions"]).await;
    bank.sim.say("Desk", "grace", "hello");
    let grace = bank.sim.person("grace");
    let by_name = asks(
        &bank,
        "send-as grace",
        "POST",
        "/login/pubkey/app/username/*/authenticate",
    )
    .await;
    assert_eq!(by_name.status, Some(200), "{}", by_name.answer);
    let said = bank.says(0, "as somebody").await;
    let by_id = format!("send-as {grace}");
    let by_id = asks(
        &bank,
        &by_id,
        "POST",
        "/login/pubkey/app/user/*/authenticate",
    )
    .await;
    assert_eq!(by_id.status, Some(200), "{}", by_id.answer);
    bank.says(said.n, "as somebody").await;
    let asked = bank.sim.requests_after(0);
    let create = asked
        .iter()
        .filter(|it| it.path.ends_with("/message/create"));
    for request in create.filter(|it| it.body.contains("as somebody")) {
        assert_eq!(request.header("keymanagertoken"), None);
    }
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_the_directory() {
    let bank = Bank::with(&["reads"]).await;
    let said = bank.sim.say("Desk", "ada", "hello");
    let (ada, room) = (bank.sim.person("ada"), said.stream_id.clone());
    let reads = [
        ("find-conversation desk Desk".to_owned(), room.clone()),
        ("conversations desk".to_owned(), room.clone()),
        (format!("members {room}"), "trade.bot".to_owned()),
        ("find-user desk ada".to_owned(), ada.to_string()),
        (format!("find-user desk {ada}"), "ada".to_owned()),
        (format!("contact {ada}"), "Accepted".to_owned()),
        (format!("presence {ada}"), "Ok(".to_owned()),
        (format!("message {}", said.message_id), "hello".to_owned()),
        (format!("history {room}"), "hello".to_owned()),
        (format!("transfer-targets {room}"), "Unsupported".to_owned()),
        (format!("capabilities {room}"), "forms: true".to_owned()),
        (
            "find-user desk nobody-at-all".to_owned(),
            "NotFound".to_owned(),
        ),
    ];
    for (read, expected) in reads {
        let before = bank.sim.sent_count();
        bank.sim.say("Desk", "ada", &format!("/read {read}"));
        let answer = bank.says(before, "").await;
        assert!(answer.text.contains(&expected), "{read}: {}", answer.text);
    }
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pod_refuses_is_told_by_its_class() {
    let bank = Bank::with(&["actions"]).await;
    let create = "POST /agent/v4/stream/*/message/create";
    let cases = [
        (
            403,
            json!({"code": 403, "message": "not a member"}),
            "Denied",
        ),
        (
            404,
            json!({"code": 404, "message": "no stream"}),
            "NotFound",
        ),
        (
            451,
            json!({"code": 451, "message": "blocked"}),
            "RefusedByPolicy",
        ),
        (
            413,
            json!({"code": "LIMIT_MESSAGE_CONTENT_MAX_TOTAL_SIZE_REACHED", "message": "limit", "status": "PAYLOAD_TOO_LARGE"}),
            "TooLarge",
        ),
        (410, json!({"message": "deprecated"}), "Unsupported"),
    ];
    for (status, body, class) in cases {
        bank.sim.fault(Fault::on(create).status(status).body(body));
        bank.sim.say("Desk", "ada", "/do send x");
        let told = outcomes(&bank).await;
        assert!(told.contains(class), "{status}: {told}");
    }
    bank.stop().await;
}
