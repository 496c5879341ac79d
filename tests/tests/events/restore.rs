//! A backup in another folder takes up everything that was open when it was made.

use super::*;

const ROOMS: &str = "rooms = [\"Lobby\", \"Den\"]\n";

/// Settings of a host whose calls may take a minute.
fn settings() -> String {
    let local = SETTINGS.replace("[local]\n", &format!("[local]\n{ROOMS}"));
    format!("{local}\n[plugin.sleep]\nlimits.deadline-ms = 60000\n")
}

/// The files that lie beside a journal.
fn files(place: &Place) -> anyhow::Result<usize> {
    Ok(std::fs::read_dir(place.path().join("data").join("blobs"))?.count())
}

/// Waits until somebody finds a message in a room whose text begins so.
async fn until_said(person: &mut Person, room: &str, text: &str) -> anyhow::Result<Value> {
    let look = async {
        loop {
            let said = person.messages("ada", room).await?;
            let mut said = said.into_iter();
            let is_meant = |it: &Value| it["text"].as_str().is_some_and(|it| it.starts_with(text));
            if let Some(found) = said.find(is_meant) {
                return anyhow::Ok(found);
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, look).await;
    found.with_context(|| format!("nobody says {text:?}"))?
}

/// Waits until the plugin's only delivery is in a state.
async fn until_delivered(place: &Place, plugin: &str, state: &str) -> anyhow::Result<Value> {
    let look = async {
        loop {
            let events = place.json(&["events", "--plugin", plugin]).await?;
            let mut events = events.iter().filter(|it| it["kind"] == "message");
            let delivery = events.next().map(|it| it["deliveries"][0].clone());
            if let Some(found) = delivery.filter(|it| it["state"] == state) {
                return anyhow::Ok(found);
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, look).await;
    found.with_context(|| format!("{plugin} has nothing that is {state}"))?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_takes_up_calls_messages_files_timers_and_state() -> anyhow::Result<()> {
    let plugins = [
        ("counter", "counter"),
        ("timers", "timers"),
        ("actions", "actions"),
        ("sleep", "sleep"),
    ];
    let place = Place::new(&settings(), &plugins)?;
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    let den = open_room(&mut ada, "Den").await?;
    say(&mut ada, &lobby, "+1").await?;
    ada.hears("1").await?;
    // A message with a file that does not leave, a timer, and a call that does not end.
    place
        .printed(&["outbox", "hold", "--plugin", "actions"])
        .await?;
    say(&mut ada, &lobby, "/do send-file").await?;
    let held = until_delivered(&place, "actions", "done").await?;
    assert_eq!(held["actions"][0]["state"], "queued", "{held:#}");
    assert_eq!(files(&place)?, 1);
    say(&mut ada, &lobby, "/after wake 3000").await?;
    until_delivered(&place, "timers", "done").await?;
    say(&mut ada, &den, "sleep 50000").await?;
    until_delivered(&place, "sleep", "waiting").await?;
    place.printed(&["backup", "copy.sqlite"]).await?;
    host.kill().await?;

    let other = Place::new(&settings(), &plugins)?;
    // A build that is quicker.
    other.put("sleep", "flaky")?;
    other.restore(&place.path().join("copy.sqlite"))?;
    let mut host = HostProcess::start(program(), other.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    assert_eq!(open_room(&mut ada, "Lobby").await?, lobby);
    until_delivered(&other, "sleep", "done").await?;
    until_said(&mut ada, &lobby, "wake ").await?;
    say(&mut ada, &lobby, "+1").await?;
    until_said(&mut ada, &lobby, "2").await?;
    // What was held is held.
    assert_eq!(files(&other)?, 1);
    let said = ada.messages("ada", &lobby).await?;
    assert!(
        !said.iter().any(|it| it["text"] == "with a file"),
        "{said:#?}"
    );
    other
        .printed(&["outbox", "release", "--plugin", "actions"])
        .await?;
    let message = until_said(&mut ada, &lobby, "with a file").await?;
    let file = &message["attachments"][0];
    assert_eq!((&file["name"], &file["size"]), (&json!("a.txt"), &json!(6)));
    assert!(host.stop().await?.success());
    let sent = until_delivered(&other, "actions", "done").await?;
    assert_eq!(sent["actions"][0]["state"], "sent", "{sent:#}");
    Ok(())
}
