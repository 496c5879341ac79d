//! The two scripts that the project grew from, request by request: forms in place of JSON.

use parlor_tests::harness::PATIENCE;

use super::client::{Client, Listener};

#[tokio::test]
async fn both_scripts_work_with_their_forms() {
    let client = Client::new().await;
    let listener = Listener::start().await;
    assert_eq!(
        client.get("people/me").await.good()["displayName"],
        "Trade Bot"
    );
    let form = [
        ("name", "bot"),
        ("targetUrl", listener.url.as_str()),
        ("resource", "messages"),
        ("event", "all"),
    ];
    let made = client.send(client.form("webhooks", &form)).await;
    assert_eq!(made.status, 200, "200 and no other");
    let said = client.sim.say_direct("ada", "hello");
    assert!(
        client
            .sim
            .until(PATIENCE, |sim| !sim.deliveries().is_empty())
            .await
    );
    let data = listener.came()[0].json()["data"].clone();
    assert_eq!(data["id"], said.as_str());
    let message = client.get(&format!("messages/{said}")).await.good();
    assert_eq!(message["text"], "hello");
    let room = data["roomId"].as_str().expect("an id");
    let form = [("roomId", room), ("text", "hello yourself")];
    let answered = client.send(client.form("messages", &form)).await;
    assert_eq!(answered.status, 200);
    assert_eq!(client.sim.sent_after(0)[0].text, "hello yourself");
    // A bot that listens to all hears itself: who does not look at the author answers for ever.
    assert!(
        client
            .sim
            .until(PATIENCE, |sim| sim.deliveries().len() == 2)
            .await
    );
}
