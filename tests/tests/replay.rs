//! Replays with the real program: events of the past through another build, and nothing leaves or stays.

use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, ensure};
use parlor_host::mailbox::rooms::{Command, Say};
use parlor_tests::api::Api;
use parlor_tests::candidate::{CANDIDATE, new_build, old_build, same_build};
use parlor_tests::harness::PATIENCE;
use parlor_tests::person::Person;
use parlor_tests::process::HostProcess;
use serde_json::Value;

/// The `parlor` command, built from its own source as part of these tests.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_parlor-under-test"))
}

/// A folder in which a host runs or ran.
struct Place(tempfile::TempDir);

impl Place {
    /// With `candidate`, the build before, and these settings of it.
    fn new(plugin: &str) -> anyhow::Result<Self> {
        let place = Self(tempfile::tempdir()?);
        let settings = format!(
            "[local]\nlisten = \"127.0.0.1:0\"\n\n[log]\nlevel = \"warn\"\n\n[plugin.candidate]\n{plugin}\n"
        );
        std::fs::write(place.path().join("parlor.toml"), settings)?;
        std::fs::create_dir(place.path().join("plugins"))?;
        std::fs::write(
            place.path().join("plugins").join("candidate.wasm"),
            old_build(),
        )?;
        std::fs::write(place.path().join("new.wasm"), new_build())?;
        std::fs::write(place.path().join("same.wasm"), same_build())?;
        Ok(place)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let run = tokio::process::Command::new(program())
            .args(arguments)
            .current_dir(self.path())
            .output();
        let output = tokio::time::timeout(PATIENCE, run).await;
        Ok(output.with_context(|| format!("{arguments:?} does not end"))??)
    }

    /// How many events the plugin is through with.
    async fn through(&self) -> anyhow::Result<usize> {
        let output = self
            .run(&["events", "--plugin", CANDIDATE, "--json"])
            .await?;
        let printed = String::from_utf8(output.stdout)?;
        let lines = printed.lines().map(serde_json::from_str);
        let events: Vec<Value> = lines.collect::<Result<_, _>>()?;
        let states = events.iter().map(|event| &event["deliveries"][0]["state"]);
        Ok(states.filter(|state| **state != "waiting").count())
    }

    /// Replays and wants this exit code; gives what was printed.
    async fn replay(&self, arguments: &[&str], code: i32) -> anyhow::Result<String> {
        let mut all = vec!["replay", CANDIDATE];
        all.extend(arguments);
        let output = self.run(&all).await?;
        let error = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8(output.stdout)?;
        ensure!(
            output.status.code() == Some(code),
            "{all:?}: {:?} {error}\n{printed}",
            output.status
        );
        match code {
            64 => Ok(error.into_owned()),
            _ => Ok(printed),
        }
    }

    /// Replays with `--json`; gives the events, and the total behind them.
    async fn replayed(&self, arguments: &[&str], code: i32) -> anyhow::Result<Vec<Value>> {
        let mut all = arguments.to_vec();
        all.push("--json");
        let printed = self.replay(&all, code).await?;
        let lines = printed.lines().map(serde_json::from_str);
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// Everything that the journal holds, as text.
    fn journal(&self) -> anyhow::Result<String> {
        let path = self.path().join("data").join("journal.sqlite");
        let connection = rusqlite::Connection::open(path)?;
        let mut all = String::new();
        for table in [
            "events",
            "deliveries",
            "parts",
            "requests",
            "timers",
            "state",
        ] {
            let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    all.push_str(&format!("{:?} ", row.get_ref(column)?));
                }
                all.push('\n');
            }
        }
        Ok(all)
    }
}

/// A host to which somebody says these, one after the other; it has stopped.
async fn talked(plugin: &str, texts: &[&str]) -> anyhow::Result<Place> {
    let place = Place::new(plugin)?;
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    say_all(&mut ada, texts).await?;
    let all_through = async {
        while place.through().await? < texts.len() {}
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, all_through).await??;
    ensure!(host.stop().await?.success());
    Ok(place)
}

async fn say_all(ada: &mut Person, texts: &[&str]) -> anyhow::Result<()> {
    let name = "Lobby".to_owned();
    let done = ada.act(Command::OpenRoom { name }).await?;
    let room = done.conversation.context("a room has an id")?;
    for text in texts {
        let say = Command::Say(Say {
            conversation: room.to_string(),
            text: (*text).to_owned(),
            ..Say::default()
        });
        ada.act(say).await?;
    }
    Ok(())
}

