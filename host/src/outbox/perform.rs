//! One part: what is asked of the platform, and what its answer comes to.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::bot::{BotQueue, Item, Job, Next, add};
use super::edit::Refused;
use super::{InDoubt, PartEnd, Shared};
use super::{files, forms, hosted, pace};
use crate::content::hosted::Hosted;
use crate::journal::{JournalResult, OpenForm, Part, PartUpdate, Sent, SentAs};
use crate::mailbox::{Connector, LaneKind, SendError};
use crate::model::action::{ActionKind, Fallback, MessageRef};
use crate::model::payload::ActionError;
use crate::model::{Name, Timestamp};
use crate::net::retry_after::LONGEST;

/// How long a lane waits when the journal does not take the mark of its part.
pub(super) const JOURNAL_WAIT: Duration = Duration::from_secs(1);
/// How long a part waits before it looks again whether the message that it names is sent.
const KEY_WAIT: Duration = Duration::from_millis(50);
const WAS_ALREADY_IN: &str = "was already in";
const STILL_IN: &str = "joined more than once: still in";
const OVERTAKEN: &str = "a later edit took its place";

/// Where a part is performed.
pub(super) struct Performing<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) bot: &'a Arc<BotQueue>,
    pub(super) connector: Option<&'a Arc<dyn Connector>>,
}

/// What a part comes to before the platform is asked.
enum Prepared {
    /// Ask, with this part where it is not as it was committed.
    Ask(Option<Box<Part>>),
    /// It is done without asking, and adds this to the joins.
    Done(Sent, i64),
    Failed(ActionError, &'static str),
    /// The message that it names is still to be sent.
    Wait,
}

/// What was performed.
pub(super) struct Performed<'p> {
    /// The part as it was asked for: with the message that its key names.
    pub(super) part: &'p Part,
    pub(super) sent: Sent,
    /// What it adds to the joins.
    pub(super) joins: i64,
    /// What the host runs itself of it.
    pub(super) hosted: Option<Hosted>,
    /// How the message was sent that stands for an edit: its key names this one.
    pub(super) anew: Option<SentAs>,
}

impl<'p> Performed<'p> {
    pub(super) fn new(part: &'p Part, sent: Sent) -> Self {
        Self {
            part,
            sent,
            joins: 0,
            hosted: None,
            anew: None,
        }
    }
}

