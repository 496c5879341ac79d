//! A triage plugin with buttons: asks, tags, hands on; where nobody is there it says good-bye.

use parlor_tests::sim::livechat::LiveChat;
use serde_json::json;

use crate::desk::Front;

fn groups(sim: &LiveChat) {
    sim.act(
        "group",
        json!({"id": 7, "name": "Billing", "agents": ["bob"]}),
    );
    sim.act("group", json!({"id": 8, "name": "Night", "agents": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_chooses_and_is_handed_to_the_group() {
    let front = Front::with(&["front-desk"]).await;
    groups(&front.sim);
    front.sim.say("shop", "ann", "hello");
    let asked = front.says(0, "What is it about?").await;
    // Nobody presses before the platform has said that it is there.
    front.host.idle().await;
    assert_eq!(asked.raw["template_id"], "quick_replies");
    assert_eq!(asked.visibility, "all");
    front.sim.act(
        "press",
        json!({"conversation": "shop", "user": "ann", "button": "Group 7"}),
    );
    let moved = front.does(asked.n, |sent| sent.kind == "transfer").await;
    assert_eq!(moved.raw["group_ids"], json!([7]));
    assert_eq!(front.sim.tags("shop"), ["group-7"]);
    let did: Vec<String> = front
        .sim
        .sent_after(asked.n)
        .into_iter()
        .map(|it| it.kind)
        .collect();
    assert_eq!(did, ["message", "tag", "transfer"]);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_there_it_says_good_bye_and_closes() {
    let front = Front::with(&["front-desk"]).await;
    groups(&front.sim);
    front.sim.say("shop", "ann", "hello");
    let asked = front.says(0, "What is it about?").await;
    front.host.idle().await;
    front.sim.act(
        "press",
        json!({"conversation": "shop", "user": "ann", "button": "Group 8"}),
    );
    front.says(asked.n, "Nobody is here right now.").await;
    front.does(asked.n, |sent| sent.kind == "close").await;
    assert!(!front.sim.is_open("shop"));
    // Whoever writes again is asked again, in a new thread of the same chat.
    let closed = front.sim.sent_count();
    front.sim.say("shop", "ann", "it is me again");
    front.says(closed, "What is it about?").await;
    front.stop().await;
}
