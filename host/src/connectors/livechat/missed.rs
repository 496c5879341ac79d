//! What was not heard: since when, what has to be read back and when, and the reading.
//!
//! A webhook that nobody takes comes three times more, within about a minute, and then never (livechat.md
//! §3). So everything of which a webhook may have been missed leaves a gap on disk, which stays until the
//! chats of that time were read: a stop, a pause, a webhook that was not taken, webhooks that were
//! registered and take up to two minutes to come.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{MutexGuard, Notify};
use tokio::time::Instant;

use super::convert::{Around, events_from_thread};
use super::core::{Core, Ready};
use super::dialect::{By, Call, get_chat};
use super::ids::ChatId;
use super::licence::Licence;
use super::site::ApiError;
use super::wire::{Chat, Thread, list, moment, text};
use crate::mailbox::{Incoming, Intake, OfferError, Progress, offer_now};
use crate::model::Timestamp;

/// How much earlier than the gap the reading begins: the platform's clock is another, and it tries a
/// webhook again for about a minute.
const MARGIN_MS: Timestamp = 3 * 60_000;
/// How much of that is left where nobody can have heard anything before: the clocks alone.
const CLOCKS_MS: Timestamp = 10_000;
/// How far back a gap is read, at most: what is older the journal may not know any more.
const MAX_GAP_MS: Timestamp = 24 * 3_600_000;
/// A chat of which no times are told is read where its thread began so much earlier at most.
const OLD_MS: Timestamp = 24 * 3_600_000;
/// When it is read behind new webhooks, which come after two minutes at the latest: whoever writes
/// meanwhile is not to wait so long.
const SETTLE: [Duration; 3] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(130),
];
/// How long after a webhook that was not taken, and how long after the last reading at the earliest: each
/// costs, and strangers may be the reason.
const AFTER_MISS: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_secs(60);
/// How long a gap waits for a licence where the bot is not ready, and when that is looked at.
const WAITS_MS: Timestamp = 3_600_000;
const AFTER_ALL: Duration = Duration::from_secs(3_700);
/// Chats of one page, pages of chats, and threads of one chat that are looked through.
const PAGE: usize = 100;
const PAGES: usize = 10;
const THREADS: usize = 20;
/// How often a call waits where the platform says that it should, and how long at most.
const WAITS: usize = 10;
/// How often a call is made again that came to nothing: a chat that is not read begins all of it anew.
const PASSING: usize = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How long the host may pause before it is asked again, and the platform be out of order.
const PAUSE: Duration = Duration::from_secs(1);
/// Chats that are read with their first webhook; more wait for the reading.
const MAX_CAUGHT_UP: usize = 10_000;
/// Webhooks of one chat are taken one after the other; so many locks are for all chats.
const LANES: usize = 64;

/// What was not heard.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) progress: Progress,
    /// Somebody listens, or did.
    has_begun: AtomicBool,
    /// Something was missed since this was looked at.
    is_missed: AtomicBool,
    /// Webhooks were registered, or a bot made, since this was looked at.
    is_settling: AtomicBool,
    /// Chats whose past of this gap was read.
    caught_up: Mutex<BTreeSet<ChatId>>,
    /// Has the session plan anew.
    pub(super) wake: Notify,
    lanes: Vec<tokio::sync::Mutex<()>>,
}

