//! The demo plugins answer on the local platform.

use parlor_host::mailbox::rooms::{Command, Say};
use parlor_host::model::event::Visibility;
use parlor_tests::guests;
use parlor_tests::harness::TestHost;

#[tokio::test(flavor = "multi_thread")]
async fn echo_greets_by_name_and_repeats() {
    let host = TestHost::with(&["echo"]).await;
    assert_eq!(host.ask("Hello").await, ["Hello ada"]);
    assert_eq!(host.ask("/echo one  two").await, ["one  two"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn joke_is_never_the_same_twice_running() {
    let host = TestHost::with(&["joke"]).await;
    let mut last = Vec::new();
    for command in ["/joke", "/bot joke"].iter().cycle().take(20) {
        let answer = host.ask(command).await;
        assert_eq!(answer.len(), 1);
        assert_ne!(answer, last);
        last = answer;
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pizza_answers_agents_twice_and_the_bot_stays() {
    let host = TestHost::with(&["pizza"]).await;
    for _ in 0..2 {
        assert_eq!(
            host.ask("Where is my PIZZA?").await,
            ["Pizza is on the way!"]
        );
    }
    let lobby = host.room("ada", "Lobby").await;
    let answers = host.answers("ada", &lobby);
    assert!(answers.iter().all(|m| m.visibility == Visibility::Agents));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pizza_joins_a_customer_chat_and_leaves() {
    let host = TestHost::with(&["pizza"]).await;
    let open = Command::OpenChat {
        customer: "carl".to_owned(),
    };
    let done = host.act("agnes", open).await.expect("a chat opens");
    let chat = done.conversation.expect("a chat has an id").to_string();
    let say = Command::Say(Say {
        conversation: chat.clone(),
        text: "One pizza please".to_owned(),
        ..Say::default()
    });
    host.act("carl", say).await.expect("a customer speaks");
    host.idle().await;
    assert_eq!(host.answers("agnes", &chat).len(), 1, "the agent sees it");
    assert!(
        host.answers("carl", &chat).is_empty(),
        "the customer does not"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complex_message_has_a_table() {
    let host = TestHost::with(&["complex-message"]).await;
    let answers = host.ask("/complex_message").await;
    assert_eq!(answers.len(), 1);
    assert!(answers[0].contains("(up)") && answers[0].contains("(dn)"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_buy_greet_and_remind() {
    let host = TestHost::with(&["activities"]).await;
    let bought = host.ask("/buy 1000 $goog").await;
    assert!(bought[0].contains("1000") && bought[0].contains("goog"));
    host.ask("/form").await;
    let lobby = host.room("ada", "Lobby").await;
    let form = host.answers("ada", &lobby).pop().expect("a form came");
    let submit = Command::Submit {
        message: form.id.to_string(),
        form: "hello-form".to_owned(),
        button: None,
        values: [("name".to_owned(), vec!["Ada".to_owned()])].into(),
    };
    host.act("ada", submit).await.expect("the form is taken");
    host.idle().await;
    let last = host.answers("ada", &lobby).pop().expect("an answer came");
    assert_eq!(last.text, "Hello, Ada");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_lists_what_a_person_may_say() {
    let host = TestHost::with(&["echo", "joke"]).await;
    let help = host.ask("/help").await;
    assert_eq!(help.len(), 1);
    assert!(
        help[0].contains("/echo") && help[0].contains("/joke"),
        "{help:?}"
    );
    host.stop().await;
}

#[test]
fn demo_plugins_are_small_enough_to_answer_soon_after_a_save() {
    // The bound of the bench row `save-to-answer-p95`: what is larger takes longer to compile.
    const MOST: usize = 128 * 1024;
    for plugin in [
        "activities",
        "complex-message",
        "echo",
        "expense",
        "joke",
        "pizza",
    ] {
        let size = guests::bytes(plugin).len();
        assert!(size <= MOST, "{plugin} has {size} bytes");
    }
}
