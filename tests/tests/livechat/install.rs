//! How the bot comes onto licences, and what it is there.

use parlor_host::mailbox::control::BotState;
use parlor_tests::sim::livechat::{LiveChat, LiveChatOptions, error};
use serde_json::json;

use crate::desk::{Front, REDIRECT, browse, installed, personal, registrar};

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_is_found_again_and_its_webhooks_stay() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = personal(&sim, "");
    let front = Front::on(sim, settings.clone(), &["pizza"]).await;
    front.until(BotState::Connected).await;
    let (first, hooks) = (front.sim.bots(), front.sim.hooks());
    let sim = front.close().await;
    // Another host, that knows nothing of it: the bot has its name, the webhooks their address.
    let front = Front::on(sim, settings, &["pizza"]).await;
    front.until(BotState::Connected).await;
    assert_eq!(front.sim.bots(), first, "no second bot is made");
    // The listener is at another port, so these are others; the old ones are not ours to know.
    let new: Vec<_> = front
        .sim
        .hooks()
        .into_iter()
        .filter(|it| !hooks.contains(it))
        .collect();
    assert_eq!(new.len(), hooks.len());
    front.sim.say("shop", "ann", "pizza");
    front.does(0, |sent| sent.kind == "leave").await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_is_what_the_settings_say() {
    let more = "routing = \"accepting\"\nmax-chats = 3\njob-title = \"Helper\"\n\
        groups = [{ id = 0, priority = \"first\" }, { id = 4, priority = \"last\" }]\n\
        working-hours = { time-zone = \"Europe/Warsaw\", monday = \"09:00-17:00\", friday = \"09:00-15:30\" }\n";
    let front = Front::of(LiveChatOptions::default(), &[], more).await;
    let bots = front.sim.bots();
    assert_eq!(bots[0].2, "accepting_chats");
    let made = front.sim.bot_made_of(&bots[0].0);
    assert_eq!(made["max_chats_count"], 3);
    assert_eq!(made["job_title"], "Helper");
    assert_eq!(made["groups"][1], json!({"id": 4, "priority": "last"}));
    let hours = &made["work_scheduler"];
    assert_eq!(hours["timezone"], "Europe/Warsaw");
    assert_eq!(
        hours["schedule"][1],
        json!({"day": "friday", "enabled": true, "start": "09:00", "end": "15:30"})
    );
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_further_licence_has_the_bot_too() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let second = "11111111-2222-4333-8444-555555555555";
    sim.act("licence", json!({"organization": second, "number": 77}));
    let settings = installed(&sim, &registrar());
    let front = Front::on(sim, settings, &["pizza"]).await;
    // As `parlor install livechat` has it from the host.
    let link = front.host.host().sessions().install_link("desk").unwrap();
    let (_, page) = browse(&front, &link).await;
    assert!(page.contains("is ready"), "{page}");
    front.sim.set(json!({"installer": second}));
    let (_, page) = browse(&front, &front.address()).await;
    assert!(page.contains("is ready") && page.contains(second), "{page}");
    front.until(BotState::Connected).await;
    let all = front.host.host().sessions().installations();
    let ready = all[0].1.licences.iter().filter(|on| on.reason.is_none());
    assert_eq!(ready.count(), 2);
    assert_eq!(front.sim.bots_of(second).len(), 1);
    front.sim.act(
        "say",
        json!({"conversation": "other", "user": "eve", "text": "pizza", "organization": second}),
    );
    front
        .does(0, |sent| {
            sent.kind == "leave" && sent.conversation == "other"
        })
        .await;
    front.sim.say("shop", "ann", "pizza");
    front
        .does(0, |sent| {
            sent.kind == "leave" && sent.conversation == "shop"
        })
        .await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_that_nobody_began_here_is_refused() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = installed(&sim, &registrar());
    let front = Front::on(sim, settings, &[]).await;
    let at = front.address();
    for query in ["code=stolen", "code=stolen&state=guessed"] {
        let (status, page) = browse(&front, &format!("{at}?{query}")).await;
        assert_eq!((status, page.as_str()), (401, ""), "{query}");
    }
    // One that is played back is good once: its state is gone.
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let follow = async |at: &str| {
        let answer = client.get(at).send().await.unwrap();
        let to = answer.headers()["location"].to_str().unwrap().to_owned();
        to.replace(REDIRECT, &front.address())
    };
    let back = follow(&follow(&at).await).await;
    assert!(
        client
            .get(&back)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("is ready")
    );
    assert_eq!(client.get(&back).send().await.unwrap().status(), 401);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_refused_at_the_exchange_sees_that_and_no_more() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = installed(&sim, &registrar());
    let front = Front::on(sim, settings, &[]).await;
    front.sim.fault(error("POST /v2/token", "internal"));
    let (status, page) = browse(&front, &front.address()).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("was not installed") && !page.contains("internal"),
        "{page}"
    );
    assert_eq!(front.sim.bots().len(), 0);
    // The next tries have a link of their own.
    let (_, page) = browse(&front, &front.address()).await;
    assert!(page.contains("is ready"), "{page}");
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_without_a_secret_shows_its_verifier_and_keeps_each_new_refresh_token() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    sim.set(json!({"public_app": true}));
    let settings = installed(&sim, &registrar());
    let settings: Vec<&str> = settings
        .lines()
        .filter(|it| !it.starts_with("client-secret"))
        .collect();
    let front = Front::on(sim, settings.join("\n"), &["pizza"]).await;
    browse(&front, &front.address()).await;
    front.until(BotState::Connected).await;
    let mut last = 0;
    for order in 1..=2 {
        front
            .sim
            .fault(parlor_tests::sim::Fault::default().expire_tokens());
        front.sim.say("shop", "ann", &format!("pizza {order}"));
        last = front.does(last, |sent| sent.kind == "leave").await.n;
    }
    let asked = front.sim.requests_after(0);
    let refreshed: Vec<_> = asked
        .iter()
        .filter(|it| it.body.contains("grant_type=refresh_token"))
        .collect();
    assert_eq!(refreshed.len(), 2);
    assert_ne!(refreshed[0].body, refreshed[1].body, "each is good once");
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_takes_the_bot_away_ends_the_session_and_says_how_it_comes_back() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = personal(&sim, "");
    sim.fault(error("POST */list_webhooks", "authentication").times(0));
    let front = Front::on(sim, settings, &[]).await;
    front.until(BotState::Stopped).await;
    let reason = front.state().1.unwrap();
    assert!(reason.contains("authentication"), "{reason}");
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_register_webhooks_it_is_said_what_helps() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = installed(&sim, "");
    let front = Front::on(sim, settings, &[]).await;
    browse(&front, &front.address()).await;
    front.until(BotState::Stopped).await;
    let reason = front.state().1.unwrap();
    assert!(
        reason.contains("webhook-secret") && reason.contains("personal-token"),
        "{reason}"
    );
    front.stop().await;
}
