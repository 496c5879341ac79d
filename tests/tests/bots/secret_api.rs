//! Slow secret API.

use std::path::Path;

use axum::http::StatusCode;
use parlor_host::connectors::local::{Hub, LocalConfig};
use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};
use parlor_tests::api::Api;

use super::*;

const TOKEN: &str = "s3cret-oracle-t0ken";

/// A host whose journal and rooms are in a folder, with the bot and its token.
async fn host_in(folder: &Path, api: &Api, path: &str) -> TestHost {
    let journal = SqliteJournal::open(&folder.join("data"), SqliteConfig::default());
    let hub = Hub::open(LocalConfig {
        folder: Some(folder.join("local")),
        ..LocalConfig::default()
    });
    let parts = TestHostParts {
        journal: Arc::new(journal.expect("a journal opens")),
        ..TestHostParts::default()
    };
    let host = TestHost::start_closed(parts, hub.expect("rooms open")).await;
    let token = folder.join("token");
    std::fs::write(&token, TOKEN).expect("a token is written");
    let (url, token) = (api.url(path), token.display().to_string());
    let own = format!(
        "config = {{ service = \"{url}\" }}\n\
         grants.http = [{{ allow = \"POST {url}\", bearer = \"file:{token}\" }}]\n"
    );
    let host = with_bot(host, "oracle", &own).await;
    host.open().await;
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_takes_the_place_of_the_promise_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start().await;
    let host = host_in(folder.path(), &api, "/held").await;
    let room = host.room("ada", "Lobby").await;
    host.say("ada", &room, "/ask why is the sky blue").await;
    host.until_answers(&room, 1).await;
    assert_eq!(texts(&host, "ada", &room), ["Just a moment, ada."]);
    api.until_asked(1).await;
    host.stop().await;

    let host = host_in(folder.path(), &api, "/held").await;
    api.until_asked(2).await;
    api.open_door();
    host.idle().await;
    assert_eq!(
        texts(&host, "ada", &room),
        ["POST /held why is the sky blue"]
    );
    // The service was shown the token, and the same id both times; nobody else was.
    let asked = api.asked();
    for one in &asked {
        assert_eq!(one.headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(
            one.headers["idempotency-key"],
            asked[0].headers["idempotency-key"]
        );
    }
    host.stop().await;
    for (place, bytes) in parlor_tests::outside::files(&folder.path().join("data")) {
        assert!(!parlor_tests::outside::holds(&bytes, TOKEN), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_said_in_words_and_an_echoed_token_is_not_shown() {
    for (status, answer, said) in [
        (
            StatusCode::TOO_MANY_REQUESTS,
            "",
            "The service has had enough for today.",
        ),
        (
            StatusCode::FORBIDDEN,
            "go away",
            "The service refuses (403).",
        ),
        (
            StatusCode::OK,
            "you showed s3cret-oracle-t0ken",
            "you showed *******************",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let api = Api::start().await;
        api.set_answer("/ask", status, answer);
        let host = host_in(folder.path(), &api, "/ask").await;
        let room = host.room("ada", "Lobby").await;
        host.say("ada", &room, "/ask anything").await;
        host.idle().await;
        assert_eq!(texts(&host, "ada", &room), [said]);
        host.stop().await;
    }
}
