//! The bounded handles by which siblings reach each other. `app` makes them; a test may hold the other end.

mod agents;
pub mod calls;
pub mod control;
pub mod doctor;
mod offer;
mod pace;
mod progress;
pub mod rooms;
pub mod session;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::agents::AgentsOnly;
pub use self::offer::{OfferError, offer_all, offer_now};
pub use self::pace::{Pace, Rate};
pub use self::progress::Progress;
use crate::content::hosted::Shows;
use crate::journal::{Durable, EventKey, NewPart, Part, Sent, Urgency};
use crate::model::action::{Action, ActionKind, Target};
use crate::model::delivery::Delivery;
use crate::model::directory::{
    Chunk, ContactStatus, ConversationCapabilities, ConversationPage, PastMessage, ReadError,
    TransferOption, UserPage,
};
use crate::model::event::{Bot, Conversation, Event, User};
use crate::model::payload::{ActionError, PresenceStatus};
use crate::model::{Name, Timestamp};

/// An event as a connector hands it over.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The tenant.
    pub tenant: Name,
    /// Its key.
    pub key: EventKey,
    /// The event; `sequence`, `attempt` and `received_at` are set on the way.
    pub event: Event,
}

/// What became of an event that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is in the journal; so many plugins will get it.
    New(usize),
    /// It was there before.
    Duplicate,
}

/// Why an event was not taken. The connector must not acknowledge it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IntakeError {
    /// Intake pauses; offer it again later.
    #[error("intake pauses: {0}")]
    Paused(String),
    /// The host is stopping.
    #[error("host is stopping")]
    Stopping,
}

/// Takes events from connectors.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Takes events, in order, as many as it can at one time: at least the first. Resolves when
    /// their places in the journal are fixed, so a session that offers the rest after that keeps
    /// its order. Those taken may be acknowledged when the second value comes to be.
    ///
    /// # Errors
    /// None was taken, and none must be acknowledged.
    async fn take_ordered(
        &self,
        incoming: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError>;

    /// Takes an event; resolves when it is in the journal and may be acknowledged.
    ///
    /// # Errors
    /// The event was not taken and must not be acknowledged.
    async fn take(&self, incoming: Incoming) -> Result<Acceptance, IntakeError> {
        let (taken, durable) = self.take_ordered(vec![incoming]).await?;
        durable
            .wait()
            .await
            .map_err(|error| IntakeError::Paused(error.to_string()))?;
        let taken = taken.first().copied();
        taken.ok_or_else(|| IntakeError::Paused("the event was not taken".to_owned()))
    }
}

/// Takes deliveries from the intake, in order.
pub trait DeliverySink: Send + Sync {
    /// Puts deliveries into their lanes. The journal bounds how many wait.
    fn deliver(&self, deliveries: Vec<Delivery>);
}

/// What kind of order an outbox lane keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneKind {
    /// Everything that a plugin does in a conversation, in commit order.
    Order,
    /// One target of a broadcast, outside that order.
    Broadcast,
    /// What takes no place in the order: typing, presence.
    Aside,
}

/// What an outbox lane is for: order is kept within one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LaneKey {
    /// The tenant.
    pub tenant: Name,
    /// The bot.
    pub bot: Name,
    /// The conversation; where it is not known yet, the person: `user:` and an id, or `email:` and an address.
    pub conversation: Name,
    /// The plugin.
    pub plugin: Name,
    /// What order it keeps.
    pub kind: LaneKind,
    /// The message whose edits wait here, outside the order.
    pub message: Option<Name>,
}

impl LaneKey {
    /// Tells the lane that a part belongs to.
    pub fn of(tenant: &Name, plugin: &Name, part: &NewPart) -> Self {
        let kind = match &part.action.kind {
            ActionKind::Typing(_) | ActionKind::SetPresence(_) => LaneKind::Aside,
            _ if part.urgency == Urgency::Broadcast => LaneKind::Broadcast,
            _ => LaneKind::Order,
        };
        let conversation = match &part.action.kind {
            ActionKind::Send(send) if part.conversation.is_empty() => match &send.target {
                Target::User(user) => Name::from(format!("user:{user}")),
                Target::Users(users) => Name::from(format!("users:{}", users.join(" "))),
                Target::Email(email) => Name::from(format!("email:{email}")),
                Target::Reply | Target::Conversation(_) | Target::Conversations(_) => {
                    Name::clone(&part.conversation)
                }
            },
            _ => Name::clone(&part.conversation),
        };
        Self {
            tenant: Name::clone(tenant),
            bot: Name::clone(&part.bot),
            conversation,
            plugin: Name::clone(plugin),
            kind,
            message: None,
        }
    }
}

/// Takes parts from committed turns.
pub trait OutboxHandle: Send + Sync {
    /// Reserves an empty lane that may send at once, so that its first part can be marked as being
    /// sent in the commit itself. A reserved lane is given parts by [`OutboxHandle::enqueue`] or is
    /// [released](OutboxHandle::release).
    fn reserve(&self, lane: &LaneKey) -> bool;
    /// Gives up a reservation.
    fn release(&self, lane: &LaneKey);
    /// Takes the parts of a turn that is on disk.
    fn enqueue(&self, parts: Vec<Part>);
    /// Says that a turn with broadcasts is in the journal.
    fn look_for_broadcasts(&self) {}
    /// Tells whether so many parts of a bot wait that the plugins that write to it are to be held.
    fn is_full(&self, _tenant: &str, _bot: &str) -> bool {
        false
    }
}

/// Hears of turns with HTTP requests. The requests themselves stay in the journal until their turn comes.
pub trait RequestsHandle: Send + Sync {
    /// Hears that a turn with requests is about to be committed.
    fn announce(&self, tenant: &Name, plugin: &Name);
    /// Hears that an announced commit is over, whatever it came to.
    fn committed(&self, tenant: &Name, plugin: &Name);
}

