//! A guest that acts as it is told, somebody who tells it, and somebody else who looks on.

use parlor_host::mailbox::rooms::{Change, Command, RoomInfo, RoomMember, Rooms as _, View};
use parlor_host::model::grants::{ACTION_GRANTS, READ_GRANTS};
use parlor_host::model::payload::PresenceStatus;

use crate::guests;
use crate::harness::{BOT, TestHost, TestHostParts};

/// Who tells the guest what to do.
pub const TELLER: &str = "ada";
/// Who looks on.
pub const ONLOOKER: &str = "bob";

/// A host with guests, and what the onlooker has seen.
pub struct Stage {
    /// The host.
    pub host: TestHost,
    /// The room where the guest is told what to do.
    pub lobby: String,
    view: View,
}

impl Stage {
    /// Loads a guest with every grant.
    ///
    /// # Panics
    /// When the host does not start or the guest is refused.
    pub async fn new(guest: &str) -> Self {
        Self::with(guest, &all_grants(), TestHostParts::default()).await
    }

    /// Loads a guest with these settings of its own, on a host of these parts.
    ///
    /// # Panics
    /// When the host does not start or the guest is refused.
    pub async fn with(guest: &str, settings: &str, parts: TestHostParts) -> Self {
        Self::on(TestHost::start(parts).await, guest, settings).await
    }

    /// Loads a guest with these settings of its own on a host.
    ///
    /// # Panics
    /// When the guest is refused.
    pub async fn on(host: TestHost, guest: &str, settings: &str) -> Self {
        host.load(guest, guests::bytes(guest), Some(settings)).await;
        assert_eq!(host.row(guest).last_error, None, "{guest} is refused");
        let lobby = host.room(TELLER, "Lobby").await;
        host.room(ONLOOKER, "Lobby").await;
        let (_, view) = host
            .host()
            .hub()
            .view(ONLOOKER)
            .expect("the onlooker can look");
        Self { host, lobby, view }
    }

    /// Says something in a conversation and waits until it is answered.
    pub async fn tell_in(&self, user: &str, conversation: &str, text: &str) {
        self.host.say(user, conversation, text).await;
        self.host.idle().await;
    }

    /// Says something in the lobby and waits until it is answered.
    pub async fn tell(&self, text: &str) {
        self.tell_in(TELLER, &self.lobby, text).await;
    }

    /// What the guest has heard of its actions since this was asked last: `name: outcome`, a line each.
    ///
    /// # Panics
    /// When the guest does not answer.
    pub async fn outcomes(&self) -> Vec<String> {
        let told = self.host.ask("/outcomes").await;
        let [told] = told.as_slice() else {
            panic!("one answer: {told:?}");
        };
        told.lines().map(str::to_owned).collect()
    }

    /// Has the guest act, and gives the outcome that it hears.
    ///
    /// # Panics
    /// When it hears of none, or of several.
    pub async fn act(&self, command: &str) -> String {
        self.tell(&format!("/do {command}")).await;
        let outcomes = self.outcomes().await;
        assert_eq!(outcomes.len(), 1, "{command}: {outcomes:?}");
        outcomes[0].clone()
    }

    /// What the onlooker has seen of the bot's doing since this was asked last.
    ///
    /// # Panics
    /// When changes were lost.
    pub fn seen(&mut self) -> Vec<Change> {
        let mut seen = Vec::new();
        while let Some(event) = self.view.try_next().expect("nothing is lost") {
            if &*event.by == BOT {
                seen.push(event.change.clone());
            }
        }
        seen
    }

    /// Opens the chat of a customer, without the bot; its id.
    ///
    /// # Panics
    /// When the platform refuses it.
    pub async fn chat(&self, customer: &str) -> String {
        let open = Command::OpenChat {
            customer: customer.to_owned(),
        };
        let done = self.host.act(customer, open).await.expect("a chat opens");
        self.host.idle().await;
        done.conversation.expect("a chat has an id").to_string()
    }

    /// Says whether somebody is there.
    ///
    /// # Panics
    /// When the platform refuses it.
    pub async fn be(&self, user: &str, status: PresenceStatus) {
        let command = Command::SetPresence { status };
        let done = self.host.act(user, command).await;
        done.expect("anybody may be there");
        self.host.idle().await;
    }

    /// What the bot says in a conversation, as somebody sees it, oldest first.
    pub fn texts(&self, user: &str, conversation: &str) -> Vec<String> {
        let messages = self.host.answers(user, conversation);
        messages
            .iter()
            .map(|message| message.text.clone())
            .collect()
    }

    /// A conversation as somebody sees it: its settings and who is there. None where they do not see it.
    ///
    /// # Panics
    /// When the user cannot look.
    pub fn room_of(&self, user: &str, conversation: &str) -> Option<(RoomInfo, Vec<RoomMember>)> {
        let (snapshot, _) = self.host.host().hub().view(user).expect("a user can look");
        let mut rooms = snapshot.rooms.into_iter();
        let room = rooms.find(|view| *view.room.id == *conversation)?;
        Some(((*room.room).clone(), room.members))
    }

    /// Tells whether somebody is in a conversation, as the onlooker sees it.
    pub fn is_in(&self, user: &str, conversation: &str) -> bool {
        self.room_of(ONLOOKER, conversation)
            .is_some_and(|(_, members)| members.iter().any(|member| &*member.user.id == user))
    }
}

/// The message that an outcome names.
///
/// # Panics
/// When it names none.
pub fn message_in(outcome: &str) -> String {
    named_in(outcome, "message")
}

/// The conversation that an outcome names.
///
/// # Panics
/// When it names none.
pub fn conversation_in(outcome: &str) -> String {
    named_in(outcome, "conversation")
}

fn named_in(outcome: &str, what: &str) -> String {
    let begin = format!("{what}=Some(\"");
    let id = outcome.split(&begin).nth(1);
    let id = id.and_then(|rest| rest.split('"').next());
    id.unwrap_or_else(|| panic!("no {what}: {outcome}"))
        .to_owned()
}

/// Settings that grant every action and every read.
pub fn all_grants() -> String {
    let list = |names: &[(&str, &str)]| {
        let names: Vec<String> = names.iter().map(|(name, _)| format!("{name:?}")).collect();
        names.join(", ")
    };
    format!(
        "grants.actions = [{}]\ngrants.reads = [{}]\n",
        list(&ACTION_GRANTS),
        list(&READ_GRANTS)
    )
}
