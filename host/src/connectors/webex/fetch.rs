//! A notice becomes an event: what it names is asked for, as often as it takes, and offered until the
//! journal has it.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use tokio::time::Instant;

use super::WebexConnector;
use super::api::{ApiError, Body};
use super::convert::action::{Holds, payload_of};
use super::convert::{Known, event_of_notice, is_own, moment, user};
use super::ids::is_same;
use super::wire::{AttachmentAction, Membership, Message, Notice};
use crate::mailbox::{Intake, IntakeError, Read, ReadAnswer};
use crate::model::directory::ReadError;
use crate::model::event::ReceivedAttachment;
use crate::model::payload::{EventPayload, FieldValue, SubmittedField};

/// The first and the longest wait before something is asked for again.
const WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How often what an event is about is asked for while Webex fails: a quarter of an hour.
const TRIES: u32 = 20;
/// … and while its answers cannot be read: what never can be must not keep a conversation so long.
const NONSENSE_TRIES: u32 = 5;
/// … and what an event can do without, and how long that is waited for where Webex says when to come.
const OPTIONAL_TRIES: u32 = 4;
const OPTIONAL_TIME: Duration = Duration::from_secs(60);
/// How long the files of a message are waited for that are looked at for viruses still.
const FILES_TIME: Duration = Duration::from_secs(120);
/// The first and the longest wait while intake pauses.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often a message that is not there is asked for again: the API lags behind its webhooks
/// (webex.md §4.7).
const LAGS: u32 = 3;
/// The wait before that.
const LAG: Duration = Duration::from_millis(700);
/// Files of one message that are looked at.
const MAX_FILES: usize = 20;

impl WebexConnector {
    /// Tells the journal of a notice; resolves when it has it, or when there is nothing to tell.
    ///
    /// # Errors
    /// The host takes no more.
    pub(super) async fn tell(
        &self,
        notice: &Notice,
        intake: &dyn Intake,
    ) -> Result<(), IntakeError> {
        let bot = self.bot_now();
        let is_new = (notice.resource.as_str(), notice.event.as_str()) == ("messages", "created");
        // Told again, or read back while it was told: the journal has it.
        let is_known = is_new && self.kept.heard.knows(&notice.data.id);
        if is_known || is_own(&bot, notice) {
            return Ok(());
        }
        let mut notice = notice.clone();
        let Some(known) = self.known_of(&mut notice).await else {
            return Ok(());
        };
        // A socket says who spoke only with the message.
        if is_own(&bot, &notice) {
            return Ok(());
        }
        let at = moment(notice.data.created.as_deref());
        let message = known.message.as_ref().map(|message| message.id.clone());
        let incoming = event_of_notice(&self.tenant, &bot, &notice, known);
        let reached = incoming.event.occurred_at.max(at);
        let (mut pause, longest) = PAUSE;
        loop {
            match intake.take(incoming.clone()).await {
                Ok(_) => break,
                Err(IntakeError::Stopping) => return Err(IntakeError::Stopping),
                Err(IntakeError::Paused(why)) => {
                    tracing::debug!(why, "intake pauses");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
            }
        }
        if let Some(message) = message.filter(|_| is_new) {
            self.kept.heard.note(&message);
        }
        self.kept.progress.reached(reached);
        Ok(())
    }

    /// What is known of a notice; none where what it names is gone or none of the bot's business.
    async fn known_of(&self, notice: &mut Notice) -> Option<Known> {
        let mut known = Known {
            own_names: self.own_names(),
            ..Known::default()
        };
        match (notice.resource.as_str(), notice.event.as_str()) {
            ("messages", "created" | "updated") => {
                let message = self.message_of(notice).await?;
                notice.data.room_id = Some(message.room_id.clone());
                notice.data.person_id = Some(message.person_id.clone());
                notice.actor_id = Some(message.person_id.clone());
                let until = Instant::now() + FILES_TIME;
                known.files = self.files_of(&message, Some(until)).await;
                known.message = Some(message);
            }
            ("attachmentActions", "created") => {
                let action = self.action_of(notice).await?;
                notice.data.id.clone_from(&action.id);
                notice.data.room_id = Some(action.room_id.clone());
                notice.data.created.clone_from(&action.created);
                notice.actor_id = Some(action.person_id.clone());
                known.payload = Some(self.payload_of(&action).await);
            }
            ("rooms", _) => self.directory.forget_room(&notice.data.id),
            ("memberships", _) => {
                let about = notice.data.person_id.clone();
                if let Some(about) = about
                    && notice.data.person_display_name.is_none()
                {
                    known.about = self.patiently(|| self.person(&about)).await.flatten();
                }
            }
            _ => {}
        }
        let actor = notice.actor_id.clone().or(notice.data.person_id.clone());
        if let Some(actor) = actor {
            known.actor = self.patiently(|| self.person(&actor)).await.flatten();
        }
        let room = match notice.resource.as_str() {
            "rooms" => Some(notice.data.id.clone()),
            _ => notice.data.room_id.clone(),
        };
        if let Some(room) = room {
            known.room = self.patiently(|| self.room(&room)).await.flatten();
        }
        Some(known)
    }

    async fn message_of(&self, notice: &Notice) -> Option<Message> {
        if let Some(message) = &notice.message {
            return Some((**message).clone());
        }
        let id = self.id_of(notice).await?;
        let ask = || async { self.api.get::<Message>(&["messages", &id], &[]).await };
        self.after_a_lag(&id, ask).await
    }

    async fn action_of(&self, notice: &Notice) -> Option<AttachmentAction> {
        let id = self.id_of(notice).await?;
        let ask = || async {
            let path = ["attachment", "actions", &*id];
            self.api.get::<AttachmentAction>(&path, &[]).await
        };
        self.after_a_lag(&id, ask).await
    }

    /// The id as the API has it: a socket gives an address where it is told.
    async fn id_of(&self, notice: &Notice) -> Option<String> {
        let Some(lookup) = &notice.lookup else {
            return Some(notice.data.id.clone());
        };
        let url = match url::Url::parse(lookup) {
            Ok(url) => url,
            Err(error) => {
                tracing::error!(bot = self.name(), lookup, %error, "an event is lost: it cannot be asked for");
                return None;
            }
        };
        let ask = || async {
            let (found, _): (serde_json::Value, _) = self.api.get_at(&url).await?;
            match found["id"].as_str() {
                Some(id) => Ok(id.to_owned()),
                None => Err(ApiError::Nonsense("no id".to_owned())),
            }
        };
        self.after_a_lag(&notice.data.id, ask).await
    }

    /// Asks until there is an answer. What is not there is asked for a few times more.
    async fn after_a_lag<T, F>(&self, id: &str, ask: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        for _ in 0..LAGS {
            match self.patiently_asked(&ask, TRIES, None).await {
                Ok(found) => return Some(found),
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                    tokio::time::sleep(LAG).await;
                }
                Err(error) => {
                    tracing::error!(bot = self.name(), id, %error, "an event is lost: what it is about cannot be had");
                    return None;
                }
            }
        }
        tracing::info!(bot = self.name(), id, "gone before it was asked for");
        None
    }

