//! Broadcast to 500 rooms.

use super::*;

/// Rooms, the lobby that is there from the start among them.
const ROOMS: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_rooms_hear_it_once_after_its_author_has_seen_it() {
    let settings = "[roles]\npress = [\"ada@local\"]\n";
    let own = "allow = { announce = [\"press\"], announced = [\"press\"] }\n\
        grants.actions = [\"send-conversations\"]\ngrants.reads = [\"conversations\"]\n";
    let host = bot("announce", settings, own).await;
    let mut rooms = vec![host.room("bob", "Lobby").await];
    for number in 1..ROOMS {
        rooms.push(host.room("bob", &format!("Room {number}")).await);
    }
    let desk = host.direct("ada").await;
    let refused = host.ask_in("bob", &rooms[0], "/announce party").await;
    assert_eq!(refused, ["You may not use /announce."]);

    // Thought better of.
    host.ask_in("ada", &desk, "/announce We close at noo").await;
    let slip = last(&host, "ada", &desk).id.to_string();
    act(&host, "ada", press(&slip, "drop")).await;
    assert!(shown(&host, "ada", &desk).is_empty());

    host.ask_in("ada", &desk, "/announce We close at noon.")
        .await;
    let preview = last(&host, "ada", &desk);
    let (text, all) = (&preview.text, format!("Send to {ROOMS} rooms"));
    assert!(
        text.contains("We close at noon.") && text.contains(&all),
        "{text}"
    );
    act(&host, "ada", press(&preview.id, "send")).await;
    for room in &rooms {
        let heard = host.all_answers(room);
        let heard: Vec<&str> = heard.iter().map(|message| message.text.as_str()).collect();
        let heard: Vec<&str> = heard
            .into_iter()
            .filter(|text| !text.starts_with("You may"))
            .collect();
        assert_eq!(heard, ["We close at noon."], "{room}");
    }
    let told = host.ask_in("ada", &desk, "/announced").await;
    assert_eq!(told, [format!("sent: {ROOMS}, failed: 0")]);
    // The preview has changed, and nobody can send it twice.
    let changed = texts(&host, "ada", &desk);
    let way = format!("On its way to {ROOMS} rooms.");
    assert!(changed[0].contains(&way), "{changed:?}");
    cannot_press(&host, "ada", &preview.id, "send").await;
    assert_eq!(host.row("announce").last_error, None);
    host.stop().await;
}