/// Performs a part as far as it goes.
pub(super) async fn run(performing: &Performing<'_>, job: &mut Job) -> Next {
    let is_aside = job.lane.kind == LaneKind::Aside;
    let item = &mut job.item;
    let was_in_doubt = item.is_in_doubt;
    if job.is_overtaken {
        let sent = Sent {
            notes: vec![OVERTAKEN.to_owned()],
            ..Sent::default()
        };
        return performing.sent(item, Performed::new(&item.part, sent));
    }
    let Some(connector) = performing.connector else {
        return performing.again(item, None, "the bot is not there");
    };
    if item.is_in_doubt {
        if let Some(next) = performing.clear_up(item, connector).await {
            return next;
        }
        item.is_in_doubt = false;
    }
    let prepared = match performing.prepare(&item.part).await {
        Ok(prepared) => prepared,
        Err(error) => {
            tracing::warn!(%error, "journal not read for a part");
            return Next::Later(Instant::now() + JOURNAL_WAIT);
        }
    };
    let asked = match prepared {
        Prepared::Ask(asked) => asked,
        Prepared::Done(sent, joins) => {
            let done = Performed::new(&item.part, sent);
            return performing.sent(item, Performed { joins, ..done });
        }
        Prepared::Failed(class, detail) => {
            return performing.failed(item, class, detail.to_owned());
        }
        Prepared::Wait => return Next::Later(Instant::now() + KEY_WAIT),
    };
    let part = asked.as_deref().unwrap_or(&item.part);
    let loaded = match files::load(&*performing.shared.journal, part).await {
        Ok(loaded) => loaded,
        Err(error) => {
            let detail = format!("its file cannot be read: {error}");
            return performing.again(item, None, &detail);
        }
    };
    let (rendered, hosted) = performing.render(loaded.as_ref().unwrap_or(part), connector);
    let notes = hosted.as_ref().map_or(&[][..], |hosted| &hosted.notes);
    if !notes.is_empty() && !may_show_less(part) {
        let detail = notes.join("; ");
        return performing.failed(item, ActionError::Unsupported, detail);
    }
    if !item.is_marked && !connector.performs_once() {
        if let Err(error) = performing.shared.recorder.mark(item.part.number).await {
            tracing::warn!(%error, "part not marked as being sent, it waits");
            return Next::Later(Instant::now() + JOURNAL_WAIT);
        }
        item.is_marked = true;
    }
    let part = asked.as_deref().unwrap_or(&item.part);
    let request = rendered.as_deref().or(loaded.as_ref()).unwrap_or(part);
    match performing.ask(connector, request, notes).await {
        Ok(sent) => {
            let joins = match performing.joins(part, &sent, was_in_doubt).await {
                Ok(joins) => joins,
                // The request is done: better a leave that does not leave than a send done twice.
                Err(error) => {
                    tracing::warn!(%error, "joins not read from the journal");
                    0
                }
            };
            let done = Performed::new(part, sent);
            let done = Performed {
                joins,
                hosted,
                ..done
            };
            performing.sent(item, done)
        }
        Err(SendError::WillNotEdit(detail)) => {
            let part = asked.map_or_else(|| item.part.clone(), |part| *part);
            let refused = Refused {
                part: &part,
                connector,
                is_aside,
                was_in_doubt,
                detail,
            };
            performing.follow_rule(item, refused).await
        }
        Err(error) => performing.not_sent(item, error),
    }
}

