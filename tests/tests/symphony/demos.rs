//! The demo plugins, the same files as everywhere.

use std::time::Duration;

use parlor_tests::sim::Fault;
use serde_json::json;

use crate::bank::Bank;

#[tokio::test(flavor = "multi_thread")]
async fn joke_answers_in_a_room_in_an_im_and_to_a_mention() {
    let bank = Bank::with(&["joke"]).await;
    bank.sim.say("Desk", "ada", "/bot joke");
    let first = bank.says(0, "").await;
    assert_eq!(first.conversation, "Desk");
    bank.sim.say_im("ada", "/bot joke");
    let second = bank.says(first.n, "").await;
    assert_ne!(second.conversation, "Desk");
    bank.sim.say_to_bot("Desk", "ada", "/joke");
    bank.says(second.n, "").await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn echo_greets_by_name_and_repeats() {
    let bank = Bank::with(&["echo"]).await;
    bank.sim.say_im("ada", "Hello");
    let greeting = bank.says(0, "Hello").await;
    bank.sim.say_im("ada", "/echo one <b>two</b> ${x} & more");
    let said = bank.says(greeting.n, "one").await;
    assert!(
        said.text.contains("one <b>two</b> ${x} & more"),
        "{}",
        said.text
    );
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pizza_answers_twice_in_a_room_and_the_bot_stays() {
    let bank = Bank::with(&["pizza"]).await;
    let mut last = 0;
    for _ in 0..2 {
        bank.sim.say("Desk", "ada", "pizza please");
        let answer = bank.says(last, "Pizza is on the way!").await;
        last = answer.n;
    }
    let did = bank.meanwhile(0).await;
    assert!(did.iter().all(|sent| sent.kind != "leave"), "{did:#?}");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buy_takes_a_real_cashtag_and_no_word() {
    let bank = Bank::with(&["activities"]).await;
    bank.sim.say("Desk", "ada", "/buy 1000 $goog");
    let bought = bank.says(0, "goog").await;
    assert!(bought.text.contains("1000"), "{}", bought.text);
    bank.sim.say("Desk", "ada", "/buy 1000 goog");
    // It is told how the command is written, and buys nothing.
    let told = bank.says(bought.n, "/buy").await;
    assert!(!told.text.contains("1000"), "{}", told.text);
    assert_eq!(bank.meanwhile(told.n).await.len(), 0);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_goes_there_and_back() {
    let bank = Bank::with(&["activities"]).await;
    bank.sim.say("Desk", "ada", "/form");
    let form = bank
        .does(0, |sent| sent.raw.to_string().contains("hello-form"))
        .await;
    // No person answers before the pod has said that the form is there.
    bank.host.idle().await;
    bank.sim.submit(
        "Desk",
        "ada",
        "hello-form",
        "submit",
        json!({"name": "Ada"}),
    );
    bank.says(form.n, "Hello, Ada").await;
    bank.stop().await;
}

/// Who is quick has the form before the host has the answer that says what the form's message is called.
async fn is_taken_though(fault: Fault) {
    let bank = Bank::with(&["activities"]).await;
    bank.sim.fault(fault.performed());
    bank.sim.say("Desk", "ada", "/form");
    let form = bank
        .does(0, |sent| sent.raw.to_string().contains("hello-form"))
        .await;
    let values = json!({"name": "Ada"});
    bank.sim
        .submit("Desk", "ada", "hello-form", "submit", values);
    bank.says(form.n, "Hello, Ada").await;
    assert_eq!(bank.meanwhile(form.n).await.len(), 1);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_faster_than_the_answer_to_the_host_is_taken() {
    let create = "POST /agent/v4/stream/*/message/create";
    is_taken_though(Fault::on(create).delay(Duration::from_secs(2))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_form_whose_end_is_in_doubt_is_taken() {
    let create = "POST /agent/v4/stream/*/message/create";
    is_taken_though(Fault::on(create).status(502)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_a_table() {
    let bank = Bank::with(&["complex-message"]).await;
    bank.sim.say("Desk", "ada", "/complex_message");
    let answer = bank.says(0, "").await;
    assert!(answer.raw.to_string().contains("<table"), "{}", answer.raw);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_lists_the_commands_and_the_manifest_too() {
    let bank = Bank::with(&["echo", "joke"]).await;
    bank.sim.say_to_bot("Desk", "ada", "/help");
    let help = bank.says(0, "/echo").await;
    assert!(help.text.contains("/joke"), "{}", help.text);
    let manifest = bank
        .sim
        .request_like(0, parlor_tests::harness::PATIENCE, |asked| {
            asked.path.ends_with("/user/manifest/own") && asked.body.contains("/joke")
        })
        .await;
    assert!(manifest.is_some());
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_templates_and_the_form_of_the_python_kit_work_as_they_are() {
    let bank = Bank::with(&["templated"]).await;
    bank.sim.say("Desk", "ada", "/hello");
    let hello = bank.says(0, "Hello ").await;
    let markup = hello.raw["message"].to_string();
    assert!(
        markup.contains("Hello <b>") && hello.text == "Hello Ada Smith!",
        "{markup}"
    );
    for (command, form, field, button, value, answer) in [
        ("/price", "price", "ticker", "price", "GOOG", "GOOG is at 1"),
        (
            "/hello-form",
            "hello-form",
            "name",
            "submit",
            "Ada",
            "Hello, Ada",
        ),
    ] {
        let before = bank.sim.sent_count();
        bank.sim.say("Desk", "ada", command);
        let shown = bank
            .does(before, |sent| sent.raw.to_string().contains(form))
            .await;
        assert_eq!(shown.conversation, "Desk");
        bank.host.idle().await;
        let values = serde_json::Map::from_iter([(field.to_owned(), json!(value))]);
        bank.sim.submit("Desk", "ada", form, button, values.into());
        bank.says(shown.n, answer).await;
    }
    bank.stop().await;
}
#[tokio::test(flavor = "multi_thread")]
async fn pizza_does_not_come_where_people_of_other_companies_are() {
    let bank = Bank::with(&["pizza"]).await;
    bank.sim.say("Desk", "ada", "pizza please");
    let inside = bank.says(0, "Pizza is on the way!").await;
    bank.sim.say("Deal", "eve@other.com", "hello");
    bank.sim.say("Deal", "ada", "pizza please");
    let why = || {
        let all = bank.host.host().outbox().status();
        all.into_iter().find_map(|bot| bot.last_error)
    };
    let is_told = || why().is_some_and(|why| why.contains("people of other companies"));
    bank.host.eventually("the reason is told", is_told).await;
    let after = bank.meanwhile(inside.n).await;
    assert!(
        after.iter().all(|sent| sent.kind != "message"),
        "{after:#?}"
    );
    bank.stop().await;
}
