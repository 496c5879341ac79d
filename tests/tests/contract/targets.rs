//! Where a message goes, through a wasm plugin: each target of the contract, with its grant.

use parlor_tests::guests;
use parlor_tests::harness::TestHost;

/// A host with the guest `actions` and this grant.
async fn host(grant: &str) -> TestHost {
    let host = TestHost::with(&[]).await;
    let settings = format!("grants.actions = [\"{grant}\"]");
    host.load("actions", guests::bytes("actions"), Some(&settings))
        .await;
    assert_eq!(host.row("actions").last_error, None);
    host
}

/// Has the guest send in the lobby, and gives the texts that came to a conversation.
async fn sent(host: &TestHost, command: &str, conversation: &str) -> Vec<String> {
    let lobby = host.room("ada", "Lobby").await;
    host.say("ada", &lobby, command).await;
    host.idle().await;
    assert!(host.all_answers(&lobby).is_empty(), "it goes elsewhere");
    let messages = host.all_answers(conversation);
    messages
        .iter()
        .map(|message| message.text.clone())
        .collect()
}

/// Without its grant the list is refused as a whole, and the missing line named.
async fn needs(grant: &str, command: &str) {
    let host = TestHost::with(&["actions"]).await;
    assert!(host.ask(command).await.is_empty());
    let error = host.row("actions").last_error.unwrap_or_default();
    let line = format!("`grants.actions = [\"{grant}\"]` in a section `[plugin.actions]`");
    assert!(error.contains(&line), "{error}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn target_conversation() {
    needs("send-conversation", "/do send-conversation room:elsewhere").await;
    let host = host("send-conversation").await;
    let elsewhere = host.room("bob", "Elsewhere").await;
    let command = format!("/do send-conversation {elsewhere}");
    assert_eq!(
        sent(&host, &command, &elsewhere).await,
        ["to a conversation"]
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn target_conversations() {
    needs("send-conversations", "/do send-conversations room:a,room:b").await;
    let host = host("send-conversations").await;
    let mut rooms = Vec::new();
    for number in 0..250 {
        rooms.push(host.room("bob", &format!("r {number}")).await);
    }
    // One of them is not there: it fails alone.
    let mut targets = rooms.clone();
    targets.insert(100, "room:none".to_owned());
    let command = format!("/do send-conversations {}", targets.join(","));
    assert_eq!(sent(&host, &command, &rooms[0]).await, ["to conversations"]);
    for room in &rooms {
        assert_eq!(host.all_answers(room).len(), 1, "{room}");
    }
    let status = host.host().outbox().status();
    assert_eq!((status[0].sent, status[0].failed), (250, 1));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn target_user() {
    needs("send-user", "/do send-user bob").await;
    let host = host("send-user").await;
    host.room("bob", "Lobby").await;
    let found = sent(&host, "/do send-user bob", "direct:bob+parlor").await;
    assert_eq!(found, ["to a user"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn target_users() {
    needs("send-users", "/do send-users bob,carl").await;
    let host = host("send-users").await;
    host.room("bob", "Lobby").await;
    host.room("carl", "Lobby").await;
    let lobby = host.room("ada", "Lobby").await;
    host.say("ada", &lobby, "/do send-users bob,carl").await;
    host.idle().await;
    let places: Vec<(String, Vec<String>)> = host.host().hub().read(|state| {
        let groups = state.rooms.values();
        let groups = groups.filter(|room| room.info.id.starts_with("group:"));
        groups
            .map(|room| {
                let mut members: Vec<String> = room
                    .members
                    .iter()
                    .map(|member| member.user.id.to_string())
                    .collect();
                members.sort();
                (room.info.id.to_string(), members)
            })
            .collect()
    });
    assert_eq!(places.len(), 1, "{places:?}");
    assert_eq!(places[0].1, ["bob", "carl", "parlor"]);
    let texts = host.all_answers(&places[0].0);
    assert_eq!(texts[0].text, "to users");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn target_email() {
    needs("send-email", "/do send-email bob@local").await;
    let host = host("send-email").await;
    host.room("bob", "Lobby").await;
    let found = sent(&host, "/do send-email bob@local", "direct:bob+parlor").await;
    assert_eq!(found, ["to an address"]);
    // An address that nobody has is an outcome, not a trap.
    host.ask("/do send-email nobody@elsewhere").await;
    let status = host.host().outbox().status();
    assert_eq!((status[0].sent, status[0].failed), (1, 1));
    host.stop().await;
}
