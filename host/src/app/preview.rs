//! What other platforms would be sent: beside each answer for `chat --as`, and for whoever asks at the
//! page. Forms and buttons are run by the host where the platform has none, as they would be there.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::platforms::{BuiltIn, Platforms};
use super::trace::Trace;
use crate::config::{BotConfig, Platform};
use crate::connectors::local::Hub;
use crate::connectors::{livechat, lseg, symphony, webex};
use crate::content::hosted::Shows;
use crate::journal::{NewPart, Part, Sent};
use crate::mailbox::rooms::{
    Command, Done, Elsewhere, RoomFile, Rooms, RoomsError, Snapshot, View,
};
use crate::mailbox::session::{BotTuning, Session, SessionEnd, ShownCommand, Watch};
use crate::mailbox::{
    Clock as _, Connector, Intake, Pace, Rate, Read, ReadAnswer, SendError, SystemClock,
};
use crate::model::Name;
use crate::model::action::{Action, ActionKind, MessageRef, OutgoingAttachment};
use crate::model::directory::ReadError;
use crate::model::event::Bot;
use crate::outbox::{HostedSentences, shown_on};

/// Messages that are kept: what a page shows, or nearly.
const MAX_KEPT: usize = 200;

/// The platform that is shown beside the local one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownAs {
    /// Events: text, rich messages, files.
    LiveChat,
    /// Plain text with tables.
    Lseg,
    /// MessageML with its data.
    Symphony,
    /// Markdown and Adaptive Cards.
    Webex,
}

impl ShownAs {
    /// All of them, as they stand side by side.
    const ALL: [Self; 4] = [Self::Symphony, Self::Webex, Self::LiveChat, Self::Lseg];

    /// Its name for people, as its connector's previews begin.
    fn name(self) -> &'static str {
        match self {
            Self::LiveChat => "LiveChat",
            Self::Lseg => "LSEG Messenger",
            Self::Symphony => "Symphony",
            Self::Webex => "Webex",
        }
    }

    /// What it shows beyond text, as its connector says.
    fn shows(self) -> Shows {
        match self {
            Self::LiveChat => Shows {
                forms: false,
                buttons: true,
            },
            Self::Lseg => Shows::NONE,
            Self::Symphony | Self::Webex => Shows::ALL,
        }
    }

    /// What the platform would be sent for a part, a text for each request, and what it would not show.
    fn preview(self, part: &Part, sentences: &HostedSentences) -> Vec<String> {
        let hosted = shown_on(part, self.shows(), sentences, SystemClock.now());
        let (part, notes) = match &hosted {
            Some((hosted, notes)) => (&**hosted, notes.as_slice()),
            None => (part, &[] as &[String]),
        };
        let mut shown: Vec<String> = notes
            .iter()
            .map(|note| format!("{}: {note}", self.name()))
            .collect();
        let action = &part.what.action;
        shown.extend(match self {
            Self::LiveChat => livechat::preview(action),
            Self::Lseg => lseg::preview(action),
            Self::Symphony => symphony::preview(action),
            Self::Webex => webex::preview(action),
        });
        shown
    }
}

/// The last messages of the local platform's bots, for showing how other platforms would get them.
#[derive(Clone, Default)]
pub struct SaidHere {
    sentences: Arc<HostedSentences>,
    kept: Arc<Mutex<VecDeque<(String, Part)>>>,
}

impl SaidHere {
    /// Begins with none. The sentences are those of the host where it runs a form itself.
    pub fn new(sentences: HostedSentences) -> Self {
        Self {
            sentences: Arc::new(sentences),
            kept: Arc::default(),
        }
    }

    fn keep(&self, message: String, part: &Part) {
        let mut part = part.clone();
        // Only how many there are is shown.
        if let ActionKind::Send(send) = &mut Arc::make_mut(&mut part.what.action).kind {
            for attachment in &mut send.attachments {
                if let OutgoingAttachment::File(file) = attachment {
                    file.bytes = Vec::new();
                }
            }
        }
        let mut kept = self.kept.lock();
        kept.retain(|(known, _)| *known != message);
        if kept.len() >= MAX_KEPT {
            kept.pop_front();
        }
        kept.push_back((message, part));
    }

    /// How each platform would get a message; none where it is not kept.
    pub(super) fn elsewhere(&self, message: &str) -> Option<Vec<Elsewhere>> {
        let part = {
            let kept = self.kept.lock();
            let (_, part) = kept.iter().find(|(known, _)| known == message)?;
            part.clone()
        };
        let shown = ShownAs::ALL.into_iter().map(|platform| {
            let name = platform.name();
            let all = platform.preview(&part, &self.sentences).into_iter();
            // What is sent has its words below a line that says so.
            let (sent, notes): (Vec<String>, Vec<String>) = all.partition(|it| it.contains('\n'));
            let own = format!("{name}: ");
            let bare = |note: String| note.strip_prefix(&own).map(str::to_owned).unwrap_or(note);
            Elsewhere {
                platform: name.to_owned(),
                sent,
                notes: notes.into_iter().map(bare).collect(),
            }
        });
        Some(shown.collect())
    }
}