/// The event that said this.
fn of<'a>(lines: &'a [Value], text: &str) -> &'a Value {
    let found = lines.iter().find(|line| line["text"] == text);
    found.unwrap_or_else(|| panic!("no {text}: {lines:#?}"))
}

fn texts(line: &Value, side: &str) -> Vec<String> {
    let lines = line[side].as_array().cloned().unwrap_or_default();
    let lines = lines.iter().filter_map(Value::as_str);
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_does_the_same_is_the_same_and_a_changed_one_shows_in_what()
-> anyhow::Result<()> {
    let place = talked("", &["hello", "greet", "quiet", "refuse", "timer"]).await?;
    let before = place.journal()?;

    // The file in the folder is what went then.
    let lines = place.replayed(&[], 0).await?;
    let (total, events) = lines.split_last().context("a total")?;
    assert_eq!(total["what"], "total");
    assert_eq!((&total["same"], &total["differ"]), (&5.into(), &0.into()));
    assert!(
        events.iter().all(|line| line["compared"] == "same"),
        "{lines:#?}"
    );
    let shown = place.replay(&["--build", "same.wasm"], 0).await?;
    assert!(shown.contains("· greet: same"), "{shown}");
    assert!(
        shown.contains(
            "candidate 0.1.0 (same.wasm): 5 events: 5 the same, 0 different; nothing was sent"
        ),
        "{shown}"
    );

    let lines = place.replayed(&["--build", "new.wasm"], 1).await?;
    let (total, events) = lines.split_last().context("a total")?;
    assert_eq!((&total["same"], &total["differ"]), (&1.into(), &4.into()));
    assert_eq!(of(events, "hello")["compared"], "same");
    let greet = of(events, "greet");
    let room = greet["conversation"].as_str().context("a room")?;
    assert_eq!(greet["compared"], "differs");
    assert_eq!(texts(greet, "was"), [format!("send in {room}: good day")]);
    assert_eq!(
        texts(greet, "now"),
        [format!("send in {room}: good evening")]
    );
    let quiet = of(events, "quiet");
    assert_eq!(
        texts(quiet, "was"),
        [format!("send in {room}: heard quiet")]
    );
    assert_eq!(texts(quiet, "now"), ["nothing"]);
    assert_eq!(
        texts(of(events, "refuse"), "now"),
        ["refused: not any more"]
    );
    let timer = of(events, "timer");
    assert_eq!(texts(timer, "was"), [r#"set-timer t: {"every":3600000}"#]);
    assert_eq!(texts(timer, "now"), [r#"set-timer t: {"every":7200000}"#]);

    // One event of them, for a person.
    let number = greet["event"].to_string();
    let shown = place
        .replay(&["--build", "new.wasm", "--event", &number], 1)
        .await?;
    assert!(shown.contains("greet: differs"), "{shown}");
    assert!(
        shown.contains(&format!("  - send in {room}: good day")),
        "{shown}"
    );
    assert!(
        shown.contains(&format!("  + send in {room}: good evening")),
        "{shown}"
    );
    assert!(
        shown.contains("1 event: 0 the same, 1 different"),
        "{shown}"
    );
    let lines = place.replayed(&["--last", "2"], 0).await?;
    assert_eq!(lines.len(), 3);
    assert_eq!(place.journal()?, before, "nothing was written");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_told_with_their_reason_and_a_mended_build_shows_what_would_go()
-> anyhow::Result<()> {
    let plugin = "limits = { deadline-ms = 500 }";
    let place = talked(plugin, &["trap", "spin", "sleep", "mend", "hello"]).await?;
    let lines = place.replayed(&["--build", "new.wasm"], 1).await?;
    for (text, reasons) in [
        ("trap", &["the new build traps"][..]),
        // Whichever comes first on a busy machine.
        ("spin", &["Cpu", "Deadline"]),
        ("sleep", &["Deadline"]),
    ] {
        let line = of(&lines, text);
        assert_eq!(line["compared"], "differs", "{line:#}");
        let now = texts(line, "now");
        let tells = |line: &str| reasons.iter().any(|reason| line.contains(reason));
        assert!(tells(&now[0]), "{text}: {now:?}");
        let detail = line["detail"].as_str().context("a detail")?;
        assert!(tells(detail), "{detail}");
    }
    // The old build failed where the new one answers.
    let mended = of(&lines, "mend");
    assert!(
        texts(mended, "was")[0].contains("the old build traps"),
        "{mended:#}"
    );
    assert!(
        texts(mended, "now")[0].ends_with("heard mend"),
        "{mended:#}"
    );
    // After them all, the last one is called as if nothing had been.
    assert_eq!(of(&lines, "hello")["compared"], "same");
    let shown = place.replay(&[], 0).await?;
    assert!(shown.contains("mend: same, it fails as it did"), "{shown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_although_it_is_granted() -> anyhow::Result<()> {
    let api = Api::start().await;
    let url = api.url("/secret");
    let place = talked(&api.grant(), &[&url]).await?;
    let lines = place.replayed(&["--build", "new.wasm"], 1).await?;
    let now = texts(of(&lines, &url), "now");
    assert!(now[0].ends_with("error denied"), "{now:?}");
    assert!(api.asked().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_carried_on_in_memory_and_another_build_is_compared_on_the_same()
-> anyhow::Result<()> {
    let place = talked("", &["count", "count", "note", "note"]).await?;
    let before = place.journal()?;
    // State is as it is now: the same build counts on from there, and each call sees the one before.
    let lines = place.replayed(&[], 1).await?;
    let now: Vec<String> = lines.iter().flat_map(|line| texts(line, "now")).collect();
    assert!(
        now[0].ends_with("count 3") && now[1].ends_with("count 4"),
        "{now:?}"
    );
    assert_eq!(place.journal()?, before, "nothing was written");
    // What went again is the same: nothing stayed.
    assert_eq!(place.replayed(&[], 1).await?, lines);

    // Two builds on the same state differ only in what they do.
    let both = [
        "--build",
        "same.wasm",
        "--against",
        "plugins/candidate.wasm",
    ];
    let lines = place.replayed(&both, 0).await?;
    assert_eq!(lines.last().context("a total")?["same"], 4);
    let both = ["--build", "new.wasm", "--against", "plugins/candidate.wasm"];
    let lines = place.replayed(&both, 1).await?;
    let events = lines.split_last().context("a total")?.1;
    let differ: Vec<&Value> = events
        .iter()
        .filter(|line| line["compared"] == "differs")
        .collect();
    assert_eq!(differ.len(), 1, "{lines:#?}");
    assert!(texts(differ[0], "was")[0].ends_with(r#"noted Some("old")"#));
    assert!(texts(differ[0], "now")[0].ends_with(r#"noted Some("new")"#));
    assert_eq!(place.journal()?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_host_hears_nothing_of_it_and_mistakes_are_told() -> anyhow::Result<()> {
    let place = Place::new("")?;
    let none = place.run(&["replay", CANDIDATE]).await?;
    assert_eq!(none.status.code(), Some(1));
    let why = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(why.contains("there is no journal"), "{why}");
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    say_all(&mut ada, &["greet", "count"]).await?;
    ada.hears("count 1").await?;

    let lines = place
        .replayed(&["--build", "new.wasm", "--since", "1h"], 1)
        .await?;
    assert_eq!(of(&lines, "greet")["compared"], "differs");
    // The room heard one build, once, and its state counts on.
    say_all(&mut ada, &["count"]).await?;
    ada.hears("count 2").await?;
    let done = ada
        .act(Command::OpenRoom {
            name: "Lobby".to_owned(),
        })
        .await?;
    let room = done.conversation.context("an id")?.to_string();
    let said = ada.messages("ada", &room).await?;
    let answers = said.iter().filter(|it| it["author"] == "parlor");
    let answers: Vec<&str> = answers.filter_map(|it| it["text"].as_str()).collect();
    assert_eq!(answers, ["good day", "count 1", "count 2"]);

    std::fs::write(place.path().join("bad.wasm"), b"no component")?;
    let why = place.replay(&["--build", "bad.wasm"], 64).await?;
    assert!(why.contains("bad.wasm: "), "{why}");
    let why = place.replay(&["--build", "gone.wasm"], 64).await?;
    assert!(why.contains("gone.wasm cannot be read"), "{why}");
    let nobody = place.run(&["replay", "nobody"]).await?;
    assert_eq!(nobody.status.code(), Some(64));
    let none = place.run(&["replay", CANDIDATE, "--event", "4711"]).await?;
    assert_eq!(none.status.code(), Some(1));
    assert!(host.stop().await?.success());
    Ok(())
}
