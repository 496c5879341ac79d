//! What plugins do and read on behalf of users: each operation that an app may be permitted, as the user
//! whose session the pod was shown.

use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::symphony::{APP, BOT, Symphony, SymphonyOptions};
use parlor_tests::sim::{Fault, Logged};
use serde_json::{Value, json};

use crate::actions::outcomes;
use crate::bank::{Bank, settings};

/// A pod and a host whose bot may act for users.
async fn acting() -> Bank {
    let sim = Symphony::start(SymphonyOptions::default()).await;
    let sim = sim.expect("a pod");
    let app = format!(
        "app = {{ id = \"{APP}\", private-key = \"file:{}\" }}",
        sim.file("app.pem").display()
    );
    let text = settings(&sim, &app);
    let bank = Bank::on(sim, text, &["actions", "reads"]).await;
    bank.sim.say("Desk", "ada", "hello");
    bank
}

/// What the guest answers.
async fn answer(bank: &Bank, question: &str) -> String {
    let before = bank.sim.sent_count();
    bank.sim.say("Desk", "ada", question);
    bank.says(before, "").await.text
}

/// The answered requests of a path since one, and whose session each of them showed.
fn asked(bank: &Bank, after: u64, method: &str, end: &str) -> Vec<(String, Logged)> {
    let requests = bank.sim.requests_after(after).into_iter();
    let like = requests.filter(|it| it.method == method && it.path.ends_with(end));
    like.map(|it| {
        let caller = it.notes.get("caller").and_then(Value::as_str);
        (caller.unwrap_or("nobody").to_owned(), it)
    })
    .collect()
}

