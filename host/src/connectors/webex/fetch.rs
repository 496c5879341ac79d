//! A notice becomes an event: what it names is asked for, as often as it takes, and offered until the
//! journal has it.

use std::time::Duration;

use http::{Method, StatusCode, header};

use super::WebexConnector;
use super::api::{ApiError, Body, read};
use super::convert::action::{Holds, payload_of};
use super::convert::{Known, event_of_notice, is_own, moment, user};
use super::ids::is_same;
use super::wire::{AttachmentAction, Message, Notice};
use crate::mailbox::{Intake, IntakeError, Read, ReadAnswer};
use crate::model::event::ReceivedAttachment;
use crate::model::payload::{EventPayload, FieldValue, SubmittedField};

/// The first and the longest wait before something is asked for again.
const WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How often what an event is about is asked for while Webex fails: a quarter of an hour.
const TRIES: u32 = 20;
/// … and what an event can do without.
const OPTIONAL_TRIES: u32 = 4;
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
        if is_own(&bot, notice) {
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
        self.progress.reached(reached);
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
                known.files = self.files_of(&message).await;
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
        let url = url::Url::parse(lookup).ok()?;
        let ask = || async {
            let answer = self.api.ask(Method::GET, url.clone(), Body::None).await?;
            let found: serde_json::Value = read(&answer)?;
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
            match self.patiently_asked(&ask, TRIES).await {
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
        tracing::debug!(id, "gone before it was asked for");
        None
    }

    /// Asks for what an event can do without: a few times; none where it is a refusal for good.
    pub(super) async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        self.patiently_asked(&ask, OPTIONAL_TRIES).await.ok()
    }

    /// Asks until there is an answer, so many times at most: what never succeeds must not keep what
    /// waits behind it for ever.
    async fn patiently_asked<T, F>(&self, ask: &impl Fn() -> F, tries: u32) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let (mut wait, longest) = WAIT;
        let mut failed = 0;
        loop {
            match ask().await {
                Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => {
                    self.revoked.send_replace(Some(error.to_string()));
                    // The session ends here; the notice waits for the next.
                    std::future::pending::<()>().await;
                }
                Err(error) if !error.is_final() && failed < tries => {
                    // To wait because it says so is no failure.
                    failed += u32::from(error.throttled().is_none());
                    let pause = error.throttled().unwrap_or(wait);
                    tracing::debug!(%error, ?pause, "asked again later");
                    tokio::time::sleep(pause).await;
                    wait = (wait * 2).min(longest);
                }
                ended => return ended,
            }
        }
    }

    /// The files of a message: the address is all that the message says.
    pub(super) async fn files_of(&self, message: &Message) -> Vec<ReceivedAttachment> {
        let mut files = Vec::new();
        for address in message.files.iter().take(MAX_FILES) {
            let Ok(url) = url::Url::parse(address) else {
                continue;
            };
            let told = self.api.ask(Method::HEAD, url, Body::None).await;
            let headers = told.map(|answer| answer.headers).unwrap_or_default();
            let text = |name: header::HeaderName| {
                let value = headers.get(name)?.to_str().ok()?;
                Some(value.to_owned())
            };
            let name = text(header::CONTENT_DISPOSITION).and_then(|value| file_name(&value));
            let media_type = text(header::CONTENT_TYPE);
            files.push(ReceivedAttachment {
                id: address.clone(),
                name: name.unwrap_or_else(|| "file".to_owned()),
                media_type: media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
                size: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            });
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
                        if let Ok(ReadAnswer::Conversation(place)) = self.answer(read).await {
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
        match self.answer(read).await {
            Ok(ReadAnswer::User(user)) => Some(user),
            _ => None,
        }
    }

    async fn members_named(&self, room: &str, name: &str) -> Option<crate::model::event::User> {
        let query = [("roomId", room), ("max", "100")];
        let members = self
            .api
            .list::<super::wire::Membership>(&["memberships"], &query, |_| true)
            .await
            .ok()?;
        let is_named = |text: &Option<String>| {
            let text = text.as_deref();
            text.is_some_and(|text| text.eq_ignore_ascii_case(name.trim_start_matches('@')))
        };
        let found = members.iter().find(|member| {
            is_named(&member.person_email)
                || is_named(&member.person_display_name)
                || is_same(&member.person_id, name)
        })?;
        let person = self.person(&found.person_id).await.ok().flatten();
        Some(match person {
            Some(person) => user(&person),
            None => super::convert::unknown_user(&found.person_id, found.person_email.as_deref()),
        })
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