/// The local platform for its page, which shows how others would get what is said.
pub struct ShownRooms {
    hub: Hub,
    said: SaidHere,
}

impl ShownRooms {
    /// Shows the messages that are kept.
    pub fn new(hub: Hub, said: SaidHere) -> Self {
        Self { hub, said }
    }
}

#[async_trait]
impl Rooms for ShownRooms {
    async fn act(&self, user: &str, command: Command) -> Result<Done, RoomsError> {
        self.hub.act(user, command).await
    }

    fn view(&self, user: &str) -> Result<(Snapshot, View), RoomsError> {
        self.hub.view(user)
    }

    fn file(&self, user: &str, id: &str) -> Option<RoomFile> {
        self.hub.file(user, id)
    }

    fn elsewhere(&self, user: &str, message: &str) -> Option<Vec<Elsewhere>> {
        let may_see = self.hub.may_see(user, message);
        may_see.then(|| self.said.elsewhere(message)).flatten()
    }
}

/// The platforms, where the bots of the local one tell what another would be sent, or keep it for whoever
/// asks.
pub struct Previewing {
    inner: BuiltIn,
    shown_as: Option<ShownAs>,
    said: SaidHere,
    trace: Option<Arc<Trace>>,
}

impl Previewing {
    /// Shows this platform beside each message.
    pub fn beside(inner: BuiltIn, shown_as: ShownAs, sentences: HostedSentences) -> Self {
        Self {
            inner,
            shown_as: Some(shown_as),
            said: SaidHere::new(sentences),
            trace: None,
        }
    }

    /// Keeps the last messages.
    pub fn keeping(inner: BuiltIn, said: SaidHere) -> Self {
        Self {
            inner,
            shown_as: None,
            said,
            trace: None,
        }
    }

    /// Tells how each message would be shown, and perhaps one platform beside each.
    pub fn tracing(inner: BuiltIn, shown_as: Option<ShownAs>, trace: Arc<Trace>) -> Self {
        Self {
            inner,
            shown_as,
            said: trace.said().clone(),
            trace: Some(trace),
        }
    }
}

impl Platforms for Previewing {
    fn session(&self, tenant: &Name, bot: &BotConfig) -> anyhow::Result<Arc<dyn Session>> {
        let inner = self.inner.session(tenant, bot)?;
        let Platform::Local(_) = bot.platform else {
            return Ok(inner);
        };
        Ok(Arc::new(PreviewingBot {
            inner,
            shown_as: self.shown_as,
            said: self.said.clone(),
            trace: self.trace.clone(),
        }))
    }
}

struct PreviewingBot {
    inner: Arc<dyn Session>,
    shown_as: Option<ShownAs>,
    said: SaidHere,
    trace: Option<Arc<Trace>>,
}

/// The message that a part has made or changed.
fn message_of(part: &Part, sent: &Sent) -> Option<String> {
    match &part.what.action.kind {
        ActionKind::Send(_) => sent.message.clone(),
        ActionKind::Edit(edit) => match &edit.message {
            MessageRef::Id(id) => Some(id.clone()),
            MessageRef::Key(_) => None,
        },
        _ => None,
    }
}

#[async_trait]
impl Connector for PreviewingBot {
    fn bot(&self) -> Bot {
        self.inner.bot()
    }

    fn pace(&self) -> Pace {
        self.inner.pace()
    }

    fn conversation_pace(&self, part: &NewPart) -> Option<Rate> {
        self.inner.conversation_pace(part)
    }

    fn shows(&self) -> Shows {
        self.inner.shows()
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        self.inner.plan(action)
    }

    async fn perform(&self, part: &Part) -> Result<Sent, SendError> {
        self.perform_noted(part, &[]).await
    }

    async fn perform_noted(&self, part: &Part, notes: &[String]) -> Result<Sent, SendError> {
        let mut shown = notes.to_vec();
        if let Some(shown_as) = self.shown_as {
            shown.extend(shown_as.preview(part, &self.said.sentences));
        }
        let sent = self.inner.perform_noted(part, &shown).await?;
        if let Some(message) = message_of(part, &sent) {
            self.said.keep(message.clone(), part);
            if let Some(trace) = &self.trace {
                trace.rendered(part, &message, notes);
            }
        }
        Ok(sent)
    }

    fn performs_once(&self) -> bool {
        self.inner.performs_once()
    }

    async fn find_sent(&self, part: &Part) -> Result<Option<Sent>, SendError> {
        self.inner.find_sent(part).await
    }

    async fn read(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        self.inner.read(read).await
    }

    async fn read_as(&self, user: &str, read: Read) -> Result<ReadAnswer, ReadError> {
        self.inner.read_as(user, read).await
    }
}

#[async_trait]
impl Session for PreviewingBot {
    async fn run(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: CancellationToken,
    ) -> SessionEnd {
        self.inner.run(intake, watch, stop).await
    }

    fn tune(&self, tuning: BotTuning) {
        self.inner.tune(tuning);
    }

    fn show_commands(&self, commands: &[ShownCommand]) {
        self.inner.show_commands(commands);
    }

    fn leave(&self) {
        self.inner.leave();
    }

    fn quiet(&self) -> Option<(u64, u64)> {
        self.inner.quiet()
    }
}
