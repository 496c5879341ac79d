//! The demo plugins, the same files as everywhere.

use serde_json::json;

use crate::desk::Front;

#[tokio::test(flavor = "multi_thread")]
async fn echo_greets_and_repeats_in_a_chat_that_it_was_not_in() {
    let front = Front::with(&["echo"]).await;
    front.sim.say("shop", "ann", "Hello");
    let greeting = front.says(0, "Hello").await;
    assert_eq!(greeting.visibility, "all");
    front
        .sim
        .say("shop", "ann", "/echo one <b>two</b> ${x} & more");
    let said = front.says(greeting.n, "one").await;
    assert_eq!(said.text, "one <b>two</b> ${x} & more");
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn joke_answers_a_command_and_a_mention() {
    let front = Front::with(&["joke"]).await;
    front.sim.say("shop", "ann", "/joke");
    let first = front.does(0, |sent| sent.kind == "message").await;
    assert_eq!(first.visibility, "all");
    front.sim.act(
        "say",
        json!({"conversation": "shop", "user": "ann", "text": "/joke", "mention_bot": true}),
    );
    let second = front.does(first.n, |sent| sent.kind == "message").await;
    assert_ne!(first.text, second.text, "never the same twice running");
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expense_is_asked_for_question_by_question() {
    let front = Front::with(&["expense"]).await;
    front.sim.act("agent", json!({"user": "grace"}));
    front.sim.say("shop", "ann", "/expense");
    let amount = front.says(0, "Amount").await;
    // What breaks a rule of the form is asked again, with the reason.
    front.sim.say("shop", "ann", "none");
    let again = front.says(amount.n, "Amount").await;
    front.sim.say("shop", "ann", "12.5");
    let receipt = front.says(again.n, "Receipt").await;
    front.sim.say("shop", "ann", "R-7, taxi");
    let approver = front.says(receipt.n, "Who approves it").await;
    front.sim.say("shop", "ann", "grace@example.com");
    let card = front.says(approver.n, "Waiting for grace").await;
    for part in ["Expense 1", "12.50 EUR", "R-7, taxi"] {
        assert!(card.text.contains(part), "{part}: {}", card.text);
    }
    // Nobody there can be written to outside of a chat: an agent is not asked.
    assert_eq!(front.meanwhile(card.n).await.len(), 0);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buy_takes_a_cashtag_of_the_text() {
    let front = Front::with(&["activities"]).await;
    front.sim.say("shop", "ann", "/buy 1000 $goog");
    let bought = front.says(0, "goog").await;
    assert!(bought.text.contains("1000"), "{}", bought.text);
    front.sim.act(
        "say",
        json!({"conversation": "shop", "user": "ann", "text": "/buy 5 $msft", "mention_bot": true}),
    );
    front.says(bought.n, "Buy 5 of msft").await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_asked_question_by_question() {
    let front = Front::with(&["activities"]).await;
    front.sim.say("shop", "ann", "/form");
    let asked = front.says(0, "Your name").await;
    front.sim.say("shop", "ann", "Ann");
    front.says(asked.n, "Hello, Ann").await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_lines_of_text() {
    let front = Front::with(&["complex-message"]).await;
    front.sim.say("shop", "ann", "/complex_message");
    let answer = front.says(0, "Supplier").await;
    assert!(answer.text.contains("Alder & Sons"), "{}", answer.text);
    assert!(answer.text.contains("https://example.com/assessment"));
    front.stop().await;
}
