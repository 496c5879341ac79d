//! Operators and the past, with the real program: what came in, what became of it, and what is done
//! about it.

#[path = "events/flood.rs"]
mod flood;
#[path = "events/restore.rs"]
mod restore;

use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, ensure};
use parlor_host::mailbox::rooms::{Command, Say};
use parlor_tests::guests;
use parlor_tests::harness::PATIENCE;
use parlor_tests::person::Person;
use parlor_tests::process::HostProcess;
use serde_json::{Value, json};

const SETTINGS: &str = "[local]\nlisten = \"127.0.0.1:0\"\n\n[log]\nlevel = \"warn\"\n";

/// The `parlor` command, built from its own source as part of these tests.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_parlor-under-test"))
}

/// A folder with settings and plugins, in which the program runs.
struct Place(tempfile::TempDir);

impl Place {
    /// Plugins by name, each with the guest that it is.
    fn new(settings: &str, plugins: &[(&str, &str)]) -> anyhow::Result<Self> {
        let place = Self(tempfile::tempdir()?);
        std::fs::write(place.path().join("parlor.toml"), settings)?;
        std::fs::create_dir(place.path().join("plugins"))?;
        for (name, guest) in plugins {
            place.put(name, guest)?;
        }
        Ok(place)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, guest: &str) -> anyhow::Result<()> {
        let file = self.path().join("plugins").join(format!("{name}.wasm"));
        std::fs::write(file, guests::bytes(guest))?;
        Ok(())
    }

    /// Puts a backup where the journal is.
    fn restore(&self, backup: &Path) -> anyhow::Result<()> {
        let data = self.path().join("data");
        std::fs::create_dir(&data)?;
        std::fs::copy(backup, data.join("journal.sqlite"))?;
        Ok(())
    }

    /// Runs a verb and waits for its end.
    async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let run = tokio::process::Command::new(program())
            .args(arguments)
            .current_dir(self.path())
            .output();
        let output = tokio::time::timeout(PATIENCE, run).await;
        Ok(output.with_context(|| format!("{arguments:?} does not end"))??)
    }

    /// Runs a verb that must succeed, and gives what it printed.
    async fn printed(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(arguments).await?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {error}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a verb with `--json` that must succeed, and gives its objects.
    async fn json(&self, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let mut all = arguments.to_vec();
        all.push("--json");
        let printed = self.printed(&all).await?;
        let lines = printed.lines().map(serde_json::from_str);
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// Runs a verb that must fail with code 1, and gives why.
    async fn refused(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(arguments).await?;
        ensure!(output.status.code() == Some(1), "{arguments:?}: {output:?}");
        Ok(String::from_utf8(output.stderr)?)
    }
}

async fn open_room(person: &mut Person, name: &str) -> anyhow::Result<String> {
    let open = Command::OpenRoom {
        name: name.to_owned(),
    };
    let done = person.act(open).await?;
    let room = done.conversation.context("a room has an id")?;
    Ok(room.to_string())
}

async fn say(person: &mut Person, room: &str, text: &str) -> anyhow::Result<()> {
    let say = Command::Say(Say {
        conversation: room.to_owned(),
        text: text.to_owned(),
        ..Say::default()
    });
    person.act(say).await.map(drop)
}

/// The events of this text, of those that are listed.
fn of_text<'a>(events: &'a [Value], text: &str) -> Vec<&'a Value> {
    let all = events.iter();
    all.filter(|event| event["text"] == text).collect()
}

