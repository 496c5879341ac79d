//! Roles, `only`, `allow` and grants, through wasm guests: who may, who is told why not, and what the
//! operator is told to write.

use parlor_host::app::reload::FolderChange;
use parlor_host::journal::DeadReason;
use parlor_host::mailbox::rooms::Command;
use parlor_host::model::payload::PresenceStatus;
use parlor_tests::guests;
use parlor_tests::harness::{BOT, TestHost, TestHostParts};
use parlor_tests::stage::{ONLOOKER, Stage, TELLER};

/// A host whose staff is ada.
async fn with_staff(guest: &str, own: &str) -> Stage {
    let parts = TestHostParts {
        settings: "[roles]\nstaff = [\"ada@local\"]\nnobody = []\n".to_owned(),
        ..TestHostParts::default()
    };
    Stage::with(guest, own, parts).await
}

/// Says something and gives the texts of what the bot says to it.
async fn answers(stage: &Stage, user: &str, conversation: &str, text: &str) -> Vec<String> {
    let before = stage.host.all_answers(conversation).len();
    stage.tell_in(user, conversation, text).await;
    let all = stage.host.all_answers(conversation);
    all[before..]
        .iter()
        .map(|message| message.text.clone())
        .collect()
}

fn last_error(host: &TestHost, plugin: &str) -> String {
    host.row(plugin).last_error.unwrap_or_default()
}

