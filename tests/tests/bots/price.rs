//! Price by cashtag.

use axum::http::StatusCode;
use parlor_tests::api::Api;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn prices_of_cashtags_are_looked_up_and_kept_for_a_minute() {
    let api = Api::start().await;
    api.set_answer("/v1/GOOG", StatusCode::OK, "172.40 -0.8");
    api.set_answer("/v1/IBM", StatusCode::OK, "240.00 +1.25\n");
    api.set_answer("/v1/NONE", StatusCode::NOT_FOUND, "no such ticker");
    let own = format!(
        "config = {{ source = \"{0}\" }}\ngrants.http = [\"GET {0}/*\"]\n",
        api.url("/v1")
    );
    let host = bot("price", "", &own).await;
    let told = host.ask("what of $goog, $IBM, $goog and $none?").await;
    assert_eq!(told.len(), 1, "{told:?}");
    for row in [
        ["$GOOG", "172.40", "-0.8"],
        ["$IBM", "240.00", "+1.25"],
        ["$NONE", "unknown", ""],
    ] {
        let mut lines = told[0].lines();
        let holds = |line: &str| row.iter().all(|cell| line.contains(cell));
        assert!(lines.any(holds), "{row:?}: {}", told[0]);
    }
    assert_eq!(api.asked().len(), 3, "each once");
    host.ask("$goog?").await;
    assert_eq!(api.asked().len(), 3, "it is known");
    // No cashtag, no answer; and what fails once is asked again.
    assert!(host.ask("goog is a company").await.is_empty());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_is_not_there_yet_comes_with_the_next_try() {
    let api = Api::start().await;
    api.set_answer("/v1/GOOG", StatusCode::SERVICE_UNAVAILABLE, "later");
    let own = format!(
        "config = {{ source = \"{0}\" }}\ngrants.http = [\"GET {0}/*\"]\n",
        api.url("/v1")
    );
    let host = bot("price", "", &own).await;
    let room = host.room("ada", "Lobby").await;
    host.say("ada", &room, "$goog").await;
    api.until_asked(1).await;
    api.set_answer("/v1/GOOG", StatusCode::OK, "172.40 -0.8");
    host.idle().await;
    assert!(last(&host, "ada", &room).text.contains("172.40"));
    assert_eq!(shown(&host, "ada", &room).len(), 1);
    host.stop().await;
}