/// Waits until an event of this text is a dead letter.
async fn until_dead(place: &Place, text: &str) -> anyhow::Result<Value> {
    let look = async {
        loop {
            let dead = place.json(&["events", "--dead"]).await?;
            if let Some(found) = of_text(&dead, text).first() {
                return anyhow::Ok(Value::clone(found));
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, look).await;
    found.with_context(|| format!("{text} is no dead letter"))?
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_told_and_a_dead_letter_is_put_back() -> anyhow::Result<()> {
    let place = Place::new(SETTINGS, &[("echo", "echo"), ("shaky", "trap-handle")])?;
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    say(&mut ada, &lobby, "/echo hello").await?;
    ada.hears("hello").await?;
    say(&mut ada, &lobby, "error").await?;
    let dead = until_dead(&place, "error").await?;

    let all = place.json(&["events"]).await?;
    let echoed = of_text(&all, "/echo hello");
    ensure!(echoed.len() == 1, "{all:#?}");
    let delivery = &echoed[0]["deliveries"][0];
    assert_eq!(delivery["plugin"], "echo");
    assert_eq!(delivery["state"], "done");
    assert!(delivery["took-us"].as_u64() > Some(0), "{delivery:#}");
    assert_eq!(delivery["actions"][0]["action"], "send");
    assert_eq!(delivery["actions"][0]["state"], "sent");
    assert_eq!(delivery["actions"][0]["conversation"], lobby);
    assert_eq!(echoed[0]["user-name"], "ada");
    assert_eq!(dead["deliveries"][0]["plugin"], "shaky");
    assert_eq!(dead["deliveries"][0]["state"], "dead");
    assert_eq!(dead["deliveries"][0]["reason"], "failed");
    let detail = dead["deliveries"][0]["detail"].as_str();
    assert!(
        detail.is_some_and(|it| it.contains("handle gives up")),
        "{dead:#}"
    );

    let trace = dead["trace"].as_str().context("a trace")?;
    let number = dead["event"].to_string();
    let shown = place.printed(&["events", "--trace", trace]).await?;
    assert!(shown.contains("shaky: dead letter (failed)"), "{shown}");
    let of_echo = place.json(&["events", "--plugin", "echo"]).await?;
    assert_eq!(of_text(&of_echo, "error").len(), 0);
    assert_eq!(of_text(&of_echo, "/echo hello").len(), 1);
    let why = place.refused(&["events", "retry", "4711"]).await?;
    assert!(why.contains("there is no event 4711"), "{why}");
    let why = place
        .refused(&["events", "retry", &number, "--plugin", "echo"])
        .await?;
    assert!(why.contains("no dead letter of echo"), "{why}");
    assert!(host.stop().await?.success());

    // At rest it is told the same, and nothing is changed.
    let resting = place.json(&["events", &number]).await?;
    assert_eq!(resting, [dead]);
    let why = place.refused(&["events", "retry", &number]).await?;
    assert!(why.contains("no host runs"), "{why}");

    // A build that can: it gets the event once more.
    place.put("shaky", "flaky")?;
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let back = place.printed(&["events", "retry", &number]).await?;
    assert!(
        back.contains("goes to shaky again, outside of its order"),
        "{back}"
    );
    let answer = ada.hears("error").await?;
    assert_eq!(answer["author"], "parlor");
    assert!(host.stop().await?.success());
    // Who did that is written down, once; what was refused is not.
    let audit = std::fs::read_to_string(place.path().join("data").join("audit.log"))?;
    let lines = audit.lines().map(serde_json::from_str);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>()?;
    let retried: Vec<&Value> = lines.iter().filter(|it| it["what"] == "replayed").collect();
    assert_eq!(retried.len(), 1, "{lines:#?}");
    assert_eq!(
        (&retried[0]["plugin"], &retried[0]["events"]),
        (&json!("shaky"), &json!(1))
    );
    // SAFETY: it only reads who this process is.
    let uid = unsafe { libc::getuid() };
    assert_eq!(retried[0]["who"], format!("uid {uid}"));
    let after = place.json(&["events", &number]).await?;
    let delivery = &after[0]["deliveries"][0];
    assert_eq!(delivery["state"], "done");
    assert!(delivery["put-back"].is_u64(), "{delivery:#}");
    assert_eq!(delivery["actions"][0]["state"], "sent");
    assert_eq!(place.json(&["events", "--dead"]).await?.len(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debug_build_says_in_which_line_it_trapped() -> anyhow::Result<()> {
    let place = Place::new(SETTINGS, &[])?;
    let file = place.path().join("plugins/shaky.wasm");
    std::fs::write(file, guests::debug_bytes("trap-handle"))?;
    let mut host = HostProcess::start(program(), place.path())?;
    let mut ada = Person::open(&host.page().await?, "ada").await?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    say(&mut ada, &lobby, "trap").await?;
    let dead = until_dead(&place, "trap").await?;
    let source = include_str!("../guests/examples/trap-handle.rs").lines();
    let line = 1 + source.take_while(|line| !line.contains("panic!")).count();
    let place = format!("examples/trap-handle.rs:{line})");
    assert!(dead.to_string().contains(&place), "{place}: {dead:#}");
    assert!(host.stop().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_for_what_came_to_nothing_is_told_once() -> anyhow::Result<()> {
    let place = Place::new(SETTINGS, &[("shaky", "trap-handle")])?;
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let open = Command::OpenDirect {
        user: "parlor".to_owned(),
    };
    let direct = ada.act(open).await?.conversation.context("an id")?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    // Overheard in a room: nobody waits for an answer.
    say(&mut ada, &lobby, "error").await?;
    until_dead(&place, "error").await?;
    say(&mut ada, &direct, "error").await?;
    let told = ada.hears("That did not work").await?;
    assert_eq!(told["conversation"], *direct);
    let dead = place.json(&["events", "--dead"]).await?;
    assert_eq!(of_text(&dead, "error").len(), 2);
    let text = told["text"].as_str().context("a text")?;
    let trace = text.rsplit(' ').next().context("a trace")?;
    let of_trace = place.json(&["events", "--trace", trace]).await?;
    let asked = of_text(&of_trace, "error");
    assert_eq!(asked.len(), 1, "{of_trace:#?}");
    assert_eq!(asked[0]["conversation"], *direct);
    // That it was told is an event too, of the same trace.
    assert_eq!(of_trace.len(), 2, "{of_trace:#?}");

    // Whoever mentions the bot in the room, or submits a form, is told there.
    say(&mut ada, &lobby, "@parlor error").await?;
    let told = ada.hears("That did not work").await?;
    assert_eq!(told["conversation"], *lobby);
    say(&mut ada, &lobby, "form").await?;
    let form = loop {
        let heard = ada.hears("").await?;
        if heard["author"] == "parlor" {
            break heard;
        }
    };
    let submit = Command::Submit {
        message: form["id"].as_str().context("an id")?.to_owned(),
        form: "fails".to_owned(),
        button: None,
        values: [("name".to_owned(), vec!["Ada".to_owned()])].into(),
    };
    ada.act(submit).await?;
    let again = ada.hears("That did not work").await?;
    assert_eq!(again["conversation"], *lobby);
    assert_ne!(again["text"], told["text"], "each has its trace");

    // It fails again, and is not told again; a command is told, in whatever words.
    let number = asked[0]["event"].to_string();
    place.printed(&["events", "retry", &number]).await?;
    let settings = format!("{SETTINGS}\n[sentences]\non-failure = \"ask for {{trace}}\"\n");
    std::fs::write(place.path().join("parlor.toml"), settings)?;
    place.printed(&["reload"]).await?;
    say(&mut ada, &lobby, "retry after 1").await?;
    let told = ada.hears("ask for ").await?;
    assert_eq!(told["conversation"], lobby);
    let said = ada.messages("ada", &direct).await?;
    let told = said.iter().filter(|it| it["author"] == "parlor").count();
    assert_eq!(told, 1, "{said:#?}");
    assert!(host.stop().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_too_old_is_a_dead_letter_and_its_asker_is_told() -> anyhow::Result<()> {
    let settings = format!("{SETTINGS}\n[plugin.echo]\nmax-age = {{ commands = \"1s\" }}\n");
    let place = Place::new(&settings, &[("echo", "echo")])?;
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    say(&mut ada, &lobby, "/echo first").await?;
    ada.hears("first").await?;
    // Nobody listens: the platform keeps what is said meanwhile.
    place.printed(&["bots", "pause", "parlor"]).await?;
    say(&mut ada, &lobby, "/echo late").await?;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    place.printed(&["bots", "resume", "parlor"]).await?;
    ada.hears("That did not work").await?;
    let dead = until_dead(&place, "/echo late").await?;
    assert_eq!(dead["deliveries"][0]["reason"], "expired", "{dead:#}");
    // Put back, it counts from now.
    place
        .printed(&["events", "retry", &dead["event"].to_string()])
        .await?;
    ada.hears("late").await?;
    assert!(host.stop().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_person_is_in_the_journal_no_more() -> anyhow::Result<()> {
    let place = Place::new(SETTINGS, &[("echo", "echo"), ("state", "state")])?;
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let mut bob = Person::open(&page, "bob").await?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    open_room(&mut bob, "Lobby").await?;
    say(&mut ada, &lobby, "/echo ada-secret").await?;
    ada.hears("ada-secret").await?;
    say(&mut ada, &lobby, "set user k ada-value").await?;
    ada.hears("Ok").await?;
    say(&mut bob, &lobby, "/echo bob-said").await?;
    bob.hears("bob-said").await?;
    let told = place.json(&["events"]).await?;
    let asked = of_text(&told, "/echo ada-secret");
    let user = asked[0]["user"].as_str().context("an id")?.to_owned();
    let why = place.refused(&["events", "forget"]).await;
    assert!(why.is_err(), "it wants to know whom");

    let forgot = place.json(&["events", "forget", "--user", &user]).await?;
    assert!(forgot[0]["events"].as_u64() >= Some(2), "{forgot:?}");
    assert_eq!(forgot[0]["values"], 1);
    say(&mut ada, &lobby, "get user k").await?;
    ada.hears("Ok(None)").await?;
    let told = place
        .printed(&["events", "--limit", "100", "--json"])
        .await?;
    assert!(!told.contains("ada-secret"), "{told}");
    assert!(told.contains("bob-said"), "{told}");
    assert!(host.stop().await?.success());
    // The audit says who was forgotten; nothing says what.
    let audit = std::fs::read_to_string(place.path().join("data").join("audit.log"))?;
    let lines = audit.lines().map(serde_json::from_str);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>()?;
    let forgotten = lines.iter().find(|line| line["what"] == "forgotten");
    assert_eq!(forgotten.context("audited")?["subject"], *user);
    assert!(!audit.contains("ada-secret"));
    let journal = std::fs::read(place.path().join("data").join("journal.sqlite"))?;
    let holds = |text: &str| {
        journal
            .windows(text.len())
            .any(|some| some == text.as_bytes())
    };
    assert!(holds("bob-said"));
    assert!(!holds("ada-secret") && !holds("ada-value"));
    let why = place
        .refused(&["events", "forget", "--user", &user])
        .await?;
    assert!(why.contains("no host runs"), "{why}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_host_carries_on_in_an_empty_folder() -> anyhow::Result<()> {
    let place = Place::new(
        SETTINGS,
        &[("counter", "counter"), ("shaky", "trap-handle")],
    )?;
    let none = place.refused(&["backup", "early.sqlite"]).await?;
    assert!(none.contains("there is no journal"), "{none}");
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    say(&mut ada, &lobby, "+1").await?;
    ada.hears("1").await?;
    say(&mut ada, &lobby, "+1").await?;
    ada.hears("2").await?;
    say(&mut ada, &lobby, "error").await?;
    let dead = until_dead(&place, "error").await?;
    place.printed(&["backup", "copy.sqlite"]).await?;
    let twice = place.refused(&["backup", "copy.sqlite"]).await?;
    assert!(twice.contains("there already"), "{twice}");
    // What comes after is not in it.
    say(&mut ada, &lobby, "+1").await?;
    ada.hears("3").await?;
    assert!(host.stop().await?.success());

    let other = Place::new(SETTINGS, &[("counter", "counter"), ("shaky", "flaky")])?;
    other.restore(&place.path().join("copy.sqlite"))?;
    let mut host = HostProcess::start(program(), other.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    say(&mut ada, &lobby, "+1").await?;
    ada.hears("3").await?;
    // Its dead letters are there, and go back.
    let number = dead["event"].to_string();
    other.printed(&["events", "retry", &number]).await?;
    ada.hears("error").await?;
    assert!(host.stop().await?.success());
    Ok(())
}

/// A plugin that may wait in a call for a minute.
fn sleeper(grace_secs: u32) -> String {
    format!(
        "{SETTINGS}\n[limits]\ngrace-secs = {grace_secs}\n\n[plugin.sleep]\nlimits.deadline-ms = 60000\n"
    )
}

/// Starts a host and a call of so many milliseconds, whose event is in the journal.
async fn asleep(place: &Place, ms: u32) -> anyhow::Result<(HostProcess, Person)> {
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    let text = format!("sleep {ms}");
    say(&mut ada, &lobby, &text).await?;
    let taken = async {
        while of_text(&place.json(&["events"]).await?, &text).is_empty() {}
        anyhow::Ok(())
    };
    let taken = tokio::time::timeout(PATIENCE, taken).await;
    taken.context("the host does not take what was said")??;
    Ok((host, ada))
}

/// The only delivery of a plugin in a journal at rest.
async fn delivery(place: &Place) -> anyhow::Result<Value> {
    let told = place.json(&["events", "--plugin", "sleep"]).await?;
    let commands = told.iter().filter(|event| event["kind"] == "message");
    let all: Vec<&Value> = commands.collect();
    ensure!(all.len() == 1, "{told:#?}");
    Ok(all[0]["deliveries"][0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_calls_end_and_their_answers_leave() -> anyhow::Result<()> {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let place = Place::new(&sleeper(30), &[("sleep", "sleep")])?;
        let (host, _ada) = asleep(&place, 1_500).await?;
        host.signal(signal)?;
        let status = host.ended().await?;
        assert_eq!(status.code(), Some(0), "signal {signal}");
        let delivery = delivery(&place).await?;
        assert_eq!(delivery["state"], "done", "{delivery:#}");
        assert_eq!(delivery["actions"][0]["state"], "sent", "{delivery:#}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_outlasts_the_grace_period_is_parked() -> anyhow::Result<()> {
    let place = Place::new(&sleeper(1), &[("sleep", "sleep")])?;
    let (host, _ada) = asleep(&place, 50_000).await?;
    let asked = std::time::Instant::now();
    host.signal(libc::SIGTERM)?;
    assert_eq!(host.ended().await?.code(), Some(0));
    assert!(asked.elapsed() < std::time::Duration::from_secs(20));
    assert_eq!(delivery(&place).await?["state"], "waiting");
    // The next start handles it, by a build that is quicker.
    place.put("sleep", "flaky")?;
    let mut host = HostProcess::start(program(), place.path())?;
    host.page().await?;
    let handled = async {
        while delivery(&place).await?["state"] != "done" {}
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, handled).await??;
    assert!(host.stop().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once_and_harms_nothing() -> anyhow::Result<()> {
    let place = Place::new(&sleeper(600), &[("sleep", "sleep")])?;
    let (host, mut ada) = asleep(&place, 50_000).await?;
    host.signal(libc::SIGTERM)?;
    // The first was heard when nobody is served any more.
    while ada.messages("ada", "lobby").await.is_ok() {}
    host.signal(libc::SIGTERM)?;
    assert_eq!(host.ended().await?.code(), Some(130));
    assert_eq!(delivery(&place).await?["state"], "waiting");
    let journal = place.path().join("data").join("journal.sqlite");
    let journal = rusqlite::Connection::open(journal)?;
    let whole: String = journal.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    assert_eq!(whole, "ok");
    Ok(())
}
