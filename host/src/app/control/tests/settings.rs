//! Settings that change while the host runs.

use super::*;
use crate::journal::EventQuery;
use crate::journal::sqlite::{SqliteConfig, SqliteJournal};
use crate::mailbox::{Pace, Rate};

#[tokio::test]
async fn settings_change_bots_while_the_host_runs() {
    let two = "[[bot]]\nname = \"parlor\"\nplatform = \"local\"\n\
               [[bot]]\nname = \"desk\"\nplatform = \"local\"\nmessages-per-minute = 60\n\
               conversation-messages-per-minute = 30\n";
    let bench = Bench::new("").await;
    let names = async || -> Vec<String> {
        let lines = bench.ask(Ask::Bots).await;
        let names = lines.into_iter().filter_map(|line| match line {
            Line::Bot(bot) => Some(format!("{} {}", bot.bot, bot.state.name())),
            _ => None,
        });
        names.collect()
    };
    bench.write_settings(two);
    let lines = bench.ask(Ask::Reload { plugin: None }).await;
    assert!(matches!(&lines[..], [Line::Reloaded(_)]), "{lines:?}");
    let begun = std::time::Instant::now();
    while names().await != ["desk connected", "parlor connected"] {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{:?}",
            names().await
        );
        tokio::task::yield_now().await;
    }
    let pace = |bot: &str| {
        use crate::mailbox::Connectors as _;
        let connector = bench.host.directory().connector("default", bot);
        connector.map(|connector| connector.pace())
    };
    let told = Pace {
        bot: Some(Rate::per_minute(60)),
        conversation: Some(Rate::per_minute(30)),
    };
    assert_eq!(
        (pace("desk"), pace("parlor")),
        (Some(told), Some(Pace::FREE))
    );
    // A change for the worse leaves the last good ones in force, and says so everywhere.
    bench
        .change_settings("[[bot]]\nname = \"desk\"\nplatform = \"locl\"\n")
        .await;
    assert_eq!(names().await.len(), 2);
    for ask in [Ask::Bots, Ask::Plugins] {
        let lines = bench.ask(ask).await;
        let Line::Settings(note) = &lines[0] else {
            panic!("{lines:?}");
        };
        assert!(note.refused);
        assert!(
            note.text.contains("parlor.toml:3: `platform`"),
            "{}",
            note.text
        );
    }
    {
        use crate::web::PanelSource as _;
        let rows = bench.host.plugins().plugins();
        assert_eq!(
            (&*rows[0].name, &*rows[0].state),
            ("parlor.toml", "refused")
        );
    }
    // A bot that cannot be had is one too: the name is a person's.
    bench.say("ada", "hello").await;
    bench
        .change_settings("[[bot]]\nname = \"ada\"\nplatform = \"local\"\n")
        .await;
    assert_eq!(names().await, ["desk connected", "parlor connected"]);
    // What is gone serves no more; what waits for the next start is named.
    bench
        .change_settings("data = \"elsewhere\"\n[[bot]]\nname = \"desk\"\nplatform = \"local\"\n")
        .await;
    assert_eq!(names().await, ["desk connected"]);
    assert_eq!((pace("desk"), pace("parlor")), (Some(Pace::FREE), None));
    let lines = bench.ask(Ask::Bots).await;
    let Line::Settings(note) = &lines[0] else {
        panic!("{lines:?}");
    };
    assert!(!note.refused);
    assert!(
        note.text
            .ends_with("parlor.toml:1: `data` takes effect at the next start")
    );
    // And it comes back with what it is known by.
    bench.change_settings(two).await;
    assert_eq!(names().await.len(), 2);
    bench.end().await;
}

#[tokio::test]
async fn in_manual_mode_settings_wait_for_a_reload() {
    let manual = "[reload]\nmode = \"manual\"\n";
    let bench = Bench::new(manual).await;
    let more = format!("{manual}[[bot]]\nname = \"desk\"\nplatform = \"local\"\n");
    bench.change_settings(&more).await;
    let lines = bench.ask(Ask::Bots).await;
    let Line::Settings(note) = &lines[0] else {
        panic!("{lines:?}");
    };
    assert!(note.text.ends_with("a change waits for `parlor reload`"));
    assert!(matches!(&lines[1], Line::Bot(bot) if bot.bot == "parlor"));
    let unknown = Ask::Reload {
        plugin: Some("joke".to_owned()),
    };
    let refused = bench.refusal(unknown).await;
    assert_eq!(refused.text, "there is no plugin joke");
    bench.ask(Ask::Reload { plugin: None }).await;
    let lines = bench.ask(Ask::Bots).await;
    assert!(
        matches!(&lines[..], [Line::Bot(bot)] if bot.bot == "desk"),
        "{lines:?}"
    );
    assert_eq!(bench.audit.0.lock().last().unwrap().1, "reload");
    bench.end().await;
}

#[tokio::test]
async fn how_long_the_past_is_kept_changes_while_the_host_runs() {
    let folder = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::open(folder.path(), SqliteConfig::default()).unwrap();
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let bench = Bench::with("", journal.clone(), Hub::in_memory()).await;
    bench.say("ada", "hello").await;
    bench.host.idle().await;
    let past = async || {
        let query = EventQuery {
            limit: 9,
            ..EventQuery::default()
        };
        journal.events(query).await.unwrap().len()
    };
    let two_hours = crate::app::clock::now() + 2 * 60 * 60 * 1000;
    journal.prune(two_hours).await.unwrap();
    assert!(past().await > 0, "a day is kept");
    bench
        .change_settings("[journal]\nkeep = \"1h\"\nkeep-dead = \"1h\"\n")
        .await;
    let lines = bench.ask(Ask::Bots).await;
    assert!(
        matches!(&lines[..], [Line::Bot(_)]),
        "nothing waits for the next start: {lines:?}"
    );
    journal.prune(two_hours).await.unwrap();
    assert_eq!(past().await, 0);
    bench.end().await;
}