impl Missed {
    /// Reads what the last run has left.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            progress: Progress::new(folder),
            is_missed: AtomicBool::new(false),
            is_settling: AtomicBool::new(false),
            caught_up: Mutex::default(),
            wake: Notify::new(),
            lanes: (0..LANES).map(|_| tokio::sync::Mutex::default()).collect(),
            has_begun: AtomicBool::new(false),
        }
    }

    /// Notes that somebody listens. Since the last run nobody has: before anything new hides when that
    /// was, it is a gap.
    pub(super) fn begin(&self) {
        if !self.has_begun.swap(true, Ordering::SeqCst) {
            self.progress.open_gap(None);
        }
    }

    /// Waits until the chat's webhooks before are taken.
    pub(super) async fn turn(&self, chat: &ChatId) -> MutexGuard<'_, ()> {
        let sum = chat.chat.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        self.lanes[sum % LANES].lock().await
    }

    /// Since when a chat has to be read before its next webhook is taken.
    pub(super) fn since(&self, chat: &ChatId, now: Timestamp) -> Option<Timestamp> {
        self.begin();
        let gap = self.progress.gap()?;
        let caught_up = self.caught_up.lock();
        let is_due = !caught_up.contains(chat) && caught_up.len() < MAX_CAUGHT_UP;
        is_due.then(|| begin_of(gap, now))
    }

    /// Notes that a chat's past was read.
    pub(super) fn catch_up(&self, chat: &ChatId) {
        self.caught_up.lock().insert(chat.clone());
    }
}

/// When it is read back.
#[derive(Debug, Default)]
pub(super) struct Plan {
    due: BTreeSet<Instant>,
    last: Option<Instant>,
    /// When the platform knows of everything that was registered.
    settled: Option<Instant>,
}

impl Plan {
    /// Reads at once.
    pub(super) fn now(&mut self) {
        self.due.insert(Instant::now());
    }

    fn after_miss(&mut self) {
        let soon = Instant::now() + AFTER_MISS;
        let at = self.last.map_or(soon, |last| soon.max(last + EVERY));
        // What a webhook tells of is in its chat before: any reading from now on sees it.
        if !self.due.iter().any(|due| *due <= at) {
            self.due.insert(at);
        }
    }

    /// Reads again after a while.
    pub(super) fn later(&mut self) {
        self.due.insert(Instant::now() + EVERY);
    }

    /// Waits until it is time.
    pub(super) async fn is_due(&self) {
        match self.due.first() {
            Some(at) => tokio::time::sleep_until(*at).await,
            None => std::future::pending().await,
        }
    }

    fn settle(&mut self) {
        let now = Instant::now();
        self.due.extend(SETTLE.map(|wait| now + wait));
        self.settled = self.due.last().copied();
    }

    /// Everything was read; tells whether there is nothing more to come.
    fn end(&mut self, began: Instant) -> bool {
        let is_settled = self.settled.is_none_or(|at| at <= began);
        if is_settled {
            self.due.clear();
        }
        is_settled
    }

    fn begin(&mut self) {
        let now = Instant::now();
        self.last = Some(now);
        self.due.retain(|at| *at > now);
    }
}

/// Opens a gap where a webhook comes to nothing, its sender having hung up too.
pub(super) struct Unheard<'c>(Option<&'c Core>);

impl<'c> Unheard<'c> {
    pub(super) fn new(core: &'c Core) -> Self {
        Self(Some(core))
    }

    /// It came to something.
    pub(super) fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        if let Some(core) = self.0 {
            core.miss();
        }
    }
}

impl Core {
    /// Notes that a webhook was not taken.
    pub(super) fn miss(&self) {
        // Before the gap: whoever closes one looks at this behind it.
        self.missed.begin();
        self.missed.is_missed.store(true, Ordering::SeqCst);
        self.missed.progress.open_gap(Some(self.now()));
        self.missed.wake.notify_one();
    }

    /// Notes that webhooks come from now on, but not yet.
    pub(super) fn settle(&self) {
        self.missed.begin();
        self.missed.is_settling.store(true, Ordering::SeqCst);
        let now = self.now();
        // Who has never heard anything has missed nothing before.
        let since = match self.missed.progress.last() {
            Some(_) => now,
            None => now + MARGIN_MS - CLOCKS_MS,
        };
        self.missed.progress.open_gap(Some(since));
        self.missed.wake.notify_one();
    }

    /// Plans what is to be read of what was missed meanwhile.
    pub(super) fn plan(&self, plan: &mut Plan) {
        if self.missed.is_settling.swap(false, Ordering::SeqCst) {
            plan.settle();
        }
        if self.missed.is_missed.swap(false, Ordering::SeqCst) {
            plan.after_miss();
            self.missed.caught_up.lock().clear();
        }
    }

