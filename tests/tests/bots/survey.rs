//! Survey with edits.

use super::*;

/// People who vote at once.
const VOTERS: usize = 20;

fn votes(text: &str, answer: &str) -> Option<String> {
    let mut lines = text.lines();
    let line = lines.find(|line| line.split_whitespace().next() == Some(answer))?;
    line.split_whitespace().next_back().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_are_shown_in_the_message_as_they_come() {
    let host = Arc::new(bot("survey", "", "").await);
    let room = host.room("ada", "Lobby").await;
    let few = host.ask("/survey \"Lunch?\" soup").await;
    assert_eq!(few, ["A survey has 2 to 10 answers, with commas between."]);
    host.ask("/survey \"What for lunch?\" soup, salad, nothing")
        .await;
    let survey = last(&host, "ada", &room).id.to_string();
    let text = || last(&host, "ada", &room).text.clone();
    assert!(text().contains("What for lunch?"), "{}", text());
    assert_eq!(votes(&text(), "soup").as_deref(), Some("0"), "{}", text());

    let voters = (0..VOTERS).map(|number| {
        let (host, survey) = (host.clone(), survey.clone());
        tokio::spawn(async move {
            let user = format!("voter{number}");
            host.room(&user, "Lobby").await;
            let answer = if number < VOTERS / 4 {
                "vote:0"
            } else {
                "vote:1"
            };
            host.act(&user, press(&survey, answer))
                .await
                .expect("anybody may vote");
        })
    });
    for voter in voters.collect::<Vec<_>>() {
        voter.await.expect("a voter votes");
    }
    host.idle().await;
    assert_eq!(votes(&text(), "soup").as_deref(), Some("5"), "{}", text());
    assert_eq!(votes(&text(), "salad").as_deref(), Some("15"), "{}", text());
    // A second vote takes the place of the first.
    act(&host, "voter0", press(&survey, "vote:2")).await;
    assert_eq!(votes(&text(), "soup").as_deref(), Some("4"), "{}", text());
    assert_eq!(
        votes(&text(), "nothing").as_deref(),
        Some("1"),
        "{}",
        text()
    );
    assert_eq!(
        shown(&host, "ada", &room)
            .iter()
            .filter(|message| *message.id == *survey)
            .count(),
        1
    );

    host.ask("/survey end").await;
    assert_eq!(votes(&text(), "salad").as_deref(), Some("15"), "{}", text());
    cannot_press(&host, "voter1", &survey, "vote:0").await;
    assert_eq!(host.ask("/survey end").await, ["There is no survey here."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn surveys_of_two_rooms_do_not_mix() {
    let host = bot("survey", "", "").await;
    let (one, two) = (host.room("ada", "One").await, host.room("bob", "Two").await);
    host.ask_in("ada", &one, "/survey first? yes, no").await;
    host.ask_in("bob", &two, "/survey second? yes, no").await;
    let survey = last(&host, "ada", &one).id.to_string();
    act(&host, "ada", press(&survey, "vote:0")).await;
    assert_eq!(
        votes(&last(&host, "ada", &one).text, "yes").as_deref(),
        Some("1")
    );
    assert_eq!(
        votes(&last(&host, "bob", &two).text, "yes").as_deref(),
        Some("0")
    );
    host.stop().await;
}
