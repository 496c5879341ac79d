//! What a call reads, noted, so that another build can be shown the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::host::DirectoryReads;
use super::host::log::LogLevel;
use crate::journal::{StateKey, StateScope};
use crate::mailbox::{ReadAnswer, ReadRequest};
use crate::model::Name;
use crate::model::directory::ReadError;
use crate::model::event::Event;

/// Bytes that one call's notes hold; a call that reads more is not shown to another build.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Answers that they hold.
const MOST_ANSWERS: usize = 1_000;

/// An HTTP request of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpNote {
    /// Its method.
    pub method: String,
    /// Where it went, without what stands behind `?`.
    pub url: String,
    /// The answer's status, or why there is none.
    pub outcome: Result<u16, String>,
    /// How long that took.
    pub took: Duration,
}

/// What one call read. Where they are whole, what else it did on its way, too.
#[derive(Debug, Default)]
pub struct Notes {
    noted: Mutex<Noted>,
    is_whole: bool,
    http: Mutex<Vec<HttpNote>>,
    lines: Mutex<Vec<(LogLevel, String)>>,
    /// The call's own writes are on their way.
    is_committing: AtomicBool,
}

#[derive(Debug, Default)]
struct Noted {
    values: HashMap<StateKey, Option<Vec<u8>>>,
    lists: Vec<Listed>,
    answers: Vec<(ReadRequest, Result<ReadAnswer, ReadError>)>,
    bytes: usize,
    is_over: bool,
}

#[derive(Debug)]
struct Listed {
    scope: StateScope,
    prefix: String,
    after: Option<String>,
    limit: usize,
    keys: Vec<String>,
}

impl Noted {
    fn hold(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        let answers = self.values.len() + self.lists.len() + self.answers.len();
        self.is_over |= self.bytes > MOST_BYTES || answers >= MOST_ANSWERS;
        !self.is_over
    }
}

impl Notes {
    /// Notes requests and lines as well: the call is traced.
    pub fn whole() -> Self {
        Self {
            is_whole: true,
            ..Self::default()
        }
    }

    /// Tells whether requests and lines are noted.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Notes a request; the limits say how many there are at most.
    pub(super) fn note_http(&self, note: HttpNote) {
        self.http.lock().push(note);
    }

    /// Notes a line of the log; the limits say how much there is at most.
    pub(super) fn note_line(&self, level: LogLevel, text: &str) {
        self.lines.lock().push((level, text.to_owned()));
    }

    /// The requests of the call, in the order in which they ended.
    pub fn http(&self) -> Vec<HttpNote> {
        self.http.lock().clone()
    }

    /// What it wrote into its log.
    pub fn lines(&self) -> Vec<(LogLevel, String)> {
        self.lines.lock().clone()
    }

    pub(super) fn note_value(&self, key: &StateKey, value: Option<&[u8]>) {
        let mut noted = self.noted.lock();
        if noted.hold(key.key.len() + value.map_or(0, <[u8]>::len)) {
            noted.values.insert(key.clone(), value.map(<[u8]>::to_vec));
        }
    }

    pub(super) fn note_keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        keys: &[String],
    ) {
        let mut noted = self.noted.lock();
        if noted.hold(keys.iter().map(String::len).sum()) {
            noted.lists.push(Listed {
                scope: scope.clone(),
                prefix: prefix.to_owned(),
                after: after.map(str::to_owned),
                limit,
                keys: keys.to_vec(),
            });
        }
    }

    pub(super) fn note_read(&self, request: ReadRequest, answer: &Result<ReadAnswer, ReadError>) {
        // Pages are bounded by the contract; only files are large.
        let bytes = match answer {
            Ok(ReadAnswer::Attachment(chunk)) => chunk.bytes.len(),
            _ => std::mem::size_of::<ReadAnswer>(),
        };
        let mut noted = self.noted.lock();
        if noted.hold(bytes) {
            noted.answers.push((request, answer.clone()));
        }
    }

    /// The value that the call saw; none where it did not look.
    pub(super) fn value(&self, key: &StateKey) -> Option<Option<Vec<u8>>> {
        self.noted.lock().values.get(key).cloned()
    }

    /// The keys that the call saw; none where it did not look for as many.
    pub(super) fn keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Option<Vec<String>> {
        let noted = self.noted.lock();
        let found = noted.lists.iter().find(|it| {
            let is_same = it.scope == *scope && it.prefix == prefix && it.after.as_deref() == after;
            is_same && (it.keys.len() < it.limit || limit <= it.limit)
        })?;
        Some(found.keys.iter().take(limit).cloned().collect())
    }

    /// Bytes that they hold; none where the call read more than they may.
    pub(super) fn bytes(&self) -> Option<usize> {
        let noted = self.noted.lock();
        (!noted.is_over).then_some(noted.bytes)
    }

    pub(super) fn is_committing(&self) -> bool {
        self.is_committing.load(Ordering::SeqCst)
    }

    /// Notes that the call's own writes count among those that were begun.
    pub(super) fn commits(&self) {
        self.is_committing.store(true, Ordering::SeqCst);
    }
}

