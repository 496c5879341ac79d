//! Tokens that are refused, lost on their way, or not given.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parlor_host::mailbox::control::BotState;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use parlor_tests::sim::livechat::{ACCOUNT, CLIENT_ID, LiveChat, LiveChatOptions, PAT, error};
use serde_json::json;

use crate::desk::{Front, browse, installed, personal, registrar};

const PIZZA: &str = "Pizza is on the way!";

/// An app that keeps no secret, and that is installed: each refresh token is good once.
async fn public_app(plugins: &[&str]) -> Front {
    let sim = LiveChat::start(LiveChatOptions::default()).await;
    let sim = sim.expect("the platform");
    sim.set(json!({"public_app": true}));
    let settings = installed(&sim, &registrar());
    let settings: Vec<&str> = settings
        .lines()
        .filter(|it| !it.starts_with("client-secret"))
        .collect();
    let front = Front::on(sim, settings.join("\n"), plugins).await;
    browse(&front, &front.address()).await;
    front.until(BotState::Connected).await;
    front
}

fn refreshes(front: &Front) -> usize {
    let asked = front.sim.requests_after(0);
    let refreshed = asked
        .iter()
        .filter(|it| it.body.contains("grant_type=refresh_token"));
    refreshed.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_nobody_waits_for_any_more_goes_on() {
    let front = public_app(&["pizza"]).await;
    front.sim.fault(Fault::default().expire_tokens());
    // Longer than anybody waits while a webhook does.
    front
        .sim
        .fault(Fault::on("POST /v2/token").delay(Duration::from_secs(6)));
    front.sim.say("shop", "ann", "pizza");
    front.says(0, PIZZA).await;
    assert_eq!(refreshes(&front), 1, "{:#?}", front.asked());
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_gateway_at_the_refresh_takes_no_licence_away() {
    let front = public_app(&["pizza"]).await;
    front.sim.fault(Fault::default().expire_tokens());
    for status in [403, 404, 502] {
        front.sim.fault(Fault::on("POST /v2/token").html(status));
    }
    front.sim.say("shop", "ann", "pizza");
    front.says(0, PIZZA).await;
    // It was not stopped for good.
    front.until(BotState::Connected).await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_whose_secret_somebody_changed_gets_another_and_loses_no_message() {
    let front = Front::with(&["pizza"]).await;
    let bot = front.sim.bots()[0].0.clone();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let shown = STANDARD.encode(format!("{ACCOUNT}:{PAT}"));
    let url = format!(
        "{}/v3.6/configuration/action/reset_bot_secret",
        front.sim.base_url()
    );
    let request = client
        .post(url)
        .header("authorization", format!("Basic {shown}"));
    let body = json!({"id": bot, "owner_client_id": CLIENT_ID});
    let answer = request.json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    front.sim.fault(Fault::default().expire_tokens());
    front.sim.say("shop", "ann", "pizza");
    front.says(0, PIZZA).await;
    assert_eq!(front.sim.bots().len(), 1);
    assert_eq!(front.state().0, BotState::Connected);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_not_in_doubt_where_only_its_token_is_late() {
    let more = "[outbox]\nin-doubt = \"drop\"\ndoubt-wait = \"0s\"\n";
    let front = Front::of(LiveChatOptions::default(), &["pizza"], more).await;
    front.sim.fault(Fault::default().expire_tokens());
    front
        .sim
        .fault(error("POST */issue_bot_token", "internal").times(2));
    front
        .sim
        .fault(Fault::on("POST */issue_bot_token").truncate(2));
    front.sim.say("shop", "ann", "pizza");
    front.says(0, PIZZA).await;
    // Nobody has looked for what was never said.
    let asked = front.sim.requests_after(0);
    assert!(asked.iter().all(|it| !it.path.ends_with("/list_threads")));
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_token_that_is_taken_back_ends_the_session_and_says_so() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = personal(&sim, "");
    let front = Front::on(sim, settings, &["pizza"]).await;
    front.until(BotState::Connected).await;
    front
        .sim
        .fault(error("POST */action/*", "authentication").times(0));
    front.sim.say("shop", "ann", "pizza");
    front.until(BotState::Stopped).await;
    let reason = front.state().1.unwrap();
    assert!(reason.contains("personal token is refused"), "{reason}");
    assert!(!reason.contains(PAT), "{reason}");
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_goes_on_when_the_browser_is_closed() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = installed(&sim, &registrar());
    let front = Front::on(sim, settings, &["pizza"]).await;
    front
        .sim
        .fault(Fault::on("GET /v2/info").delay(Duration::from_secs(1)));
    let closed =
        tokio::time::timeout(Duration::from_millis(500), browse(&front, &front.address())).await;
    assert!(closed.is_err(), "it is on its way");
    let asked = front
        .sim
        .request_like(0, PATIENCE, |it| it.path == "/v2/info")
        .await;
    assert!(asked.is_some());
    front.until(BotState::Connected).await;
    let first = front.host.host().sessions().installations();
    let first = first[0].1.licences[0]
        .installed_at
        .expect("somebody agreed");
    // Agreed to once more, it is noticed: the command waits for that.
    let (_, page) = browse(&front, &front.address()).await;
    assert!(page.contains("is already there"), "{page}");
    let again = front.host.host().sessions().installations();
    assert!(again[0].1.licences[0].installed_at > Some(first));
    front.stop().await;
}