/// Tells the time. Everything that timers depend on asks one and the same.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }
}

/// Why a part was not performed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// It certainly was not done, and may be tried again after this time. Others go on meanwhile.
    #[error("not done, may be repeated: {detail}")]
    Again {
        /// How long to wait; none leaves it to the outbox.
        after: Option<Duration>,
        /// What happened.
        detail: String,
    },
    /// It certainly was not done: the platform has enough of the bot, and wants nothing of it before
    /// this time is over.
    #[error("told to wait {after:?}: {detail}")]
    Throttled {
        /// How long, as [`crate::net::retry_after`] reads it.
        after: Duration,
        /// What happened.
        detail: String,
    },
    /// It may or may not have been done.
    #[error("in doubt: {0}")]
    InDoubt(String),
    /// The platform will not edit this message: the action's own rule says what then.
    #[error("the platform will not edit: {0}")]
    WillNotEdit(String),
    /// It will never be done.
    #[error("{detail}")]
    Permanent {
        /// The class a plugin hears.
        class: ActionError,
        /// What happened.
        detail: String,
    },
}

/// One bot on its platform, as the outbox and the reads see it.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Who it is.
    fn bot(&self) -> Bot;

    /// How fast it may go.
    fn pace(&self) -> Pace;

    /// How fast parts like this one may go into its conversation; none is unlimited. By default that
    /// holds for messages. A platform that paces large rooms only, or members apart from messages,
    /// says so here. Must not block.
    fn conversation_pace(&self, part: &NewPart) -> Option<Rate> {
        match part.action.kind {
            ActionKind::Send(_) | ActionKind::Edit(_) => self.pace().conversation,
            _ => None,
        }
    }

    /// What it shows beyond text. What it does not show, the host runs with questions and numbers.
    fn shows(&self) -> Shows {
        Shows::ALL
    }

    /// Splits an action into parts that are one request each. Pure.
    fn plan(&self, action: Action) -> Vec<Action>;

    /// Performs a part.
    ///
    /// # Errors
    /// Says whether it may be repeated.
    async fn perform(&self, part: &Part) -> Result<Sent, SendError>;

    /// As [`Connector::perform`], with notes of what the host has changed in the message before; a
    /// platform of our own shows them.
    ///
    /// # Errors
    /// As [`Connector::perform`].
    async fn perform_noted(&self, part: &Part, _notes: &[String]) -> Result<Sent, SendError> {
        self.perform(part).await
    }

    /// Tells whether a part is performed once however often it is asked for. Such a part needs no
    /// mark in the journal before, and no wait after a crash.
    fn performs_once(&self) -> bool {
        false
    }

    /// Looks on the platform for a part whose end is in doubt; `Ok(None)`: it is certainly not there.
    ///
    /// # Errors
    /// [`SendError::InDoubt`] where the platform cannot tell.
    async fn find_sent(&self, part: &Part) -> Result<Option<Sent>, SendError>;

    /// Answers a read.
    ///
    /// # Errors
    /// [`ReadError`] as the plugin hears it.
    async fn read(&self, read: Read) -> Result<ReadAnswer, ReadError>;

    /// Answers a read on behalf of a user, by id or user name: with what that user may see. Most
    /// platforms know nothing like it.
    ///
    /// # Errors
    /// [`ReadError`] as the plugin hears it.
    async fn read_as(&self, _user: &str, _read: Read) -> Result<ReadAnswer, ReadError> {
        Err(ReadError::Unsupported)
    }
}

/// Finds connectors by the bot's name.
pub trait Connectors: Send + Sync {
    /// The connector of a bot.
    fn connector(&self, tenant: &str, bot: &str) -> Option<Arc<dyn Connector>>;
    /// The bots of a tenant, by name.
    fn bots(&self, tenant: &str) -> Vec<Name>;
}

/// A read as a plugin asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReadRequest {
    /// The bot that it named; none stands for the event's.
    pub bot: Option<String>,
    /// On behalf of this user, by id or user name.
    pub as_user: Option<String>,
    /// What it asks.
    pub read: Read,
}

/// A question to a platform.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "the fields are those of the reads in wit/host.wit"
)]
pub enum Read {
    /// A conversation by name.
    FindConversation { name: String },
    /// The bot's conversations.
    Conversations { cursor: Option<String> },
    /// Who is in a conversation.
    Members {
        conversation: String,
        cursor: Option<String>,
    },
    /// A user by e-mail address or user name.
    FindUser { name: String },
    /// Whether a user is a contact.
    Contact { user: String },
    /// Whether a user is there.
    Presence { user: String },
    /// A message.
    Message { id: String },
    /// Messages of the past.
    History {
        conversation: String,
        before: Option<Timestamp>,
        count: u32,
    },
    /// Part of a file.
    Attachment { id: String, offset: u64 },
    /// Whom a chat can be handed to.
    TransferTargets { conversation: String },
    /// What the platform can do.
    Capabilities { conversation: String },
}

/// The answer to a [`Read`], by its case.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "the cases are those of the reads in wit/host.wit"
)]
#[expect(
    clippy::large_enum_variant,
    reason = "one answer a read, moved once: a box would cost more than it saves"
)]
pub enum ReadAnswer {
    Conversation(Conversation),
    Conversations(ConversationPage),
    Members(UserPage),
    User(User),
    Contact(ContactStatus),
    Presence(PresenceStatus),
    Message(PastMessage),
    History(Vec<PastMessage>),
    Attachment(Chunk),
    TransferTargets(Vec<TransferOption>),
    Capabilities(ConversationCapabilities),
}
