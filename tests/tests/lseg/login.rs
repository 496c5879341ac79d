//! Logins: by password once, by what was kept after that, and never in haste.

use std::os::unix::fs::PermissionsExt as _;

use parlor_host::mailbox::control::BotState;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::lseg::{APP_KEY, BOT, Lseg, PASSWORD, TOKEN_PATH};
use parlor_tests::sim::{Fault, Logged};
use serde_json::{Value, json};

use crate::desk::{DESK, Desk, fast, platform, settings};

fn token_file(data: &std::path::Path) -> std::path::PathBuf {
    data.join("connectors").join(DESK).join("token.json")
}

fn logins(sim: &Lseg) -> Vec<Logged> {
    let requests = sim.requests_after(0).into_iter();
    requests.filter(|it| it.path == TOKEN_PATH).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_login_shows_what_the_platform_wants() {
    let sim = fast().await;
    let desk = Desk::on(sim, "rooms = \"listed\"", &[]).await;
    let logins = logins(&desk.sim);
    let [login] = logins.as_slice() else {
        panic!("one login: {logins:#?}");
    };
    let form: Vec<(String, String)> = url::form_urlencoded::parse(login.body.as_bytes())
        .into_owned()
        .collect();
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        form,
        [
            ("grant_type", "password"),
            ("username", BOT),
            ("password", PASSWORD),
            ("scope", "trapi.messenger"),
            ("takeExclusiveSignOnControl", "true"),
            ("client_id", APP_KEY),
        ]
    );
    assert!(
        login
            .header("authorization")
            .is_some_and(|it| it.starts_with("Basic "))
    );
    assert_eq!(login.header("accept"), Some("application/json"));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_kept_for_their_owner_alone_and_the_next_start_needs_no_login() {
    let data = tempfile::tempdir().expect("a folder");
    let sim = platform(1.0).await;
    sim.room("Desk");
    let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
    let file = token_file(data.path());
    let mode = std::fs::metadata(&file)
        .expect("it is kept")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).expect("it can be read");
    let kept: Value = serde_json::from_str(&text).expect("it is JSON");
    assert!(kept["expires_tm"].as_f64().is_some() && kept["refresh_token"].is_string());
    let sim = desk.stop().await;
    assert_eq!(logins(&sim).len(), 1);
    let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
    desk.joins("Desk").await;
    assert_eq!(logins(&desk.sim).len(), 1, "the token is good still");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_token_that_has_ended_is_refreshed_and_a_damaged_file_means_a_login() {
    let data = tempfile::tempdir().expect("a folder");
    let sim = platform(1.0).await;
    let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
    let sim = desk.stop().await;
    let file = token_file(data.path());
    let text = std::fs::read_to_string(&file).expect("it is kept");
    let mut kept: Value = serde_json::from_str(&text).expect("it is JSON");
    kept["expires_tm"] = json!(1_000.5);
    std::fs::write(&file, kept.to_string()).expect("it can be written");
    let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
    assert_eq!(
        (desk.grants("password"), desk.grants("refresh_token")),
        (1, 1)
    );
    let sim = desk.stop().await;
    std::fs::write(&file, "{\"access_token\":").expect("it can be written");
    let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
    assert_eq!(
        (desk.grants("password"), desk.grants("refresh_token")),
        (2, 1)
    );
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_dead_means_one_login() {
    let data = tempfile::tempdir().expect("a folder");
    let sim = platform(1.0).await;
    let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
    let sim = desk.stop().await;
    let file = token_file(data.path());
    let text = std::fs::read_to_string(&file).expect("it is kept");
    let mut kept: Value = serde_json::from_str(&text).expect("it is JSON");
    kept["expires_tm"] = json!(1_000.5);
    kept["refresh_token"] = json!("refresh-of-yesterday");
    std::fs::write(&file, kept.to_string()).expect("it can be written");
    let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
    assert_eq!(
        (desk.grants("password"), desk.grants("refresh_token")),
        (2, 1)
    );
    desk.stop().await;
}

/// Starts a bot that is refused, and gives why.
async fn refused(sim: Lseg, change: impl Fn(String) -> String) -> (Lseg, String) {
    let text = change(settings(&sim, None, "rooms = \"listed\""));
    let desk = Desk::of(sim, text, &[]).await;
    desk.until(BotState::Stopped).await;
    let why = desk.state().1.expect("a reason");
    (desk.stop().await, why)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_stops_the_bot_after_one_try_and_is_not_shown() {
    let sim = fast().await;
    std::fs::write(sim.file("password"), "wr0ng-passw0rd").expect("it can be written");
    let (sim, why) = refused(sim, |text| text).await;
    assert_eq!(logins(&sim).len(), 1);
    assert!(
        why.contains("Invalid username or password") && why.contains(BOT),
        "{why}"
    );
    assert!(!why.contains("wr0ng") && !why.contains(APP_KEY), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_app_key_stops_the_bot() {
    let sim = fast().await;
    std::fs::write(sim.file("app-key"), "another-key").expect("it can be written");
    let (sim, why) = refused(sim, |text| text).await;
    assert_eq!(logins(&sim).len(), 1);
    assert!(why.contains("Invalid Application Credential"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_may_not_is_not_tried_again() {
    for status in [403, 451] {
        let sim = fast().await;
        sim.fault(
            Fault::on(&format!("POST {TOKEN_PATH}"))
                .times(0)
                .status(status),
        );
        let (sim, why) = refused(sim, |text| text).await;
        assert_eq!(logins(&sim).len(), 1, "{status}");
        assert!(why.contains(&status.to_string()), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_fails_for_now_is_made_again() {
    for fault in [
        Fault::on(TOKEN_PATH).status(503),
        Fault::on(TOKEN_PATH).html(502),
        Fault::on(TOKEN_PATH).drop(),
        Fault::on(TOKEN_PATH).status(429).header("retry-after", "1"),
        Fault::on(TOKEN_PATH).status(200).body("not json"),
    ] {
        let sim = fast().await;
        sim.fault(fault);
        let desk = Desk::on(sim, "rooms = \"listed\"", &[]).await;
        assert_eq!(logins(&desk.sim).len(), 2);
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_sent_on_is_made_there_whole() {
    for status in [301, 302, 307, 308] {
        let sim = fast().await;
        let to = format!("{}/auth/oauth2/beta1/token", sim.base_url());
        sim.set(json!({"redirect": to, "redirect_status": status}));
        let desk = Desk::on(sim, "rooms = \"listed\"", &[]).await;
        let requests = desk.sim.requests_after(0);
        let sent_on = requests.iter().find(|it| it.path.contains("/beta1/token"));
        let sent_on = sent_on.expect("it is sent on");
        assert_eq!(sent_on.method, "POST", "{status}");
        assert!(sent_on.body.contains("grant_type=password"), "{status}");
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_sent_on_to_nobody_else() {
    let other = fast().await;
    for (to, says) in [
        ("http://localhost:1/auth/oauth2/v1/token", "redirect-hosts"),
        ("https://evil.example/token", "redirect-hosts"),
        ("https://refinitiv.com.evil.example/token", "redirect-hosts"),
        ("http://api.refinitiv.com/token", "redirect-hosts"),
        ("https://user:pw@api.refinitiv.com/token", "redirect-hosts"),
        ("", "nowhere"),
    ] {
        let sim = fast().await;
        sim.set(json!({"redirect": to}));
        let text = settings(&sim, None, "rooms = \"listed\"");
        let desk = Desk::of(sim, text, &[]).await;
        desk.until(BotState::Disconnected).await;
        let why = desk.state().1.expect("a reason");
        assert!(why.contains(says), "{to}: {why}");
        desk.stop().await;
    }
    assert_eq!(other.request_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_sent_on_for_ever_is_given_up() {
    let sim = fast().await;
    let to = format!("{}{TOKEN_PATH}", sim.base_url());
    sim.set(json!({"redirect": to}));
    let text = settings(&sim, None, "rooms = \"listed\"");
    let desk = Desk::of(sim, text, &[]).await;
    desk.until(BotState::Disconnected).await;
    assert!(
        desk.state()
            .1
            .expect("a reason")
            .contains("more than 3 times")
    );
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_quota_is_waited_for_and_names_the_reason() {
    let sim = platform(1.0).await;
    let desk = Desk::on(sim, "rooms = \"listed\"", &[]).await;
    let sim = desk.stop().await;
    // Its folder is gone, so that it has to log in anew; the session of before is there still.
    let text = settings(&sim, None, "rooms = \"listed\"\nexclusive = false");
    let before = sim.request_count();
    let desk = Desk::of(sim, text, &[]).await;
    desk.until(BotState::Disconnected).await;
    let why = desk.state().1.expect("a reason");
    assert!(why.contains("another program is logged in"), "{why}");
    // The session is begun again soon; the login is not.
    let again = |it: &Logged| it.path == TOKEN_PATH && it.n > before + 1;
    let again = desk
        .sim
        .request_like(before, std::time::Duration::from_secs(3), again)
        .await;
    assert!(again.is_none());
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_in_mid_flight_is_renewed_and_the_message_is_sent_once() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["echo"]).await;
    desk.joins("Desk").await;
    desk.sim.fault(Fault::default().expire_tokens());
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "hello");
    desk.says(before, "Hello").await;
    assert_eq!(desk.meanwhile(before).await.len(), 1);
    assert_eq!(
        (desk.grants("password"), desk.grants("refresh_token")),
        (1, 1)
    );
    let refused = |it: &Logged| it.status == Some(401) && it.path.ends_with("/post");
    assert!(desk.sim.request_like(0, PATIENCE, refused).await.is_some());
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_twice_fails() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["actions"]).await;
    desk.joins("Desk").await;
    desk.sim
        .fault(Fault::on("POST */invite").times(0).status(401));
    let before = desk.sim.request_count();
    let outcome = desk.outcome("invite bob@example.com").await;
    assert!(outcome.contains("Denied"), "{outcome}");
    let asked = desk.sim.requests_after(before);
    let invites = asked.iter().filter(|it| it.path.ends_with("/invite"));
    assert_eq!(invites.count(), 2, "with a new token once more");
    assert_eq!(desk.grants("refresh_token"), 1);
    desk.stop().await;
}
