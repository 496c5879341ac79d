//! Webhooks: when they come, how often, and to whom.

use parlor_tests::sim::Fault;
use parlor_tests::sim::livechat::{CLIENT_ID, LiveChatOptions};
use serde_json::{Value, json};

use super::client::{Client, Ear, PATIENCE};

async fn register(client: &Client, ear: &Ear, action: &str) -> u16 {
    let body = json!({"action": action, "secret_key": "s3cr3t", "url": ear.url, "type": "bot",
        "owner_client_id": CLIENT_ID});
    client.configure("register_webhook", body).await.status
}

fn is(action: &'static str) -> impl Fn(&Value) -> bool {
    move |hook| hook["action"] == action
}

fn says(text: &'static str) -> impl Fn(&Value) -> bool {
    move |hook| hook["payload"]["event"]["text"] == text
}

#[tokio::test]
async fn what_opens_a_thread_comes_with_it_and_the_rest_by_itself() {
    let client = Client::new().await;
    let ear = Ear::new().await;
    client.bot().await;
    register(&client, &ear, "incoming_chat").await;
    register(&client, &ear, "incoming_event").await;
    client.sim.say("shop", "ann", "first");
    client.sim.say("shop", "ann", "second");
    let second = ear.hears(says("second")).await;
    assert_eq!(second["secret_key"], "s3cr3t");
    assert!(second["payload"]["thread_id"].is_string());
    let chat = ear.hears(is("incoming_chat")).await;
    let events = &chat["payload"]["chat"]["thread"]["events"];
    assert_eq!(events[0]["text"], "first");
    assert_eq!(
        chat["payload"]["chat"]["users"][0]["email"],
        "ann@example.com"
    );
    assert!(
        ear.bodies().iter().all(|hook| !says("first")(hook)),
        "not once more"
    );
}

#[tokio::test]
async fn a_bot_that_is_offline_hears_nothing_and_its_own_words_come_back() {
    let client = Client::new().await;
    let ear = Ear::new().await;
    let (bot, token) = client.bot().await;
    register(&client, &ear, "incoming_event").await;
    client.sim.say("shop", "ann", "opens");
    client.sim.set(json!({"bot_status": "offline"}));
    client.sim.say("shop", "ann", "unheard");
    client.sim.set(json!({"bot_status": "not_accepting_chats"}));
    client.sim.say("shop", "ann", "heard");
    ear.hears(says("heard")).await;
    assert!(ear.bodies().iter().all(|hook| !says("unheard")(hook)));
    let chat = client.sim.chat_id("shop").unwrap();
    let body = json!({"chat_id": chat, "user_id": bot, "user_type": "agent",
        "visibility": "agents", "ignore_requester_presence": true});
    client.chat(&Client::pat(), "add_user_to_chat", body).await;
    let event = json!({"type": "message", "text": "mine", "visibility": "agents"});
    client
        .chat(
            &token,
            "send_event",
            json!({"chat_id": chat, "event": event}),
        )
        .await;
    assert_eq!(
        ear.hears(says("mine")).await["payload"]["event"]["author_id"],
        bot
    );
}