    /// Reads back what was missed; the gap is closed where all of it was read and nothing more is planned.
    pub(super) async fn read_back(
        &self,
        plan: &mut Plan,
        intake: &dyn Intake,
    ) -> Result<(), ApiError> {
        plan.begin();
        let Some(gap) = self.missed.progress.gap() else {
            return Ok(());
        };
        let (began, begin) = (self.now(), Instant::now());
        if self.config.version.is_chatio() {
            let gap = began.saturating_sub(gap) / 1_000;
            tracing::warn!(
                bot = self.name(),
                seconds = gap,
                "this version has nothing to read back"
            );
            self.close_gap(began);
            return Ok(());
        }
        let since = begin_of(gap, began);
        let licences = self.licences();
        let (mut is_whole, mut read) = (true, 0);
        for licence in &licences {
            match self.ready_of(licence) {
                Ready::Yes => {}
                // It is read when it is ready. One that never is keeps no gap open for ever.
                Ready::No(_) => {
                    is_whole &= began.saturating_sub(gap) > WAITS_MS;
                    plan.due.insert(Instant::now() + AFTER_ALL);
                    continue;
                }
                Ready::Gone(_) => continue,
            }
            match self.read_licence(licence, since, intake).await {
                Ok(count) => read += count,
                Err(error) if licences.len() > 1 => {
                    tracing::warn!(bot = self.name(), licence = licence.id, %error, "not read back yet");
                    is_whole = false;
                    plan.later();
                }
                Err(error) => return Err(error),
            }
        }
        let gap_ms = began.saturating_sub(gap);
        tracing::info!(
            bot = self.name(),
            gap_ms,
            chats = read,
            "chats were read back"
        );
        if is_whole && plan.end(begin) {
            self.close_gap(began);
        }
        Ok(())
    }

    fn close_gap(&self, began: Timestamp) {
        let missed = &self.missed;
        if missed.is_missed.load(Ordering::SeqCst) || missed.is_settling.load(Ordering::SeqCst) {
            return;
        }
        // What was said before is known, however long nobody says anything now.
        missed.progress.reached(began);
        missed.progress.close_gap();
        missed.caught_up.lock().clear();
        // Something was missed while it was closed.
        if missed.is_missed.load(Ordering::SeqCst) {
            missed.progress.open_gap(Some(began));
        }
    }

    /// Reads the chats of a licence; tells how many there was something in.
    async fn read_licence(
        &self,
        licence: &Licence,
        since: Timestamp,
        intake: &dyn Intake,
    ) -> Result<usize, ApiError> {
        let mut read = 0;
        // Those that were closed meanwhile are as many as there ever were: the newest come first.
        for is_active in [true, false] {
            let mut page: Option<String> = None;
            for _ in 0..PAGES {
                let body = match &page {
                    Some(page) => json!({"page_id": page}),
                    None => json!({
                        "filters": {"active": is_active}, "sort_order": "desc", "limit": PAGE,
                    }),
                };
                let call = Call::agent("list_chats", By::Owner, body);
                let answer = self.ask_when_it_may(licence, &call).await?;
                let names = ["chats_summary", "chats_info"];
                let rows = names.iter().flat_map(|name| list(&answer, name));
                let touched = rows.filter(|row| is_touched(row, since));
                let touched: Vec<String> = touched.filter_map(|row| text(row, "id")).collect();
                for chat in &touched {
                    let chat = ChatId::new(chat, &licence.id);
                    if self.read_chat(licence, &chat, since, intake).await? {
                        read += 1;
                    }
                }
                page = text(&answer, "next_page_id");
                if page.is_none() || (!is_active && touched.is_empty()) {
                    break;
                }
            }
        }
        Ok(read)
    }

