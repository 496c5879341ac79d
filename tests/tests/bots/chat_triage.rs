//! Customer-chat triage.

use super::*;
use parlor_host::mailbox::rooms::{RoomInfo, RoomView};
use parlor_host::model::payload::PresenceStatus;
use parlor_tests::harness::BOT;

const HOST: &str = "[local]\ngroups = { billing = [\"bob\"], technical = [] }\n\
    [roles]\nagents = [\"bob@local\"]\n";
const OWN: &str = "allow = { solved = [\"agents\"] }\nconfig = { groups = [\"billing\", \"technical\"] }\n\
    grants.actions = [\"tag\", \"transfer\", \"close\"]\n";

async fn chat(host: &TestHost, customer: &str) -> String {
    let open = Command::OpenChat {
        customer: customer.to_owned(),
    };
    let done = host.act(customer, open).await.expect("a chat opens");
    host.idle().await;
    done.conversation.expect("it has an id").to_string()
}

fn view(host: &TestHost, chat: &str) -> RoomView {
    let (snapshot, _) = host.host().hub().view("bob").expect("an agent looks");
    let mut rooms = snapshot.rooms.into_iter();
    rooms
        .find(|view| *view.room.id == *chat)
        .expect("agents see chats")
}

fn info(host: &TestHost, chat: &str) -> RoomInfo {
    (*view(host, chat).room).clone()
}

fn is_in(host: &TestHost, user: &str, chat: &str) -> bool {
    view(host, chat)
        .members
        .iter()
        .any(|member| &*member.user.id == user)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_asked_and_handed_to_who_can_help() {
    let host = bot("triage", HOST, OWN).await;
    let here = Command::SetPresence {
        status: PresenceStatus::Available,
    };
    act(&host, "bob", here).await;
    let chat = chat(&host, "carl").await;
    let asked = shown(&host, "carl", &chat);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].text.starts_with("Welcome!"));
    let answers = [("topic", "billing"), ("question", "Where is my invoice?")];
    submit(&host, "carl", &asked[1].id, &answers).await;
    assert_eq!(info(&host, &chat).tags, ["billing"]);
    assert!(is_in(&host, "bob", &chat), "the group's agent is there");
    // The brief is for agents.
    let brief = |user: &str| {
        texts(&host, user, &chat)
            .iter()
            .any(|text| text.contains("Where is my invoice?"))
    };
    assert!(brief("bob") && !brief("carl"));
    assert!(
        texts(&host, "carl", &chat)
            .iter()
            .any(|text| text.starts_with("Thank you"))
    );

    let refused = host.ask_in("carl", &chat, "/solved").await;
    assert_eq!(refused, ["You may not use /solved."]);
    host.say("bob", &chat, "/solved").await;
    host.idle().await;
    let end = info(&host, &chat);
    assert!(
        end.closed && end.tags.contains(&"solved".to_owned()),
        "{end:?}"
    );
    assert!(!is_in(&host, BOT, &chat));
    assert_eq!(last(&host, "carl", &chat).text, "Good-bye!");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_hears_where_nobody_is_there() {
    let host = bot("triage", HOST, OWN).await;
    let night = chat(&host, "dora").await;
    let form = last(&host, "dora", &night).id.to_string();
    let answers = [("topic", "technical"), ("question", "It is broken")];
    submit(&host, "dora", &form, &answers).await;
    assert!(
        last(&host, "dora", &night)
            .text
            .starts_with("Nobody is here right now.")
    );
    assert_eq!(info(&host, &night).tags, ["technical", "waiting"]);
    // A form is not for everybody: the first group is asked.
    let here = Command::SetPresence {
        status: PresenceStatus::Available,
    };
    act(&host, "bob", here).await;
    let other = chat(&host, "emil").await;
    host.ask_in("emil", &other, "a human, please").await;
    assert!(is_in(&host, "bob", &other));
    host.stop().await;
}