async fn direct(stage: &Stage, user: &str) -> String {
    let open = Command::OpenDirect {
        user: BOT.to_owned(),
    };
    let done = stage.host.act(user, open).await.expect("it opens");
    done.conversation.expect("it has an id").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_use_a_command_gets_one_line_and_does_not_see_it() {
    let stage = with_staff("echo", "allow = { echo = [\"staff\"] }").await;
    let lobby = &stage.lobby;
    assert_eq!(answers(&stage, TELLER, lobby, "/echo hi").await, ["hi"]);
    let refused = ["You may not use /echo."];
    assert_eq!(answers(&stage, ONLOOKER, lobby, "/echo hi").await, refused);
    // Nor is a slip of theirs answered with how it is written.
    let slip = answers(&stage, ONLOOKER, lobby, "/echo").await;
    assert!(!slip.iter().any(|text| text.contains("Usage")), "{slip:?}");
    let help = answers(&stage, TELLER, lobby, "/help").await;
    assert!(help.len() == 1 && help[0].contains("/echo"), "{help:?}");
    let help = answers(&stage, ONLOOKER, lobby, "/help").await;
    assert!(help.len() == 1 && !help[0].contains("/echo"), "{help:?}");
    // The rest of the plugin is not narrowed by it.
    assert_eq!(
        answers(&stage, ONLOOKER, lobby, "hello").await,
        ["Hello bob"]
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_covers_everything_that_is_said_and_a_name_stands_instead() {
    let own = "allow = { \"*\" = [\"staff\"], echo = [\"nobody\"] }";
    let stage = with_staff("echo", own).await;
    let lobby = &stage.lobby;
    assert_eq!(answers(&stage, TELLER, lobby, "hello").await, ["Hello ada"]);
    assert_eq!(
        answers(&stage, TELLER, lobby, "/echo hi").await,
        ["You may not use /echo."]
    );
    // A word in passing is nobody's business; said to the bot it is answered.
    assert!(answers(&stage, ONLOOKER, lobby, "hello").await.is_empty());
    let direct = direct(&stage, ONLOOKER).await;
    assert_eq!(
        answers(&stage, ONLOOKER, &direct, "hello").await,
        ["You may not use echo."]
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_does_not_get_a_role_by_a_name() {
    let stage = with_staff("echo", "allow = { echo = [\"staff\"] }").await;
    // Whoever opens a chat as a customer may call themselves what they like.
    let chat = stage.chat("ada").await;
    let wasm = guests::bytes("actions");
    stage.host.load("actions", wasm, None).await;
    stage.tell_in(TELLER, &chat, "/do join").await;
    assert_eq!(
        answers(&stage, TELLER, &chat, "/echo hi").await,
        ["You may not use /echo."]
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_says_where_a_plugin_takes_part() {
    let stage = with_staff("echo", "only = { conversations = [\"Desk *\"] }").await;
    let desk = stage.host.room(TELLER, "Desk 7").await;
    assert_eq!(answers(&stage, TELLER, &desk, "/echo hi").await, ["hi"]);
    assert_eq!(answers(&stage, TELLER, &desk, "hello").await, ["Hello ada"]);
    let refused = ["/echo cannot be used here."];
    assert_eq!(
        answers(&stage, TELLER, &stage.lobby, "/echo hi").await,
        refused
    );
    assert!(
        answers(&stage, TELLER, &stage.lobby, "hello")
            .await
            .is_empty()
    );
    let help = answers(&stage, TELLER, &stage.lobby, "/help").await;
    assert!(!help[0].contains("/echo"), "{help:?}");
    stage.host.stop().await;
    // Chats with people from outside, or everything but those.
    for (external, in_chat, in_room) in [("true", 1, 0), ("false", 0, 1)] {
        let own = format!("only = {{ external = {external} }}");
        let stage = with_staff("pizza", &own).await;
        let chat = stage.chat("carol").await;
        assert_eq!(
            answers(&stage, "carol", &chat, "pizza?").await.len(),
            in_chat
        );
        let lobby = &stage.lobby;
        assert_eq!(
            answers(&stage, TELLER, lobby, "pizza?").await.len(),
            in_room
        );
        stage.host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_bots_holds_for_what_is_heard_and_what_is_done() {
    let bots = ["parlor", "desk"]
        .map(|name| format!("[[bot]]\nname = \"{name}\"\nplatform = \"local\"\n"));
    let parts = TestHostParts {
        settings: bots.concat(),
        ..TestHostParts::default()
    };
    let own = "only = { bots = [\"parlor\"] }\ngrants.actions = [\"send-conversation\"]";
    let stage = Stage::with("actions", own, parts).await;
    // Both bots are in the lobby; one delivery comes of it.
    assert_eq!(
        answers(&stage, TELLER, &stage.lobby, "/do send").await,
        ["sent"]
    );
    assert!(
        answers(&stage, TELLER, &stage.lobby, "/do send-bot desk")
            .await
            .is_empty()
    );
    let error = last_error(&stage.host, "actions");
    assert!(
        error.contains("\"desk\"") && error.contains("only.bots"),
        "{error}"
    );
    stage.host.stop().await;
}

/// Has the guest do something without any grant, gives what it was refused with, writes the line that
/// it names into the plugin's file, and tells whether it is done then.
async fn refused_then_granted(stage: &Stage, command: &str) -> String {
    let before = stage.host.all_answers(&stage.lobby).len();
    stage.tell(&format!("/list send {command}")).await;
    // One refused action refuses the list: nothing of it was done.
    assert_eq!(
        stage.host.all_answers(&stage.lobby).len(),
        before,
        "{command}"
    );
    let error = last_error(&stage.host, "actions");
    let line = error
        .split('`')
        .nth(1)
        .unwrap_or_else(|| panic!("no line: {error}"));
    stage
        .host
        .load("actions", guests::bytes("actions"), Some(line))
        .await;
    assert_eq!(
        stage.host.row("actions").last_error,
        None,
        "{line} cannot be pasted"
    );
    stage.tell(&format!("/list send {command}")).await;
    assert_eq!(stage.host.row("actions").last_error, None, "{command}");
    let after = stage.host.all_answers(&stage.lobby).len();
    assert!(after > before, "{command}");
    stage
        .host
        .load("actions", guests::bytes("actions"), Some(""))
        .await;
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_list_names_the_line_that_grants_it() {
    let stage = Stage::with("actions", "", TestHostParts::default()).await;
    let room = stage.host.room(ONLOOKER, "Elsewhere").await;
    let message = stage.host.say(ONLOOKER, &stage.lobby, "mine").await;
    let chat = stage.chat("carol").await;
    stage.be(ONLOOKER, PresenceStatus::Available).await;
    for (command, grant) in [
        (format!("send-conversation={room}"), "send-conversation"),
        (
            format!("send-conversations={room},{chat}"),
            "send-conversations",
        ),
        ("send-user=bob".to_owned(), "send-user"),
        ("send-users=bob,ada".to_owned(), "send-users"),
        ("send-email=bob@local".to_owned(), "send-email"),
        ("send-as=ada".to_owned(), "as-user"),
        (format!("edit={message}"), "edit"),
        (format!("delete={message}"), "delete"),
        (format!("react={message}"), "react"),
        ("typing".to_owned(), "typing"),
        (format!("join={chat}"), "join"),
        ("invite=bob".to_owned(), "invite"),
        ("remove=bob".to_owned(), "remove"),
        ("promote=bob".to_owned(), "promote"),
        ("demote=bob".to_owned(), "demote"),
        (
            "create-conversation=Plans".to_owned(),
            "create-conversation",
        ),
        (
            "update-conversation=Lobby".to_owned(),
            "update-conversation",
        ),
        ("accept-contact=bob".to_owned(), "accept-contact"),
        ("reject-contact=bob".to_owned(), "reject-contact"),
        ("request-contact=bob".to_owned(), "request-contact"),
        ("remove-contact=bob".to_owned(), "remove-contact"),
        ("set-presence".to_owned(), "set-presence"),
        ("transfer=support".to_owned(), "transfer"),
        ("close".to_owned(), "close"),
        ("tag=vip".to_owned(), "tag"),
        ("other=poke".to_owned(), "other"),
    ] {
        let error = refused_then_granted(&stage, &command).await;
        let name = command.split('=').next().unwrap_or_default();
        let name = if name.starts_with("send") {
            "send"
        } else {
            name
        };
        let wanted = format!(
            "the action {name} (number 2 of its list) needs the grant \"{grant}\": \
             write `grants.actions = [\"{grant}\"]` at the top of actions.toml"
        );
        assert_eq!(error, wanted, "{command}");
    }
    let letters = stage.host.host().journal().dead_letters(0, 100).await;
    let letters = letters.expect("the journal can be read");
    assert_eq!(letters.len(), 26);
    assert!(
        letters
            .iter()
            .all(|letter| letter.reason == DeadReason::Refused)
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_keeps_what_is_granted_and_says_where_it_stands() {
    let parts = TestHostParts {
        settings: "[plugin.actions]\ngrants.actions = [\"typing\"]\n".to_owned(),
        ..TestHostParts::default()
    };
    let host = TestHost::start(parts).await;
    host.load("actions", guests::bytes("actions"), None).await;
    assert!(host.ask("/list send close").await.is_empty());
    let error = last_error(&host, "actions");
    let line = "write `grants.actions = [\"close\", \"typing\"]` in place of line 2 of ";
    assert!(
        error.contains(line) && error.ends_with("parlor.toml"),
        "{error}"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_take_a_grant_away_hold_for_the_next_event() {
    let stage = Stage::with(
        "actions",
        "grants.actions = [\"typing\"]",
        TestHostParts::default(),
    )
    .await;
    assert_eq!(
        answers(&stage, TELLER, &stage.lobby, "/list typing send").await,
        ["sent"]
    );
    stage
        .host
        .load("actions", guests::bytes("actions"), Some(""))
        .await;
    assert!(
        answers(&stage, TELLER, &stage.lobby, "/list typing send")
            .await
            .is_empty()
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_fires_with_the_roles_of_today_and_only_where_the_plugin_takes_part() {
    let stage = with_staff("actions", "").await;
    let desk = stage.host.room(TELLER, "Desk 7").await;
    stage
        .tell_in(TELLER, &desk, "/do set-timer-every 1000")
        .await;
    let fired = |place: &str| stage.host.all_answers(place).len();
    let wait = async |place: &str, count: usize| {
        let has_fired = || fired(place) >= count;
        stage.host.eventually("the timer fires", has_fired).await;
    };
    wait(&desk, 1).await;
    // The operator takes the plugin out of that room; a timer elsewhere shows that time goes on.
    let own = "only = { conversations = [\"Lobby\"] }";
    stage
        .host
        .load("actions", guests::bytes("actions"), Some(own))
        .await;
    stage.host.idle().await;
    let before = fired(&desk);
    stage.tell("/do set-timer 1500").await;
    wait(&stage.lobby, 1).await;
    stage.host.idle().await;
    assert_eq!(fired(&desk), before);
    stage
        .host
        .host()
        .plugins()
        .apply(FolderChange::Scanned)
        .await;
    stage.host.stop().await;
}