    async fn read_chat(
        &self,
        licence: &Licence,
        chat: &ChatId,
        since: Timestamp,
        intake: &dyn Intake,
    ) -> Result<bool, ApiError> {
        let mut waits = 0;
        loop {
            // In turn with the chat's webhooks: what is older is told first.
            let turn = self.missed.turn(chat).await;
            let events = match self.past_of(licence, chat, since).await {
                Ok(events) => events,
                Err(error) if error.is_about_the_asked() => {
                    tracing::debug!(bot = self.name(), %chat, %error, "a chat is not read back");
                    return Ok(false);
                }
                Err(error) => {
                    drop(turn);
                    wait_as_told(&error, &mut waits).await.ok_or(error)?;
                    continue;
                }
            };
            if events.is_empty() {
                return Ok(false);
            }
            return self.offer_past(chat, events, turn, intake).await;
        }
    }

    /// Hands over what happened in a chat, however long the host pauses.
    async fn offer_past<'l>(
        &'l self,
        chat: &ChatId,
        events: Vec<Incoming>,
        mut turn: MutexGuard<'l, ()>,
        intake: &dyn Intake,
    ) -> Result<bool, ApiError> {
        loop {
            match offer_now(intake, events.clone()).await {
                Ok(()) => {
                    self.missed.catch_up(chat);
                    return Ok(true);
                }
                Err(OfferError::Stopping) => {
                    return Err(ApiError::Nonsense {
                        host: "this host".to_owned(),
                        what: "it takes no more events".to_owned(),
                    });
                }
                Err(OfferError::Paused(_) | OfferError::NotKept(_)) => {
                    drop(turn);
                    tokio::time::sleep(PAUSE).await;
                    turn = self.missed.turn(chat).await;
                }
            }
        }
    }

    /// What happened in a chat since then, in order. Whoever calls has the chat's turn.
    pub(super) async fn past_of(
        &self,
        licence: &Licence,
        chat: &ChatId,
        since: Timestamp,
    ) -> Result<Vec<Incoming>, ApiError> {
        let Some(call) = get_chat(self.config.version, &chat.chat, None) else {
            return Ok(Vec::new());
        };
        let whole = self.ask(licence, &call).await?;
        let Some(mut found) = Chat::read(&whole) else {
            return Ok(Vec::new());
        };
        let bot = self.bot_on(&licence.id);
        self.places.learn_chat(&licence.id, &bot.user_id, &found);
        let newest = found.thread.take();
        let is_later = |thread: &Thread| thread.created.is_some_and(|at| at >= since);
        let has_earlier = |thread: &Thread| is_later(thread) && thread.previous.is_some();
        let mut threads: Vec<Thread> = newest.into_iter().collect();
        if threads.iter().any(has_earlier) {
            let body = json!({"chat_id": chat.chat, "sort_order": "desc", "limit": THREADS});
            let call = Call::agent("list_threads", By::Owner, body);
            let answer = self.ask(licence, &call).await?;
            let all = list(&answer, "threads").iter().filter_map(Thread::read);
            let known: Vec<String> = threads.iter().map(|thread| thread.id.clone()).collect();
            threads.extend(all.filter(|thread| !known.contains(&thread.id)));
        }
        threads.sort_by_key(|thread| thread.created);
        let around = Around {
            tenant: &self.tenant,
            bot: &bot,
            licence: &licence.id,
            known: &self.places.of(chat),
            repeats: &self.repeats,
            now: self.now(),
        };
        let mut events = Vec::new();
        for thread in threads {
            found.thread = Some(thread);
            events.extend(events_from_thread(&around, &found, since));
        }
        Ok(events)
    }

    /// Asks, and waits where the platform says for how long.
    async fn ask_when_it_may(&self, licence: &Licence, call: &Call) -> Result<Value, ApiError> {
        let mut waits = 0;
        loop {
            match self.ask(licence, call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => wait_as_told(&error, &mut waits).await.ok_or(error)?,
            }
        }
    }
}

/// Waits where an error says for how long, and a moment where it may pass; none where there is nothing
/// to wait for.
async fn wait_as_told(error: &ApiError, waits: &mut usize) -> Option<()> {
    let (wait, most) = match error.throttled() {
        Some(wait) if wait <= LONGEST_WAIT => (wait, WAITS),
        None if error.may_pass() => (PAUSE, PASSING),
        _ => return None,
    };
    *waits += 1;
    if *waits > most {
        return None;
    }
    tokio::time::sleep(wait).await;
    Some(())
}