    /// Asks for what an event can do without: a few times, for a while; none where it is a refusal for
    /// good.
    pub(super) async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let until = Instant::now() + OPTIONAL_TIME;
        let asked = self.patiently_asked(&ask, OPTIONAL_TRIES, Some(until));
        match asked.await {
            Ok(found) => Some(found),
            Err(error) => {
                tracing::warn!(bot = self.name(), %error, "an event says less: Webex does not tell");
                None
            }
        }
    }

    /// Asks until there is an answer, so many times at most: what never succeeds must not keep what
    /// waits behind it for ever. To wait because Webex says so is no failure, up to a moment.
    async fn patiently_asked<T, F>(
        &self,
        ask: &impl Fn() -> F,
        tries: u32,
        until: Option<Instant>,
    ) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let (mut wait, longest) = WAIT;
        let mut failed = 0;
        loop {
            let error = match ask().await {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            if error.status() == Some(StatusCode::UNAUTHORIZED) {
                self.revoked.send_replace(Some(error.to_string()));
                // The session ends here; the notice waits for the next.
                std::future::pending::<()>().await;
            }
            let most = match error {
                ApiError::Nonsense(_) => tries.min(NONSENSE_TRIES),
                _ => tries,
            };
            let pause = error.throttled().unwrap_or(wait);
            let is_over = until.is_some_and(|until| Instant::now() + pause > until);
            if error.is_final() || failed >= most || is_over {
                return Err(error);
            }
            failed += u32::from(error.throttled().is_none());
            tracing::debug!(%error, ?pause, "asked again later");
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(longest);
        }
    }

    /// The files of a message: the address is all that the message says. One that is looked at for
    /// viruses still tells nothing of itself yet: it is asked again until then, or not at all.
    pub(super) async fn files_of(
        &self,
        message: &Message,
        until: Option<Instant>,
    ) -> Vec<ReceivedAttachment> {
        let mut files = Vec::new();
        for address in message.files.iter().take(MAX_FILES) {
            let Ok(url) = url::Url::parse(address) else {
                tracing::warn!(
                    bot = self.name(),
                    message = message.id,
                    "a file without an address"
                );
                continue;
            };
            let ask = || async {
                let answer = self.api.ask(Method::HEAD, url.clone(), Body::None).await?;
                Ok(answer.headers)
            };
            let told = match until {
                Some(_) => self.patiently_asked(&ask, OPTIONAL_TRIES, until).await,
                None => ask().await,
            };
            let headers = told.unwrap_or_else(|error| {
                tracing::warn!(bot = self.name(), message = message.id, %error, "a file's name, kind and size are not known");
                HeaderMap::new()
            });
            files.push(received_of(address, &headers));
        }
        files
    }

    /// What a press comes to, with the people and spaces that somebody wrote by name.
    async fn payload_of(&self, action: &AttachmentAction) -> EventPayload {
        let (mut payload, names) = payload_of(action);
        let EventPayload::FormSubmitted(submitted) = &mut payload else {
            return payload;
        };
        for lookup in names {
            let mut value = match lookup.kind {
                Holds::Users => FieldValue::Users(Vec::new()),
                _ => FieldValue::Conversations(Vec::new()),
            };
            for name in &lookup.names {
                match &mut value {
                    FieldValue::Users(users) => {
                        if let Some(person) = self.named(name, &action.room_id).await {
                            users.push(person);
                            continue;
                        }
                    }
                    FieldValue::Conversations(found) => {
                        let read = Read::FindConversation { name: name.clone() };
                        let answer = self.answered(read).await;
                        if let Some(ReadAnswer::Conversation(place)) = answer {
                            found.push(place.id);
                            continue;
                        }
                    }
                    _ => {}
                }
                // Whom nobody knows stays a text, and the form's own sentence says so.
                value = FieldValue::Choices(lookup.names.clone());
                break;
            }
            let is_it = |field: &&mut SubmittedField| field.id == lookup.field;
            if let Some(field) = submitted.values.iter_mut().find(is_it) {
                field.value = value;
            }
        }
        payload
    }

    /// Somebody by address, id or name, of those who are there first.
    async fn named(&self, name: &str, room: &str) -> Option<crate::model::event::User> {
        let members = self.members_named(room, name).await;
        if let Some(person) = members {
            return Some(person);
        }
        let read = Read::FindUser {
            name: name.to_owned(),
        };
        match self.answered(read).await? {
            ReadAnswer::User(user) => Some(user),
            _ => None,
        }
    }

    /// What Webex answers to a read, asked for again while it fails: that it fails does not say that
    /// somebody is unknown.
    async fn answered(&self, read: Read) -> Option<ReadAnswer> {
        let until = Instant::now() + OPTIONAL_TIME;
        let (mut wait, longest) = WAIT;
        loop {
            let (pause, error) = match self.answer(read.clone()).await {
                Ok(answer) => return Some(answer),
                Err(ReadError::Throttled(ms)) => {
                    (Duration::from_millis(ms), "throttled".to_owned())
                }
                Err(ReadError::Failed(error)) => (wait, error),
                Err(ReadError::Denied | ReadError::NotFound | ReadError::Unsupported) => {
                    return None;
                }
            };
            if Instant::now() + pause > until {
                tracing::warn!(
                    bot = self.name(),
                    error,
                    "a name in a form is not looked up"
                );
                return None;
            }
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(longest);
        }
    }

    async fn members_named(&self, room: &str, name: &str) -> Option<crate::model::event::User> {
        let query = [("roomId", room), ("max", "100")];
        let ask = || {
            let all = |_: &[Membership]| true;
            self.api.list(&["memberships"], &query, all)
        };
        let members = self.patiently(ask).await?;
        let is_named = |text: &Option<String>| {
            let text = text.as_deref();
            text.is_some_and(|text| text.eq_ignore_ascii_case(name.trim_start_matches('@')))
        };
        let found = members.iter().find(|member| {
            is_named(&member.person_email)
                || is_named(&member.person_display_name)
                || is_same(&member.person_id, name)
        })?;
        let person = self
            .patiently(|| self.person(&found.person_id))
            .await
            .flatten();
        Some(match person {
            Some(person) => user(&person),
            None => super::convert::unknown_user(&found.person_id, found.person_email.as_deref()),
        })
    }
}

