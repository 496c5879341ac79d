//! Files in and out, and what is kept of them and of keys over a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_host::connectors::local::{Hub, LocalConfig};
use parlor_host::journal::sqlite::{JOURNAL_FILE, SqliteConfig, SqliteJournal};
use parlor_host::journal::{Journal as _, PartState};
use parlor_host::mailbox::rooms::{Command, Rooms as _, Say};
use parlor_host::model::action::File;
use parlor_tests::harness::{TestHost, TestHostParts};
use parlor_tests::stage::{ONLOOKER, Stage, TELLER, all_grants};

/// The file of the bot's last message in a conversation, as somebody gets it.
fn last_file(stage: &Stage, user: &str, conversation: &str) -> (String, String, Vec<u8>) {
    let message = stage.host.answers(user, conversation).pop();
    let message = message.expect("the bot has said something");
    let about = message.attachments.first().expect("with a file");
    let file = stage.host.host().hub().file(user, &about.id);
    let file = file.expect("whoever sees the message gets its file");
    (
        about.name.clone(),
        about.media_type.clone(),
        file.bytes.to_vec(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_made_by_a_plugin_arrives_as_it_was() {
    // A large file takes time to make, too.
    let settings = format!(
        "{}limits = {{ cpu-ms = 20000, deadline-ms = 30000 }}",
        all_grants()
    );
    let stage = Stage::with("actions", &settings, TestHostParts::default()).await;
    stage.tell("/do send-file").await;
    let file = last_file(&stage, ONLOOKER, &stage.lobby);
    assert_eq!(
        file,
        (
            "a.txt".to_owned(),
            "text/plain".to_owned(),
            b"file-1".to_vec()
        )
    );
    // As large as is allowed, and one byte more.
    stage.tell(&format!("/do send-big {}", 10 << 20)).await;
    let (_, _, bytes) = last_file(&stage, ONLOOKER, &stage.lobby);
    let wanted: Vec<u8> = (0..=250u8).cycle().take(10 << 20).collect();
    assert!(bytes == wanted, "{} bytes", bytes.len());
    for (list, limit) in [
        (
            format!("/list send-big={}", (10 << 20) + 1),
            "limits.attachment-mib",
        ),
        (
            format!("/list send-big={0} send-big={0}", 9 << 20),
            "bytes of all attachments",
        ),
    ] {
        let before = stage.host.answers(ONLOOKER, &stage.lobby).len();
        stage.tell(&list).await;
        assert_eq!(
            stage.host.answers(ONLOOKER, &stage.lobby).len(),
            before,
            "{list}"
        );
        let error = stage.host.row("actions").last_error.unwrap_or_default();
        assert!(error.contains(limit), "{list}: {error}");
    }
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_event_carries_is_passed_on_without_a_grant() {
    let stage = Stage::with("actions", "", TestHostParts::default()).await;
    let say = |text: &str, bytes: &[u8]| {
        Command::Say(Say {
            conversation: stage.lobby.clone(),
            text: text.to_owned(),
            files: vec![File {
                name: "plan.txt".to_owned(),
                media_type: "text/plain".to_owned(),
                bytes: bytes.to_vec(),
            }],
            ..Say::default()
        })
    };
    let carried = say("/do send-received", b"the plan");
    stage.host.act(TELLER, carried).await.expect("it is posted");
    stage.host.idle().await;
    let file = last_file(&stage, ONLOOKER, &stage.lobby);
    assert_eq!(
        file,
        (
            "plan.txt".to_owned(),
            "text/plain".to_owned(),
            b"the plan".to_vec()
        )
    );
    // One of another message is a read.
    let other = stage.host.act(ONLOOKER, say("look", b"secret")).await;
    let other = other.expect("it is posted").message.expect("it has an id");
    stage.tell(&format!("/do send-received {other}.0")).await;
    let error = stage.host.row("actions").last_error.unwrap_or_default();
    assert!(
        error.contains("`grants.reads = [\"attachment\"]`"),
        "{error}"
    );
    stage.host.stop().await;
}

/// A host whose journal and rooms lie in a folder.
async fn host_in(folder: &Path) -> (TestHost, Arc<SqliteJournal>) {
    let journal = SqliteJournal::open(folder, SqliteConfig::default()).expect("a journal opens");
    let journal = Arc::new(journal);
    let hub = Hub::open(LocalConfig {
        folder: Some(folder.join("local")),
        ..LocalConfig::default()
    });
    let parts = TestHostParts {
        journal: journal.clone(),
        ..TestHostParts::default()
    };
    (
        TestHost::start_with(parts, hub.expect("rooms open")).await,
        journal,
    )
}

fn blobs(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.join("blobs")).expect("the folder is there");
    files.map(|file| file.expect("listed").path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_lies_beside_the_journal_until_it_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let (host, journal) = host_in(folder.path()).await;
    let stage = Stage::on(host, "actions", &all_grants()).await;
    stage.tell("/list send-file send-file send-big=70000").await;
    // Two equal ones are one file; each is named by its hash and holds what was sent.
    let kept = blobs(folder.path());
    let mut sizes: Vec<u64> = kept
        .iter()
        .map(|path| path.metadata().expect("it is there").len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [6, 70_000]);
    for path in &kept {
        let name = path
            .file_name()
            .expect("named")
            .to_string_lossy()
            .into_owned();
        assert!(
            name.len() == 64 && name.bytes().all(|c| c.is_ascii_hexdigit()),
            "{name}"
        );
    }
    let (_, _, bytes) = last_file(&stage, ONLOOKER, &stage.lobby);
    assert_eq!(bytes.len(), 70_000);
    // Nothing names them any more.
    journal.prune(1).await.expect("pruned");
    assert!(blobs(folder.path()).is_empty());
    assert_eq!(last_file(&stage, ONLOOKER, &stage.lobby).2.len(), 70_000);
    stage.host.stop().await;
    // The records hold names, not bytes.
    let largest: u64 = rusqlite_largest_action(folder.path());
    assert!(largest < 2_000, "{largest}");
}

/// Bytes of the longest action that the journal has stored.
fn rusqlite_largest_action(folder: &Path) -> u64 {
    let journal = rusqlite::Connection::open(folder.join(JOURNAL_FILE)).expect("it can be read");
    journal
        .query_row("SELECT max(length(action)) FROM parts", [], |row| {
            row.get(0)
        })
        .expect("there are parts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_names_its_message_over_a_restart_and_moves_to_the_newer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (host, _) = host_in(folder.path()).await;
    let stage = Stage::on(host, "actions", "").await;
    stage.tell("/do send one").await;
    stage.tell("/do send two").await;
    stage.host.stop().await;
    let (host, journal) = host_in(folder.path()).await;
    let stage = Stage::on(host, "actions", "").await;
    stage.tell("/do edit").await;
    let shown = || {
        let messages = stage.host.answers(ONLOOKER, &stage.lobby);
        let texts = messages.iter().map(|message| message.text.clone());
        texts.collect::<Vec<_>>()
    };
    assert_eq!(shown(), ["one", "edited"]);
    // By its id it is the plugin's own too, without a grant.
    let messages = stage.host.answers(ONLOOKER, &stage.lobby);
    let first = messages[0].id.to_string();
    stage.tell(&format!("/do edit {first}")).await;
    assert_eq!(stage.host.row("actions").last_error, None);
    assert_eq!(shown(), ["edited", "edited"]);
    let left = journal.pending_parts(0, 10).await.expect("listed");
    assert!(
        left.iter().all(|part| part.state != PartState::Sending),
        "{left:?}"
    );
    stage.host.stop().await;
}
