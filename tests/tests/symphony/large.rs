//! Large files.

use parlor_tests::guests;
use parlor_tests::stage::all_grants;
use serde_json::json;

use crate::actions::outcomes;
use crate::bank::Bank;

/// The most that a message's files have together.
const MOST: u64 = 30 * 1024 * 1024;

fn is_file(path: &str) -> bool {
    path.ends_with("/attachment")
}

/// Somebody says something with a file of this size.
fn say_with_file(bank: &Bank, text: &str, size: u64) {
    bank.sim.say_with(json!({
        "conversation": "Desk", "user": "ada", "text": text,
        "attachments": [{"name": "report.bin", "size": size}],
    }));
}

/// A bot whose reads may take as long as a file of this size takes in a build without optimisation.
async fn bank() -> Bank {
    let bank = Bank::with(&["actions"]).await;
    let settings = format!("{}limits = {{ deadline-ms = 60000 }}\n", all_grants());
    let host = &bank.host;
    host.load("reads", guests::bytes("reads"), Some(&settings))
        .await;
    assert_eq!(host.row("reads").last_error, None);
    bank
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_100_mb_is_refused_before_it_is_read() {
    let bank = bank().await;
    say_with_file(&bank, "/do send-received", 100_000_000);
    let told = outcomes(&bank).await;
    assert!(told.contains("ActionError::TooLarge"), "{told}");
    // Its size is in the event: nobody needs to ask for it.
    let asked = bank.sim.requests_after(0);
    assert!(asked.iter().all(|it| !is_file(&it.path)));
    let before = bank.sim.sent_count();
    say_with_file(&bank, "/here attachment-ends", 100_000_000);
    let answer = bank.says(before, "").await;
    assert!(
        answer.text.contains("more than 31457280 bytes"),
        "{}",
        answer.text
    );
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_30_mb_is_sent_on_and_read_in_pieces_of_one_download() {
    let bank = bank().await;
    say_with_file(&bank, "/do send-received", MOST);
    let sent = bank.says(0, "passed on").await;
    assert_eq!(sent.raw["attachments"][0]["size"], json!(MOST));
    assert_eq!(sent.raw["attachments"][0]["name"], json!("report.bin"));

    let before = bank.sim.request_count();
    say_with_file(&bank, "/here attachment-ends", MOST);
    let answer = bank.says(sent.n, "report.bin").await;
    let wanted = format!("report.bin: {MOST} bytes, first 1048576, last 1, 120");
    assert!(answer.text.contains(&wanted), "{}", answer.text);
    let asked = bank.sim.requests_after(before).into_iter();
    assert_eq!(asked.filter(|it| is_file(&it.path)).count(), 1);
    bank.stop().await;
}
