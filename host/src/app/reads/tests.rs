//! Who may read what, how often a platform is asked, and what the operator is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;

use super::Reads;
use crate::journal::memory::MemoryJournal;
use crate::journal::{Part, Sent};
use crate::mailbox::{Connector, Connectors, Pace, Rate, Read, ReadAnswer, ReadRequest, SendError};
use crate::model::Name;
use crate::model::action::Action;
use crate::model::directory::{Chunk, ContactStatus, ReadError, UserPage};
use crate::model::event::{Bot, Event, ReceivedAttachment};
use crate::model::grants::{GrantList, PluginGrants};
use crate::model::payload::EventPayload;
use crate::outbox::{NoOutcomes, Outbox, OutboxConfig};
use crate::runtime::DirectoryReads as _;
use crate::runtime::lanes::fakes::event;

struct Desk {
    asked: AtomicU32,
    per_minute: Option<u32>,
}

#[async_trait]
impl Connector for Desk {
    fn bot(&self) -> Bot {
        event("", "").bot.expect("an event of a bot")
    }

    fn pace(&self) -> Pace {
        Pace {
            bot: self.per_minute.map(Rate::per_minute),
            conversation: None,
        }
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        vec![action]
    }

    async fn perform(&self, _part: &Part) -> Result<Sent, SendError> {
        Ok(Sent::default())
    }

    async fn find_sent(&self, _part: &Part) -> Result<Option<Sent>, SendError> {
        Ok(None)
    }

    async fn read(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match read {
            Read::Members { .. } => Ok(ReadAnswer::Members(UserPage {
                items: Vec::new(),
                next: None,
            })),
            Read::Attachment { .. } => Ok(ReadAnswer::Attachment(Chunk {
                bytes: Vec::new(),
                total: 0,
            })),
            Read::Contact { .. } => Ok(ReadAnswer::Contact(ContactStatus::None)),
            Read::History { .. } => Ok(ReadAnswer::History(Vec::new())),
            _ => Err(ReadError::Unsupported),
        }
    }

    async fn read_as(&self, user: &str, read: Read) -> Result<ReadAnswer, ReadError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match (user, read) {
            ("ada", Read::Contact { .. }) => Ok(ReadAnswer::Contact(ContactStatus::Accepted)),
            (_, Read::Contact { .. }) => Ok(ReadAnswer::Contact(ContactStatus::Pending)),
            _ => Err(ReadError::Unsupported),
        }
    }
}

struct Bots(Arc<Desk>, Vec<Name>);

impl Connectors for Bots {
    fn connector(&self, _tenant: &str, bot: &str) -> Option<Arc<dyn Connector>> {
        let known = self.1.iter().any(|name| **name == *bot);
        known.then(|| Arc::clone(&self.0) as Arc<dyn Connector>)
    }

    fn bots(&self, _tenant: &str) -> Vec<Name> {
        self.1.clone()
    }
}

struct Bench {
    reads: Reads,
    desk: Arc<Desk>,
}

impl Bench {
    fn new(granted: &[&str], bots: &[&str], per_minute: Option<u32>) -> Self {
        let desk = Arc::new(Desk {
            asked: AtomicU32::new(0),
            per_minute,
        });
        let names = bots.iter().map(|&bot| Name::from(bot)).collect();
        let connectors: Arc<dyn Connectors> = Arc::new(Bots(Arc::clone(&desk), names));
        let outbox = Outbox::new(
            Arc::new(MemoryJournal::new()),
            Arc::clone(&connectors),
            Arc::new(NoOutcomes),
            OutboxConfig::default(),
        );
        let reads = Reads::new(connectors, Arc::new(outbox));
        reads.set_grants(&Name::from("joke"), grants(granted, &[]));
        Self { reads, desk }
    }

    async fn read(&self, event: Event, bot: Option<&str>, read: Read) -> Result<(), ReadError> {
        self.read_as("joke", event, bot, read).await
    }

    async fn read_as(
        &self,
        plugin: &str,
        event: Event,
        bot: Option<&str>,
        read: Read,
    ) -> Result<(), ReadError> {
        let (tenant, plugin) = (Name::from("default"), Name::from(plugin));
        let event = Arc::new(event);
        let request = ReadRequest {
            bot: bot.map(str::to_owned),
            as_user: None,
            read,
        };
        let answer = self.reads.read(&tenant, &plugin, &event, request).await;
        answer.map(drop)
    }

    /// Whether somebody is a contact: of the bot, or of the user on whose behalf it is asked.
    async fn contact(&self, by: Option<&str>) -> Result<ReadAnswer, ReadError> {
        let (tenant, plugin) = (Name::from("default"), Name::from("joke"));
        let event = Arc::new(event("1", "room"));
        let request = ReadRequest {
            bot: None,
            as_user: by.map(str::to_owned),
            read: Read::Contact {
                user: "eve".to_owned(),
            },
        };
        self.reads.read(&tenant, &plugin, &event, request).await
    }

    fn asked(&self) -> u32 {
        self.desk.asked.load(Ordering::Relaxed)
    }
}

fn grants(reads: &[&str], actions: &[&str]) -> PluginGrants {
    let list = |key: &str, names: &[&str]| GrantList {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        key: key.to_owned(),
        place: "in `[plugin.joke]` of parlor.toml".to_owned(),
    };
    PluginGrants {
        actions: list("grants.actions", actions),
        reads: list("grants.reads", reads),
        bots: vec!["desk".to_owned()],
    }
}

fn members(conversation: &str) -> Read {
    Read::Members {
        conversation: conversation.to_owned(),
        cursor: None,
    }
}