#[tokio::test]
async fn a_new_bot_hears_after_up_to_two_minutes() {
    let client = Client::with(LiveChatOptions::default().clock(600.0)).await;
    client.sim.set(json!({"propagation_secs": 120}));
    let ear = Ear::new().await;
    client.bot().await;
    register(&client, &ear, "incoming_event").await;
    client.sim.say("shop", "ann", "opens");
    let began = std::time::Instant::now();
    let mut number = 0;
    while ear.bodies().is_empty() {
        number += 1;
        client.sim.say("shop", "ann", &format!("{number}"));
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // A fifth of a second stands for the two minutes.
    assert!(
        began.elapsed() >= std::time::Duration::from_millis(150),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn what_is_not_answered_with_200_comes_three_times_more() {
    let client = Client::with(LiveChatOptions::default().clock(200.0)).await;
    let ear = Ear::new().await;
    client.bot().await;
    register(&client, &ear, "incoming_event").await;
    client.sim.say("shop", "ann", "opens");
    // 202 is no 200 either.
    ear.answer(&[500, 503, 202]);
    client.sim.say("shop", "ann", "again");
    ear.hears_times(4, says("again")).await;
    let last = client
        .sim
        .delivered_like(PATIENCE, |it| it.attempt == 4 && it.status == Some(200))
        .await;
    assert!(last.is_some());
    ear.answer(&[500; 8]);
    client.sim.say("shop", "ann", "given up");
    ear.hears_times(4, says("given up")).await;
    client.sim.say("shop", "ann", "next");
    ear.hears(says("next")).await;
    let tries = client.sim.delivered().into_iter();
    let tries = tries.filter(|it| says("given up")(&it.body));
    assert_eq!(tries.map(|it| it.attempt).max(), Some(4));
}

#[tokio::test]
async fn a_script_makes_them_come_twice_and_in_another_order() {
    let client = Client::new().await;
    let ear = Ear::new().await;
    client.bot().await;
    register(&client, &ear, "incoming_event").await;
    client.sim.say("shop", "ann", "opens");
    client.sim.fault(Fault::default().duplicate());
    client.sim.say("shop", "ann", "twice");
    ear.hears_times(2, says("twice")).await;
    client.sim.fault(Fault::default().reorder());
    client.sim.say("shop", "ann", "one");
    client.sim.say("shop", "ann", "two");
    ear.hears(says("one")).await;
    let order: Vec<Value> = ear.bodies();
    let place = |text: &'static str| order.iter().position(|hook| says(text)(hook));
    assert!(place("two") < place("one"), "{order:#?}");
}

#[tokio::test]
async fn filters_choose_by_author_and_by_chat() {
    let client = Client::new().await;
    let (all, own) = (Ear::new().await, Ear::new().await);
    client.bot().await;
    let filters = [
        (&all, json!({"author_type": "customer"})),
        (&own, json!({"only_my_chats": true})),
    ];
    for (ear, filters) in filters {
        let body = json!({"action": "incoming_event", "secret_key": "s", "url": ear.url,
            "type": "bot", "owner_client_id": CLIENT_ID, "filters": filters});
        assert_eq!(client.configure("register_webhook", body).await.status, 200);
    }
    client.sim.say("shop", "ann", "opens");
    client.sim.act(
        "say",
        json!({"conversation": "shop", "user": "bob", "as": "agent", "text": "of an agent"}),
    );
    client.sim.say("shop", "ann", "of a customer");
    all.hears(says("of a customer")).await;
    assert!(all.bodies().iter().all(|hook| !says("of an agent")(hook)));
    assert_eq!(own.bodies().len(), 0);
    client.sim.act(
        "member",
        json!({"conversation": "shop", "user": "bot", "change": "joined"}),
    );
    client.sim.say("shop", "ann", "with the bot");
    own.hears(says("with the bot")).await;
}

#[tokio::test]
async fn other_things_that_happen_are_told_too() {
    let client = Client::new().await;
    let ear = Ear::new().await;
    client.bot().await;
    let actions = [
        "user_added_to_chat",
        "user_removed_from_chat",
        "chat_deactivated",
        "chat_transferred",
        "event_updated",
        "event_deleted",
        "routing_status_set",
        "thread_tagged",
        "incoming_rich_message_postback",
    ];
    for action in actions {
        assert_eq!(register(&client, &ear, action).await, 200, "{action}");
    }
    let message = client.sim.say("shop", "ann", "hello");
    let chat = client.sim.chat_id("shop").unwrap();
    let in_shop = |more: Value| {
        let mut what = json!({"conversation": "shop"});
        for (name, value) in more.as_object().unwrap() {
            what[name] = value.clone();
        }
        what
    };
    let pat = Client::pat();
    client.sim.act(
        "edit",
        in_shop(json!({"message_id": message, "text": "better"})),
    );
    client
        .sim
        .act("delete", in_shop(json!({"message_id": message})));
    client.sim.act(
        "member",
        in_shop(json!({"user": "bob", "change": "joined"})),
    );
    client
        .sim
        .act("member", in_shop(json!({"user": "bob", "change": "left"})));
    client.sim.act(
        "agent",
        json!({"user": "bob", "status": "not_accepting_chats"}),
    );
    let told = ear
        .hears(|it| it["payload"]["agent_id"] == "bob@example.com")
        .await;
    assert_eq!(
        told["payload"]["status"], "not accepting chats",
        "written with spaces"
    );
    let found = client
        .chat(&pat, "get_chat", json!({"chat_id": chat}))
        .await
        .body;
    let tag = json!({"chat_id": chat, "thread_id": found["thread"]["id"], "tag": "vip"});
    client.chat(&pat, "tag_thread", tag).await;
    client.sim.act(
        "group",
        json!({"id": 7, "name": "Billing", "agents": ["eve"]}),
    );
    let target = json!({"type": "group", "ids": [7]});
    let body = json!({"id": chat, "target": target, "ignore_requester_presence": true});
    client.chat(&pat, "transfer_chat", body).await;
    // A button of another type than message is told of by itself.
    let button = json!({"text": "Site", "postback_id": "open", "type": "url",
        "value": "https://a.example/"});
    let event = json!({"type": "rich_message", "template_id": "cards",
        "elements": [{"title": "t", "buttons": [button]}]});
    client.sim.act(
        "say",
        in_shop(json!({"user": "ann", "text": "", "event": event})),
    );
    client
        .sim
        .act("press", in_shop(json!({"user": "ann", "button": "Site"})));
    client.sim.act("close", in_shop(json!({})));
    for action in actions {
        ear.hears(is(action)).await;
    }
    let pressed = ear.hears(is("incoming_rich_message_postback")).await;
    assert_eq!(pressed["payload"]["postback"]["id"], "open");
    assert_eq!(pressed["payload"]["postback"]["toggled"], true);
}