/// Answers what was asked and answered before, and denies all else: nothing is asked twice.
#[async_trait]
impl DirectoryReads for Notes {
    async fn read(
        &self,
        _tenant: &Name,
        _plugin: &Name,
        _event: &Arc<Event>,
        request: ReadRequest,
    ) -> Result<ReadAnswer, ReadError> {
        let noted = self.noted.lock();
        let mut answers = noted.answers.iter();
        let found = answers.find(|(asked, _)| *asked == request);
        found.map_or(Err(ReadError::Denied), |(_, answer)| answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::Read;
    use crate::model::directory::ContactStatus;
    use crate::runtime::lanes::fakes::event;

    fn scope() -> StateScope {
        StateScope {
            tenant: Name::from("default"),
            plugin: Name::from("joke"),
            scope: Name::from("p"),
        }
    }

    fn key(name: &str) -> StateKey {
        StateKey {
            scope: scope(),
            key: name.to_owned(),
        }
    }

    #[test]
    fn what_was_read_is_told_and_nothing_else() {
        let notes = Notes::default();
        notes.note_value(&key("a"), Some(b"1"));
        notes.note_value(&key("b"), None);
        notes.note_keys(&scope(), "", None, 2, &["a".to_owned(), "c".to_owned()]);
        assert_eq!(notes.value(&key("a")), Some(Some(b"1".to_vec())));
        assert_eq!(notes.value(&key("b")), Some(None));
        assert_eq!(notes.value(&key("c")), None);
        let keys = |limit| notes.keys(&scope(), "", None, limit);
        assert_eq!(keys(1), Some(vec!["a".to_owned()]));
        assert_eq!(keys(3), None, "there may be more than were seen");
        assert_eq!(notes.keys(&scope(), "a", None, 1), None);
    }

    #[tokio::test]
    async fn an_answer_is_told_again_to_whom_it_was_for() {
        let request = |by: Option<&str>| ReadRequest {
            bot: None,
            as_user: by.map(str::to_owned),
            read: Read::Contact {
                user: "eve".to_owned(),
            },
        };
        let notes = Notes::default();
        let of_ada = Ok(ReadAnswer::Contact(ContactStatus::Accepted));
        notes.note_read(request(Some("ada")), &of_ada);
        let (tenant, plugin) = (Name::from("default"), Name::from("joke"));
        let event = Arc::new(event("1", "room"));
        for (by, told) in [
            (Some("ada"), of_ada),
            (Some("grace"), Err(ReadError::Denied)),
            (None, Err(ReadError::Denied)),
        ] {
            let answer = notes.read(&tenant, &plugin, &event, request(by)).await;
            assert_eq!(answer, told, "{by:?}");
        }
    }

    #[test]
    fn notes_are_bounded() {
        let notes = Notes::default();
        notes.note_value(&key("a"), Some(&vec![0; MOST_BYTES - 1]));
        assert_eq!(notes.bytes(), Some(MOST_BYTES));
        notes.note_value(&key("b"), Some(b""));
        assert_eq!(notes.bytes(), None);
        assert_eq!(notes.value(&key("b")), None);
    }
}