fn history(conversation: &str) -> Read {
    Read::History {
        conversation: conversation.to_owned(),
        before: None,
        count: 5,
    }
}

#[tokio::test]
async fn its_own_place_is_free_and_the_rest_is_denied_with_the_missing_line() {
    let bench = Bench::new(&["contact"], &["desk"], None);
    let here = || event("1", "room");
    bench.read(here(), None, members("room")).await.unwrap();
    let contact = Read::Contact {
        user: "u".to_owned(),
    };
    bench.read(here(), None, contact).await.unwrap();
    assert_eq!(bench.reads.last_denied("joke"), None);
    for (read, name) in [(members("other"), "members"), (history("room"), "history")] {
        let denied = bench.read(here(), None, read).await;
        assert_eq!(denied, Err(ReadError::Denied), "{name}");
        let told = bench.reads.last_denied("joke").expect("told");
        let line = format!("`grants.reads = [\"contact\", \"{name}\"]` in `[plugin.joke]`");
        assert!(told.contains(&line), "{told}");
    }
    // A plugin whose settings are not known may read its own place alone.
    let stranger = bench.read_as("other", here(), None, history("room")).await;
    assert_eq!(stranger, Err(ReadError::Denied));
    bench
        .reads
        .set_grants(&Name::from("joke"), PluginGrants::default());
    assert_eq!(bench.reads.last_denied("joke"), None);
}

#[tokio::test]
async fn files_that_the_event_carries_are_free() {
    let bench = Bench::new(&[], &["desk"], None);
    let mut carrying = event("1", "room");
    if let EventPayload::Message(message) = &mut carrying.payload {
        message.attachments = vec![ReceivedAttachment {
            id: "f-1".to_owned(),
            name: "a".to_owned(),
            media_type: "text/plain".to_owned(),
            size: None,
        }];
    }
    let file = |id: &str| Read::Attachment {
        id: id.to_owned(),
        offset: 0,
    };
    bench
        .read(carrying.clone(), None, file("f-1"))
        .await
        .unwrap();
    let other = bench.read(carrying, None, file("f-2")).await;
    assert_eq!(other, Err(ReadError::Denied));
}

#[tokio::test]
async fn a_read_is_for_a_bot_of_only() {
    let bench = Bench::new(&["members"], &["desk", "other"], None);
    let other = bench
        .read(event("1", "room"), Some("other"), members("x"))
        .await;
    assert_eq!(other, Err(ReadError::Denied));
    let told = bench.reads.last_denied("joke").expect("told");
    assert!(told.contains("only.bots"), "{told}");
}

#[tokio::test]
async fn an_event_without_a_bot_is_for_the_only_one() {
    let mut alone = event("1", "");
    alone.bot = None;
    let bench = Bench::new(&["members"], &["desk"], None);
    bench.read(alone.clone(), None, members("x")).await.unwrap();
    let bench = Bench::new(&["members"], &["desk", "other"], None);
    let unclear = bench.read(alone, None, members("x")).await;
    assert_eq!(unclear, Err(ReadError::NotFound));
}

#[tokio::test]
async fn an_answer_is_given_again_but_for_what_changes_with_every_message() {
    let bench = Bench::new(&["members", "history"], &["desk"], None);
    for _ in 0..3 {
        bench
            .read(event("1", "room"), None, members("x"))
            .await
            .unwrap();
    }
    assert_eq!(bench.asked(), 1);
    for _ in 0..3 {
        bench
            .read(event("1", "room"), None, history("x"))
            .await
            .unwrap();
    }
    assert_eq!(bench.asked(), 4);
}

#[tokio::test]
async fn an_answer_is_given_again_to_whom_it_is_for() {
    let bench = Bench::new(&[], &["desk"], None);
    let joke = Name::from("joke");
    bench
        .reads
        .set_grants(&joke, grants(&["contact"], &["as-user"]));
    for _ in 0..3 {
        for (by, status) in [
            (Some("ada"), ContactStatus::Accepted),
            (None, ContactStatus::None),
            (Some("grace"), ContactStatus::Pending),
        ] {
            let answer = bench.contact(by).await;
            assert_eq!(answer, Ok(ReadAnswer::Contact(status)), "{by:?}");
        }
    }
    assert_eq!(bench.asked(), 3);
    // What is kept is denied to a plugin that may not ask for it.
    let without = grants(&["contact"], &["send-user"]);
    bench.reads.set_grants(&joke, without);
    let denied = bench.contact(Some("ada")).await;
    assert_eq!(denied, Err(ReadError::Denied));
    let told = bench.reads.last_denied("joke").expect("told");
    let line = "`grants.actions = [\"as-user\", \"send-user\"]` in `[plugin.joke]`";
    assert!(told.contains(line), "{told}");
    bench.contact(None).await.expect("the bot's own is granted");
    assert_eq!(bench.asked(), 3);
}

#[tokio::test]
async fn reads_count_against_the_bots_rate() {
    let bench = Bench::new(&["history"], &["desk"], Some(12));
    bench
        .read(event("1", "room"), None, history("x"))
        .await
        .unwrap();
    let refused = bench.read(event("1", "room"), None, history("x")).await;
    let Err(ReadError::Throttled(wait)) = refused else {
        panic!("{refused:?}")
    };
    assert!(wait > 0 && wait <= 5_000, "{wait}");
    // Those for a user too.
    let may = grants(&["contact"], &["as-user"]);
    bench.reads.set_grants(&Name::from("joke"), may);
    let refused = bench.contact(Some("ada")).await;
    assert!(
        matches!(refused, Err(ReadError::Throttled(_))),
        "{refused:?}"
    );
    assert_eq!(bench.asked(), 1);
}