/// A file by its address and what was told of it.
fn received_of(address: &str, headers: &HeaderMap) -> ReceivedAttachment {
    let text = |name: header::HeaderName| {
        let value = headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let name = text(header::CONTENT_DISPOSITION).and_then(|value| file_name(&value));
    let media_type = text(header::CONTENT_TYPE);
    ReceivedAttachment {
        id: address.to_owned(),
        name: name.unwrap_or_else(|| "file".to_owned()),
        media_type: media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
    }
}

/// The name of a file, without a way to anywhere.
fn file_name(disposition: &str) -> Option<String> {
    let at = disposition.find("filename=")? + "filename=".len();
    let rest = &disposition[at..];
    let name = match rest.strip_prefix('"') {
        Some(rest) => rest.split('"').next()?,
        None => rest.split(';').next()?,
    };
    let name = name.rsplit(['/', '\\']).next()?;
    let name: String = name.chars().filter(|sign| !sign.is_control()).collect();
    let name = name.trim().trim_start_matches('.').to_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_file_s_name_leads_nowhere() {
        let name = |value: &str| file_name(value);
        assert_eq!(
            name("attachment; filename=\"a b.png\"").as_deref(),
            Some("a b.png")
        );
        assert_eq!(
            name("attachment; filename=a.png; x=1").as_deref(),
            Some("a.png")
        );
        assert_eq!(
            name("attachment; filename=\"../../etc/passwd\"").as_deref(),
            Some("passwd")
        );
        assert_eq!(
            name("attachment; filename=\"..\\.hidden\"").as_deref(),
            Some("hidden")
        );
        assert_eq!(name("attachment"), None);
    }
}