impl Performing<'_> {
    fn now(&self) -> Timestamp {
        self.shared.config.clock.now()
    }

    /// Makes what the platform gets of a part, where the host runs forms or buttons itself.
    pub(super) fn render(
        &self,
        part: &Part,
        connector: &Arc<dyn Connector>,
    ) -> (Option<Box<Part>>, Option<Hosted>) {
        let sentences = self.shared.config.sentences.load();
        match hosted::render(part, connector.shows(), &sentences, self.now()) {
            Some((part, hosted)) => (Some(part), Some(hosted)),
            None => (None, None),
        }
    }

    /// Asks the platform. What was noted is written first where the answer does not come at once.
    async fn ask(
        &self,
        connector: &Arc<dyn Connector>,
        part: &Part,
        notes: &[String],
    ) -> Result<Sent, SendError> {
        let mut request = match notes.is_empty() {
            true => connector.perform(part),
            false => connector.perform_noted(part, notes),
        };
        if let Poll::Ready(answer) = futures::poll!(request.as_mut()) {
            return answer;
        }
        let recorder = &self.shared.recorder;
        if recorder.is_empty() {
            return request.await;
        }
        let (answer, flushed) = futures::join!(request, recorder.flush());
        if let Err(error) = flushed {
            tracing::warn!(%error, "results of sends not recorded yet");
        }
        answer
    }

    /// Finds out what became of a part in doubt; none: it is to be performed.
    async fn clear_up(&self, item: &mut Item, connector: &Arc<dyn Connector>) -> Option<Next> {
        if item.first_try.is_none() {
            // Found so at a start: what the host before this one asked may still be under way.
            item.first_try = Some(Instant::now());
            add(&self.bot.counters.in_doubt);
            let wait = self.doubt_wait();
            if !wait.is_zero() {
                return Some(Next::Later(Instant::now() + wait));
            }
        }
        if is_repeatable(&item.part) {
            return None;
        }
        let (rendered, hosted) = self.render(&item.part, connector);
        let request = rendered.as_deref().unwrap_or(&item.part);
        match connector.find_sent(request).await {
            Ok(Some(sent)) => {
                let done = Performed::new(&item.part, sent);
                Some(self.sent(item, Performed { hosted, ..done }))
            }
            Ok(None) => None,
            Err(SendError::Again { after, detail }) => Some(self.ask_later(item, after, detail)),
            Err(SendError::Throttled { after, detail }) => {
                self.bot.be_quiet(Instant::now() + after.min(LONGEST));
                Some(self.ask_later(item, Some(after), detail))
            }
            Err(
                SendError::InDoubt(detail)
                | SendError::WillNotEdit(detail)
                | SendError::Permanent { detail, .. },
            ) => match self.shared.config.in_doubt {
                InDoubt::Resend if self.is_worn_out(item) => {
                    Some(self.failed(item, ActionError::InDoubt, detail))
                }
                InDoubt::Resend => {
                    add(&self.bot.counters.resent);
                    tracing::warn!(bot = %self.bot.bot, part = item.part.number, detail, "part in doubt is sent again");
                    None
                }
                InDoubt::Drop => Some(self.failed(item, ActionError::InDoubt, detail)),
            },
        }
    }

    /// Leaves a part in doubt until the platform can be asked for it.
    fn ask_later(&self, item: &mut Item, after: Option<Duration>, detail: String) -> Next {
        if self.is_worn_out(item) {
            return self.failed(item, ActionError::InDoubt, detail);
        }
        Next::Later(self.retry_at(item, after))
    }

    /// Finds what the journal knows: the message that a key names, the joins of a conversation.
    async fn prepare(&self, part: &Part) -> JournalResult<Prepared> {
        let named = match &part.what.action.kind {
            ActionKind::Leave(_) => {
                return Ok(match self.join_count(part).await? {
                    0 => Prepared::Done(
                        Sent {
                            notes: vec![WAS_ALREADY_IN.to_owned()],
                            conversation: Some(part.what.conversation.to_string()),
                            ..Sent::default()
                        },
                        0,
                    ),
                    1 => Prepared::Ask(None),
                    _ => Prepared::Done(
                        Sent {
                            notes: vec![STILL_IN.to_owned()],
                            conversation: Some(part.what.conversation.to_string()),
                            ..Sent::default()
                        },
                        -1,
                    ),
                });
            }
            ActionKind::Edit(edit) => &edit.message,
            ActionKind::Delete(message) => message,
            ActionKind::React(react) => &react.message,
            _ => return Ok(Prepared::Ask(None)),
        };
        let MessageRef::Key(key) = named else {
            return Ok(Prepared::Ask(None));
        };
        if self.shared.keys.is_open_before(part, key) {
            return Ok(Prepared::Wait);
        }
        // The send that the key names may be the one before this in the lane.
        self.shared.recorder.flush().await?;
        let journal = &self.shared.journal;
        let found = journal
            .message_by_key(&part.tenant, &part.plugin, key)
            .await?;
        let Some(found) = found else {
            let detail = "no message was sent under this key";
            return Ok(Prepared::Failed(ActionError::NotFound, detail));
        };
        if *part.what.bot != *found.bot {
            let detail = "another bot sent the message; set the action's bot";
            return Ok(Prepared::Failed(ActionError::NotFound, detail));
        }
        let mut part = part.clone();
        part.what.conversation = Name::from(found.conversation);
        let action = Arc::make_mut(&mut part.what.action);
        let id = MessageRef::Id(found.message);
        match &mut action.kind {
            ActionKind::Edit(edit) => edit.message = id,
            ActionKind::Delete(message) => *message = id,
            ActionKind::React(react) => react.message = id,
            _ => {}
        }
        Ok(Prepared::Ask(Some(Box::new(part))))
    }

    async fn join_count(&self, part: &Part) -> JournalResult<u64> {
        self.shared.recorder.flush().await?;
        let what = &part.what;
        let journal = &self.shared.journal;
        journal
            .join_count(&part.tenant, &part.plugin, &what.bot, &what.conversation)
            .await
    }

    /// What a join or leave that was performed adds to the joins. One that was in doubt finds the bot
    /// there because it was done the first time.
    async fn joins(&self, part: &Part, sent: &Sent, was_in_doubt: bool) -> JournalResult<i64> {
        match &part.what.action.kind {
            ActionKind::Leave(_) => Ok(-1),
            ActionKind::Join(_) => {
                let count = self.join_count(part).await?;
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                Ok(match (sent.was_member, count) {
                    (true, 0) => i64::from(was_in_doubt),
                    (true, _) => 1,
                    // Somebody took the bot out meanwhile: this join alone counts.
                    (false, count) => 1 - count,
                })
            }
            _ => Ok(0),
        }
    }

    /// Says what a request that did not succeed comes to.
    pub(super) fn not_sent(&self, item: &mut Item, error: SendError) -> Next {
        match error {
            SendError::Again { after, detail } => self.again(item, after, &detail),
            SendError::Throttled { after, detail } => {
                self.bot.be_quiet(Instant::now() + after.min(LONGEST));
                self.again(item, Some(after), &detail)
            }
            SendError::InDoubt(detail) => self.doubt(item, &detail),
            SendError::WillNotEdit(detail) => self.failed(item, ActionError::Unsupported, detail),
            SendError::Permanent { class, detail } => self.failed(item, class, detail),
        }
    }

    /// Ends a part that was performed.
    pub(super) fn sent(&self, item: &Item, done: Performed<'_>) -> Next {
        add(&self.bot.counters.sent);
        let Performed {
            part: asked,
            mut sent,
            joins,
            mut hosted,
            anew,
        } = done;
        let part = &item.part;
        if let Some(hosted) = &mut hosted {
            sent.notes.splice(0..0, hosted.notes.drain(..));
        }
        if !sent.notes.is_empty() {
            tracing::info!(bot = %self.bot.bot, plugin = %part.plugin, part = part.number, notes = sent.notes.join("; "), "action done, with notes");
        }
        let conversation = sent.conversation.as_deref().map(Name::from);
        let conversation = conversation.as_ref().unwrap_or(&asked.what.conversation);
        let message = sent.message.as_deref();
        let form = forms::opened(asked, message, conversation, self.now(), hosted);
        let replaced = anew.as_ref().and_then(|_| forms::replaced(asked));
        let forms: Vec<OpenForm> = form.into_iter().chain(replaced).collect();
        // Of a message in several parts, the first is what its key names.
        let names = matches!(part.what.action.kind, ActionKind::Send(_)) && part.what.part == 0;
        let key = part.what.action.key.clone().filter(|_| names);
        let renamed = anew.as_ref().and_then(|_| key_of_edited(part));
        let key = key.or(renamed).filter(|_| sent.message.is_some());
        let end = PartEnd::Sent(sent);
        let is_heard = self.shared.recorder.tell(part, &end);
        // Who can name the message later must be known as the one who sent it.
        let is_named = is_heard || key.is_some() || !forms.is_empty();
        let how = anew.or_else(|| how_sent(part).filter(|_| is_named));
        if let PartEnd::Sent(sent) = end {
            self.shared.recorder.note(PartUpdate::Sent {
                part: part.number,
                sent,
                forms: forms.clone(),
                key,
                how,
                joins,
            });
        }
        // Noted before: whoever sees that it is open can have it recorded before its answer is.
        for form in forms {
            self.shared.outcomes.opened(form);
        }
        Next::On
    }

    pub(super) fn failed(&self, item: &Item, class: ActionError, detail: String) -> Next {
        add(&self.bot.counters.failed);
        self.note_error(&detail);
        let part = &item.part;
        tracing::warn!(bot = %self.bot.bot, plugin = %part.plugin, part = part.number, ?class, detail, "action failed");
        let update = PartUpdate::Failed(part.number, class, detail.clone());
        let recorder = &self.shared.recorder;
        recorder.tell(part, &PartEnd::Failed(class, detail));
        recorder.note(update);
        Next::Skip
    }

    /// Tells the plugin, once, that a part failed and is tried again.
    fn tell_retry(&self, item: &mut Item, class: ActionError, detail: &str) {
        if !std::mem::replace(&mut item.is_told, true) {
            let end = PartEnd::Retrying(class, detail.to_owned());
            self.shared.recorder.tell(&item.part, &end);
        }
    }

    fn again(&self, item: &mut Item, after: Option<Duration>, detail: &str) -> Next {
        self.note_error(detail);
        // A platform that says how long to wait is there, and has enough of the bot.
        let class = match after {
            Some(_) => ActionError::Throttled,
            None => ActionError::Unavailable,
        };
        if self.is_worn_out(item) {
            return self.failed(item, class, detail.to_owned());
        }
        self.tell_retry(item, class, detail);
        add(&self.bot.counters.retried);
        if item.is_marked {
            // Certainly not done: after a crash it is not in doubt.
            item.is_marked = false;
            self.shared
                .recorder
                .note(PartUpdate::Queued(item.part.number));
        }
        Next::Later(self.retry_at(item, after))
    }

    /// Notes that a part's end is in doubt.
    pub(super) fn doubt(&self, item: &mut Item, detail: &str) -> Next {
        self.note_error(detail);
        add(&self.bot.counters.in_doubt);
        if self.is_worn_out(item) {
            return self.failed(item, ActionError::InDoubt, detail.to_owned());
        }
        self.tell_retry(item, ActionError::InDoubt, detail);
        let at = self.retry_at(item, Some(self.doubt_wait()));
        item.is_in_doubt = true;
        Next::Later(at)
    }

    fn is_worn_out(&self, item: &Item) -> bool {
        let config = &self.shared.config;
        let is_over = |first: Instant| first.elapsed() >= config.tries_within;
        item.tries.saturating_add(1) >= config.tries || item.first_try.is_some_and(is_over)
    }

    fn retry_at(&self, item: &mut Item, after: Option<Duration>) -> Instant {
        let now = Instant::now();
        item.first_try.get_or_insert(now);
        let tries = item.tries;
        item.tries = tries.saturating_add(1);
        let config = &self.shared.config;
        let wait = match after {
            Some(after) => pace::no_sooner(after.min(LONGEST)),
            None => pace::backoff(tries, config.first_wait, config.max_wait),
        };
        now + wait
    }

    fn doubt_wait(&self) -> Duration {
        match self.connector {
            Some(connector) if connector.performs_once() => Duration::ZERO,
            _ => self.shared.config.doubt_wait,
        }
    }

    fn note_error(&self, detail: &str) {
        *self.bot.counters.last_error.lock() = Some(detail.to_owned());
    }
}

/// Tells whether a part may be shown as what is nearest to it.
fn may_show_less(part: &Part) -> bool {
    !matches!(&part.what.action.kind, ActionKind::Send(send) if send.fallback == Fallback::Fail)
}

/// How the message of a send is sent.
fn how_sent(part: &Part) -> Option<SentAs> {
    match &part.what.action.kind {
        ActionKind::Send(send) => Some(SentAs {
            visibility: send.visibility,
            thread: send.thread.clone(),
        }),
        _ => None,
    }
}

/// The key by which an edit names its message.
fn key_of_edited(part: &Part) -> Option<String> {
    match &part.what.action.kind {
        ActionKind::Edit(edit) => match &edit.message {
            MessageRef::Key(key) => Some(key.clone()),
            MessageRef::Id(_) => None,
        },
        _ => None,
    }
}

/// Tells whether doing it twice is the same as doing it once.
fn is_repeatable(part: &Part) -> bool {
    matches!(
        part.what.action.kind,
        ActionKind::Join(_)
            | ActionKind::Leave(_)
            | ActionKind::Edit(_)
            | ActionKind::Delete(_)
            | ActionKind::React(_)
            | ActionKind::Typing(_)
            | ActionKind::SetPresence(_)
    )
}