/// The one request of a path since one was made with a user's session that the app opened. What was
/// done is known before the request is answered, and whose it was after: it is waited for.
async fn was_asked_by(bank: &Bank, after: u64, user: &str, method: &str, end: &str) {
    let is_answered =
        |it: &Logged| it.method == method && it.path.ends_with(end) && it.status.is_some();
    bank.sim.request_like(after, PATIENCE, is_answered).await;
    let mut asked = asked(bank, after, method, end);
    assert_eq!(asked.len(), 1, "{method} {end}: {asked:#?}");
    let (caller, request) = asked.remove(0);
    assert_eq!(caller, user, "{method} {end}");
    assert_eq!(request.notes.get("app"), Some(&APP.into()), "{end}");
    assert_eq!(request.header("keymanagertoken"), None, "{end}");
    assert_eq!(request.status, Some(200), "{}", request.answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_s_conversations_are_listed_and_told_to_nobody_else() {
    let bank = acting().await;
    let vault = json!({"conversation": "Vault", "user": "grace", "bot": "out"});
    bank.sim.act("room", vault);
    let grace = bank.sim.person("grace");
    let start = bank.sim.request_count();
    let by_id = format!("/read-as {grace} conversations desk");
    // In the second round nobody is asked, and everybody hears what is theirs.
    for round in 1..=2 {
        for (question, theirs, other) in [
            ("/read conversations desk", "Desk", "Vault"),
            ("/read-as grace conversations desk", "Vault", "Desk"),
            (by_id.as_str(), "Vault", "Desk"),
            ("/read-as ada conversations desk", "Desk", "Vault"),
        ] {
            let told = answer(&bank, question).await;
            assert!(told.contains(theirs), "{round} {question}: {told}");
            assert!(!told.contains(other), "{round} {question}: {told}");
        }
    }
    let asked = asked(&bank, start, "POST", "/pod/v1/streams/list");
    let callers: Vec<&str> = asked.iter().map(|(caller, _)| caller.as_str()).collect();
    assert_eq!(callers, [BOT, "grace", "grace", "ada"]);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_asks_for_a_connection_and_knows_its_status() {
    let bank = acting().await;
    let eve = bank.sim.person("eve@other.com");
    let (grace, heidi) = (bank.sim.person("grace"), bank.sim.person("heidi"));
    let start = bank.sim.request_count();
    let before = bank.sim.sent_count();
    let ask = format!("/as grace request-contact {eve}");
    bank.sim.say("Desk", "ada", &ask);
    let done = bank.does(before, |it| it.kind == "connection-create").await;
    assert_eq!(done.raw["user"], eve);
    let told = outcomes(&bank).await;
    assert!(told.contains("request-contact: done"), "{told}");
    was_asked_by(&bank, start, "grace", "POST", "/pod/v1/connection/create").await;
    for (question, status) in [
        (format!("/read contact {eve}"), "Ok(ContactStatus::None)"),
        (
            format!("/read-as grace contact {eve}"),
            "Ok(ContactStatus::Requested)",
        ),
        (
            format!("/read-as heidi contact {eve}"),
            "Ok(ContactStatus::None)",
        ),
    ] {
        assert_eq!(answer(&bank, &question).await, status, "{question}");
    }
    let accept = json!({"user": "eve@other.com", "with": "grace", "change": "accept"});
    bank.sim.act("connection", accept);
    // What was asked by name is kept for a minute; by id it is asked anew.
    let before = bank.sim.request_count();
    let told = answer(&bank, &format!("/read-as {grace} contact {eve}")).await;
    assert_eq!(told, "Ok(ContactStatus::Accepted)");
    let path = format!("/pod/v1/connection/user/{eve}/info");
    was_asked_by(&bank, before, "grace", "GET", &path).await;
    let told = answer(&bank, &format!("/read-as {heidi} contact {eve}")).await;
    assert_eq!(told, "Ok(ContactStatus::None)");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_whether_those_are_there_who_are_connected() {
    let bank = acting().await;
    let eve = bank.sim.person("eve@other.com");
    bank.sim.person("heidi");
    let connected = json!({"user": "eve@other.com", "with": "grace", "change": "connected"});
    bank.sim.act("connection", connected);
    let path = format!("/pod/v3/user/{eve}/presence");
    for (question, status, caller) in [
        ("/read presence", "Offline", BOT),
        ("/read-as grace presence", "Available", "grace"),
        ("/read-as heidi presence", "Offline", "heidi"),
    ] {
        let before = bank.sim.request_count();
        let told = answer(&bank, &format!("{question} {eve}")).await;
        assert_eq!(told, format!("Ok(PresenceStatus::{status})"), "{question}");
        let asked = asked(&bank, before, "GET", &path);
        let callers: Vec<&str> = asked.iter().map(|(caller, _)| caller.as_str()).collect();
        assert_eq!(callers, [caller], "{question}");
    }
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_a_file_is_the_user_s() {
    let bank = acting().await;
    bank.sim.say("Desk", "grace", "hello");
    let grace = bank.sim.person("grace");
    let (before, start) = (bank.sim.sent_count(), bank.sim.request_count());
    bank.sim.say("Desk", "ada", "/as grace send-file");
    let sent = bank.says(before, "with a file").await;
    assert_eq!(sent.conversation, "Desk");
    assert_eq!(sent.raw["user"]["userId"], grace);
    assert_eq!(sent.raw["attachments"][0]["name"], "a.txt");
    assert_eq!(sent.raw["attachments"][0]["size"], "file-1".len());
    was_asked_by(&bank, start, "grace", "POST", "/message/create").await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_writes_to_one_person_and_to_several() {
    let bank = acting().await;
    let [grace, heidi, ivan, judy] =
        ["grace", "heidi", "ivan", "judy"].map(|it| bank.sim.person(it));
    for (action, others, text) in [
        (format!("send-user {heidi}"), vec![heidi], "to a user"),
        (
            format!("send-users {heidi},{ivan}"),
            vec![heidi, ivan],
            "to users",
        ),
        // Who is in it is asked as the user too: the bot may not look.
        (
            format!("send-user-agents {judy}"),
            vec![judy],
            "to an agent",
        ),
    ] {
        let (before, start) = (bank.sim.sent_count(), bank.sim.request_count());
        bank.sim.say("Desk", "ada", &format!("/as grace {action}"));
        let made = bank.does(before, |it| it.kind == "create-im").await;
        let mut users = vec![grace];
        users.extend(others);
        assert_eq!(made.raw["users"], json!(users), "{action}");
        let sent = bank.says(before, text).await;
        assert_eq!(sent.conversation, made.conversation, "{action}");
        assert_eq!(sent.raw["user"]["userId"], grace, "{action}");
        was_asked_by(&bank, start, "grace", "POST", "/pod/v1/im/create").await;
        was_asked_by(&bank, start, "grace", "POST", "/message/create").await;
    }
    let mallory = bank.sim.person("mallory");
    let before = bank.sim.sent_count();
    let direct = format!("/as grace create-direct {mallory}");
    bank.sim.say("Desk", "ada", &direct);
    let made = bank.does(before, |it| it.kind == "create-im").await;
    assert_eq!(made.raw["users"], json!([grace, mallory]));
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_s_presence_is_set_and_not_the_bots() {
    let bank = acting().await;
    let grace = bank.sim.person("grace");
    let (before, start) = (bank.sim.sent_count(), bank.sim.request_count());
    bank.sim.say("Desk", "ada", "/as grace set-presence");
    let set = bank.does(before, |it| it.kind == "presence").await;
    assert_eq!(set.raw["userId"], grace);
    let told = outcomes(&bank).await;
    assert!(told.contains("set-presence: done"), "{told}");
    was_asked_by(&bank, start, "grace", "POST", "/pod/v2/user/presence").await;
    let of_grace = answer(&bank, &format!("/read presence {grace}")).await;
    assert_eq!(of_grace, "Ok(PresenceStatus::Busy)");
    let own = answer(&bank, &format!("/read presence {}", bank.sim.bot_id())).await;
    assert!(own.starts_with("Ok(") && !own.contains("Busy"), "{own}");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_s_session_that_ends_is_opened_again() {
    let bank = acting().await;
    let ada = bank.sim.person("ada");
    bank.sim.person("grace");
    let question = format!("/read-as grace presence {ada}");
    let start = bank.sim.request_count();
    assert_eq!(
        answer(&bank, &question).await,
        "Ok(PresenceStatus::Available)"
    );
    assert_eq!(
        answer(&bank, &question).await,
        "Ok(PresenceStatus::Available)"
    );
    let logins = || asked(&bank, start, "POST", "/app/username/grace/authenticate").len();
    assert_eq!(logins(), 1);
    bank.sim.fault(Fault::default().expire_tokens());
    assert_eq!(
        answer(&bank, &question).await,
        "Ok(PresenceStatus::Available)"
    );
    assert_eq!(logins(), 2);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_app_may_not_do_for_a_user_is_denied() {
    let bank = acting().await;
    let ada = bank.sim.person("ada");
    bank.sim.person("heidi");
    bank.sim.set(json!({"app_installed_for": ["grace"]}));
    for user in ["heidi", "nobody-at-all"] {
        let told = answer(&bank, &format!("/read-as {user} conversations desk")).await;
        assert_eq!(told, "Err(ReadError::Denied)", "{user}");
    }
    bank.sim.say("Desk", "ada", "/as heidi send x");
    let told = outcomes(&bank).await;
    assert!(told.contains("Denied retrying=false"), "{told}");
    assert!(told.contains("installed for heidi?"), "{told}");
    // It is well with the bot: its own things go on.
    assert!(
        answer(&bank, "/read conversations desk")
            .await
            .contains("Desk")
    );
    let permitted = json!({"app_permissions": ["ACT_AS_USER", "SEND_MESSAGES"]});
    bank.sim.set(permitted);
    for read in [
        "conversations desk",
        &format!("contact {ada}"),
        &format!("presence {ada}"),
    ] {
        let told = answer(&bank, &format!("/read-as grace {read}")).await;
        assert_eq!(told, "Err(ReadError::Denied)", "{read}");
    }
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_without_an_app_acts_for_nobody() {
    let bank = Bank::with(&["actions", "reads"]).await;
    bank.sim.say("Desk", "grace", "hello");
    let grace = bank.sim.person("grace");
    for read in [
        "conversations desk",
        &format!("contact {grace}"),
        &format!("presence {grace}"),
    ] {
        let told = answer(&bank, &format!("/read-as grace {read}")).await;
        assert_eq!(told, "Err(ReadError::Unsupported)", "{read}");
    }
    let before = bank.sim.sent_count();
    bank.sim.say("Desk", "ada", "/as grace send x");
    let told = outcomes(&bank).await;
    assert!(told.contains("Unsupported retrying=false"), "{told}");
    assert!(told.contains("needs `app` in the settings"), "{told}");
    let said = bank.sim.sent_after(before);
    assert!(said.iter().all(|it| it.text != "x"), "{said:#?}");
    bank.stop().await;
}
