//! The pizza bot's workflow as its seed describes it, in the dialect of its time and in today's.

use parlor_host::mailbox::control::BotState;
use parlor_tests::sim::livechat::{LICENSE, LiveChat, LiveChatOptions, ORGANIZATION};
use serde_json::json;

use crate::desk::{Front, browse, installed, registrar};

const ORDER: [(&str, &str, &str); 3] = [
    ("join", "", "agents"),
    ("message", "Pizza is on the way!", "agents"),
    ("leave", "", "all"),
];

fn is_order(did: &[(String, String, String)], order: &[(&str, &str, &str)]) {
    let did: Vec<_> = did
        .iter()
        .map(|(kind, text, seen)| (kind.as_str(), text.as_str(), seen.as_str()))
        .collect();
    assert_eq!(did, order);
}

#[tokio::test(flavor = "multi_thread")]
async fn pizza_joins_tells_agents_only_and_leaves() {
    let front = Front::with(&["pizza"]).await;
    let after = front.sim.sent_count();
    front.sim.say("shop", "ann", "Hey! where is my pizza?");
    front.does(after, |sent| sent.kind == "leave").await;
    is_order(&front.did(after), &ORDER);
    // What the bot says comes back to it as a webhook, and is not heard.
    front.sim.say("shop", "ann", "thank you");
    assert_eq!(front.meanwhile(after + 3).await.len(), 0);
    // The second message of a chat comes by another webhook than the first.
    front.sim.say("shop", "ann", "pizza again");
    front.does(after + 3, |sent| sent.kind == "leave").await;
    is_order(&front.did(after + 3), &ORDER);
    assert!(!front.sim.present("shop").iter().any(|id| id.len() == 32));
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_flow_runs_in_chat_io_s_dialect() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = installed(&sim, "version = \"0.3\"\n");
    let front = Front::on(sim, settings, &["pizza"]).await;
    // The link of the seed has no state, as those of its time.
    let link = format!(
        "{}/?response_type=code&client_id={}&redirect_uri={}",
        front.sim.base_url(),
        parlor_tests::sim::livechat::CLIENT_ID,
        "http%3A%2F%2F127.0.0.1%3A1%2Ftoken"
    );
    let (status, page) = browse(&front, &link).await;
    assert_eq!(status, 200);
    assert!(page.contains("Pizza BOT is ready"), "{page}");
    assert!(page.contains(&LICENSE.to_string()), "{page}");
    front.until(BotState::Connected).await;
    let bots = front.sim.bots();
    assert_eq!(bots.len(), 1, "{bots:?}");
    assert_eq!(
        (bots[0].1.as_str(), bots[0].2.as_str()),
        ("Pizza BOT", "not_accepting_chats")
    );
    let made = front.sim.bot_made_of(&bots[0].0);
    let actions = made["webhooks"]["actions"].as_array().unwrap();
    let names: Vec<_> = actions
        .iter()
        .map(|action| action["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["incoming_event", "incoming_chat_thread"]);

    front.sim.say("shop", "ann", "Hey! where is my pizza?");
    front.does(0, |sent| sent.kind == "leave").await;
    // Joins of chat.io have no visibility.
    let order = [("join", "", "all"), ORDER[1], ORDER[2]];
    is_order(&front.did(0), &order);
    front.sim.say("shop", "ann", "more pizza please");
    front.does(3, |sent| sent.kind == "leave").await;
    let said = front.sim.requests_after(0);
    let said = said.iter().find(|it| it.path.ends_with("/send_event"));
    let said = said.unwrap().json().unwrap();
    assert_eq!(said["author_id"], bots[0].0.as_str());
    assert_eq!(said["payload"]["event"]["recipients"], "agents");

    // Who installs it again hears that it is there.
    let (_, page) = browse(&front, &link).await;
    assert!(page.contains("is already there"), "{page}");
    assert_eq!(front.sim.bots().len(), 1);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_flow_runs_today() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = installed(&sim, &registrar());
    let front = Front::on(sim, settings, &["pizza"]).await;
    // The redirect's address itself is where an installation begins.
    let (status, page) = browse(&front, &front.address()).await;
    assert_eq!(status, 200, "{page}");
    assert!(
        page.contains("is ready") && page.contains(ORGANIZATION),
        "{page}"
    );
    front.until(BotState::Connected).await;
    let bots = front.sim.bots();
    assert_eq!(bots[0].2, "not_accepting_chats");
    assert_eq!(
        front.sim.bot_made_of(&bots[0].0)["groups"],
        json!([{"id": 0, "priority": "supervisor"}])
    );
    let after = front.sim.sent_count();
    front.sim.say("shop", "ann", "where is my pizza?");
    front.does(after, |sent| sent.kind == "leave").await;
    is_order(&front.did(after), &ORDER);
    front.stop().await;
}