/// Where the reading of a gap begins.
fn begin_of(gap: Timestamp, now: Timestamp) -> Timestamp {
    let begin = gap.saturating_sub(MARGIN_MS);
    begin.max(now.saturating_sub(MAX_GAP_MS))
}

/// Tells by its row in a list whether something happened in a chat since then.
fn is_touched(row: &Value, since: Timestamp) -> bool {
    let names = ["last_thread_summary", "last_thread_info", "thread"];
    let thread = names.iter().find_map(|name| row.get(*name));
    let Some(thread) = thread.filter(|thread| thread.is_object()) else {
        return false;
    };
    let began = moment(thread, &["created_at"]);
    let last = row.get("last_event_per_type").and_then(Value::as_object);
    let last = last.into_iter().flat_map(|types| types.values());
    let last = last
        .filter_map(|of_type| moment(of_type.get("event")?, &["created_at"]))
        .max();
    let is_active = thread.get("active") == Some(&Value::Bool(true));
    match last.max(began) {
        _ if last.is_none() && is_active => true,
        Some(at) if last.is_none() => at >= since.saturating_sub(OLD_MS),
        Some(at) => at >= since,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten in the morning.
    const SINCE: Timestamp = 1_780_308_000_000;

    fn row(began: &str, active: bool, last: Option<&str>) -> Value {
        let mut row = json!({"id": "c", "last_thread_summary": {"id": "t", "active": active,
            "created_at": format!("2026-06-{began}.000000Z")}});
        if let Some(last) = last {
            let event = json!({"id": "t_9", "created_at": format!("2026-06-{last}.000000Z")});
            row["last_event_per_type"] = json!({
                "message": {"thread_id": "t", "event": {"created_at": "2026-05-01T00:00:00Z"}},
                "system_message": {"thread_id": "t", "event": event},
            });
        }
        row
    }

    #[test]
    fn a_chat_is_read_where_something_happened_in_it() {
        for (began, active, last, is_read) in [
            ("01T11:00:00", false, Some("01T11:05:00"), true),
            ("01T09:00:00", false, Some("01T10:05:00"), true),
            ("01T09:00:00", false, Some("01T09:55:00"), false),
            ("01T09:00:00", true, Some("01T09:55:00"), false),
            // Of which nothing is told.
            ("01T09:00:00", true, None, true),
            ("01T09:00:00", false, None, true),
            ("03T09:00:00", false, None, true),
        ] {
            let row = row(began, active, last);
            assert_eq!(is_touched(&row, SINCE), is_read, "{row}");
        }
        let old = json!({"id": "c", "last_thread_summary": {"id": "t", "active": false,
            "created_at": "2026-05-20T00:00:00Z"}});
        assert!(!is_touched(&old, SINCE));
        assert!(!is_touched(&json!({"id": "c"}), SINCE));
    }

    #[test]
    fn what_is_missed_is_read_soon_and_once_a_minute_at_most() {
        let mut plan = Plan::default();
        let began = Instant::now();
        plan.after_miss();
        plan.after_miss();
        let due: Vec<Instant> = plan.due.iter().copied().collect();
        assert_eq!(due.len(), 1);
        assert!(due[0] >= began + AFTER_MISS && due[0] < began + EVERY);
        plan.due.clear();
        plan.begin();
        plan.after_miss();
        let next = plan.due.first().copied();
        assert!(next >= Some(began + EVERY));
    }

    #[test]
    fn what_was_registered_is_waited_for_before_a_gap_is_closed() {
        let mut plan = Plan::default();
        plan.later();
        assert!(plan.end(Instant::now()) && plan.due.is_empty());
        plan.settle();
        let now = Instant::now();
        assert!(!plan.end(now) && !plan.end(now + SETTLE[1]));
        assert_eq!(plan.due.len(), SETTLE.len());
        assert!(plan.end(now + SETTLE[2] + EVERY) && plan.due.is_empty());
    }
}
