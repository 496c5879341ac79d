//! Builders of actions. Each returns the contract's own [`Action`]. Where a grant is named, the operator
//! must have written it into the plugin's `grants.actions`; else the whole list is refused.

use std::time::Duration;

use crate::actions::{
    Action, ActionKind, Cron, Edit, EditRule, Membership, MessageRef, Missed, NewConversation,
    NewRoom, OtherAction, React, Schedule, SetTimer, TagChat, TransferChat, TransferTarget,
    UpdateConversation,
};
use crate::content::Content;
use crate::events::PresenceStatus;

impl Action {
    /// Makes one of a kind, without key, bot and user.
    pub fn new(kind: ActionKind) -> Self {
        Self {
            key: None,
            bot: None,
            as_user: None,
            kind,
        }
    }

    /// Names it for later edits, deletes and outcomes. At most 64 bytes.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let status = Action::from(Message::reply("Working …")).key("status");
    /// assert_eq!(status.key.as_deref(), Some("status"));
    /// ```
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Says which bot performs it, by name, where the event names none.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let news = Action::from(Message::to_conversation("room:lobby", "News")).bot("desk");
    /// assert_eq!(news.bot.as_deref(), Some("desk"));
    /// ```
    #[must_use]
    pub fn bot(mut self, name: impl Into<String>) -> Self {
        self.bot = Some(name.into());
        self
    }

    /// Performs it on behalf of a user, by id or user name. Grant `as-user`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let signed = Action::from(Message::reply("Approved")).as_user("ada");
    /// assert_eq!(signed.as_user.as_deref(), Some("ada"));
    /// ```
    #[must_use]
    pub fn as_user(mut self, user: impl Into<String>) -> Self {
        self.as_user = Some(user.into());
        self
    }

    /// Says which conversation, by id, where that is not the event's: of a join, leave, invite, remove,
    /// promote, demote, update, transfer, close or tag. Of other actions it changes nothing.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let end = Action::close().in_conversation("chat:carol");
    /// # let _ = end;
    /// ```
    #[must_use]
    pub fn in_conversation(mut self, id: impl Into<String>) -> Self {
        let id = Some(id.into());
        match &mut self.kind {
            ActionKind::Join(conversation)
            | ActionKind::Leave(conversation)
            | ActionKind::Close(conversation) => *conversation = id,
            ActionKind::Invite(member)
            | ActionKind::Remove(member)
            | ActionKind::Promote(member)
            | ActionKind::Demote(member) => member.conversation = id,
            ActionKind::UpdateConversation(update) => update.conversation = id,
            ActionKind::Transfer(transfer) => transfer.conversation = id,
            ActionKind::Tag(tag) => tag.conversation = id,
            _ => {}
        }
        self
    }

    /// Changes an own message; where the platform will not, sends it anew, at most once a minute, with
    /// `Updated:` or the operator's own words before it. Edits of one message that wait come to the last.
    /// Grant `edit` where the plugin did not send it.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let done = Action::edit(MessageRef::by_key("status"), "Done");
    /// # let _ = done;
    /// ```
    pub fn edit(message: MessageRef, content: impl Into<Content>) -> Self {
        Self::edit_or(message, content, EditRule::Repost)
    }

    /// Changes an own message, with what to do where the platform will not.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let done = Action::edit_or(MessageRef::by_key("status"), "Done", EditRule::Skip);
    /// # let _ = done;
    /// ```
    pub fn edit_or(message: MessageRef, content: impl Into<Content>, otherwise: EditRule) -> Self {
        let content = content.into();
        Self::new(ActionKind::Edit(Edit {
            message,
            content,
            otherwise,
        }))
    }

    /// Takes a message away: an own one, or another's where the bot may, with the grant `delete`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let gone = Action::delete(MessageRef::by_key("status"));
    /// # let _ = gone;
    /// ```
    pub fn delete(message: MessageRef) -> Self {
        Self::new(ActionKind::Delete(message))
    }

    /// Puts an emoji on a message; a shortcode without colons. Grant `react`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let seen = Action::react(MessageRef::by_id("message-7"), "eyes");
    /// # let _ = seen;
    /// ```
    pub fn react(message: MessageRef, emoji: impl Into<String>) -> Self {
        Self::new(ActionKind::React(React {
            message,
            emoji: emoji.into(),
            add: true,
        }))
    }

    /// Takes an emoji off a message. Grant `react`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let unseen = Action::unreact(MessageRef::by_id("message-7"), "eyes");
    /// # let _ = unseen;
    /// ```
    pub fn unreact(message: MessageRef, emoji: impl Into<String>) -> Self {
        Self::new(ActionKind::React(React {
            message,
            emoji: emoji.into(),
            add: false,
        }))
    }

    /// Shows or hides that the bot is typing in the event's conversation. Grant `typing`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let busy = Reply::from(Action::typing(true)).and("Here you are.").and(Action::typing(false));
    /// assert_eq!(busy.actions().len(), 3);
    /// ```
    pub fn typing(on: bool) -> Self {
        Self::new(ActionKind::Typing(on))
    }

    /// Goes into the event's conversation.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let visit = Reply::from(Action::join()).and("Hello!").and(Action::leave());
    /// assert_eq!(visit.actions().len(), 3);
    /// ```
    pub fn join() -> Self {
        Self::new(ActionKind::Join(None))
    }

    /// Goes into a conversation, by id. Grant `join`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let go = Action::join_conversation("chat:carol");
    /// # let _ = go;
    /// ```
    pub fn join_conversation(id: impl Into<String>) -> Self {
        Self::new(ActionKind::Join(Some(id.into())))
    }

    /// Goes out of the event's conversation, if a join of this plugin brought the bot in.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let visit = Reply::from(Action::join()).and("Hello!").and(Action::leave());
    /// # let _ = visit;
    /// ```
    pub fn leave() -> Self {
        Self::new(ActionKind::Leave(None))
    }

    /// Goes out of a conversation, by id, if a join of this plugin brought the bot in.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let go = Action::leave_conversation("chat:carol");
    /// # let _ = go;
    /// ```
    pub fn leave_conversation(id: impl Into<String>) -> Self {
        Self::new(ActionKind::Leave(Some(id.into())))
    }

    /// Brings a user into the event's conversation. Grant `invite`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let come = Action::invite("ada").in_conversation("room:incident-7");
    /// # let _ = come;
    /// ```
    pub fn invite(user: impl Into<String>) -> Self {
        Self::new(ActionKind::Invite(member(user)))
    }

    /// Takes a user out of the event's conversation. Grant `remove`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let out = Action::remove("mallory");
    /// # let _ = out;
    /// ```
    pub fn remove(user: impl Into<String>) -> Self {
        Self::new(ActionKind::Remove(member(user)))
    }

    /// Makes a user an owner of the event's conversation. Grant `promote`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let lead = Action::promote("ada");
    /// # let _ = lead;
    /// ```
    pub fn promote(user: impl Into<String>) -> Self {
        Self::new(ActionKind::Promote(member(user)))
    }

    /// Makes an owner of the event's conversation a member. Grant `demote`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let member = Action::demote("ada");
    /// # let _ = member;
    /// ```
    pub fn demote(user: impl Into<String>) -> Self {
        Self::new(ActionKind::Demote(member(user)))
    }

    /// Makes a direct conversation with a user, by id. Grant `create-conversation`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let talk = Action::create_direct("ada").key("talk");
    /// # let _ = talk;
    /// ```
    pub fn create_direct(user: impl Into<String>) -> Self {
        Self::new(ActionKind::CreateConversation(NewConversation::Direct(
            user.into(),
        )))
    }

    /// Makes a room. Grant `create-conversation`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// use parlor_sdk::actions::NewRoom;
    ///
    /// // Its id comes with `action-done`, under this key.
    /// let room = Action::create_room(NewRoom::named("Incident 7").member("ada")).key("incident-7");
    /// # let _ = room;
    /// ```
    pub fn create_room(room: NewRoom) -> Self {
        Self::new(ActionKind::CreateConversation(NewConversation::Room(room)))
    }

    /// Changes a conversation; what is absent stays. Grant `update-conversation`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// use parlor_sdk::actions::UpdateConversation;
    ///
    /// let solved = Action::update_conversation(UpdateConversation::new().name("Incident 7, solved"));
    /// # let _ = solved;
    /// ```
    pub fn update_conversation(changes: UpdateConversation) -> Self {
        Self::new(ActionKind::UpdateConversation(changes))
    }

    /// Accepts a contact request, by user id. Grant `accept-contact`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let yes = Action::accept_contact("ada");
    /// # let _ = yes;
    /// ```
    pub fn accept_contact(user: impl Into<String>) -> Self {
        Self::new(ActionKind::AcceptContact(user.into()))
    }

    /// Rejects a contact request, by user id. Grant `reject-contact`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let no = Action::reject_contact("mallory");
    /// # let _ = no;
    /// ```
    pub fn reject_contact(user: impl Into<String>) -> Self {
        Self::new(ActionKind::RejectContact(user.into()))
    }

    /// Asks a user to be a contact, by user id. Grant `request-contact`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let ask = Action::request_contact("ada");
    /// # let _ = ask;
    /// ```
    pub fn request_contact(user: impl Into<String>) -> Self {
        Self::new(ActionKind::RequestContact(user.into()))
    }

    /// Ends a contact, by user id. Grant `remove-contact`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let end = Action::remove_contact("ada");
    /// # let _ = end;
    /// ```
    pub fn remove_contact(user: impl Into<String>) -> Self {
        Self::new(ActionKind::RemoveContact(user.into()))
    }

    /// Says whether the bot is there. Grant `set-presence`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// use parlor_sdk::events::PresenceStatus;
    ///
    /// let away = Action::set_presence(PresenceStatus::Away);
    /// # let _ = away;
    /// ```
    pub fn set_presence(status: PresenceStatus) -> Self {
        Self::new(ActionKind::SetPresence(status))
    }

    /// Hands the event's customer chat to a group, by id. Grant `transfer`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let sales = Reply::from("One moment, please.").and(Action::transfer_to_group("sales"));
    /// # let _ = sales;
    /// ```
    pub fn transfer_to_group(id: impl Into<String>) -> Self {
        Self::transfer(TransferTarget::Group(id.into()))
    }

    /// Hands the event's customer chat to an agent, by id. Grant `transfer`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let ada = Action::transfer_to_agent("ada");
    /// # let _ = ada;
    /// ```
    pub fn transfer_to_agent(id: impl Into<String>) -> Self {
        Self::transfer(TransferTarget::Agent(id.into()))
    }

    /// Hands the event's customer chat on. Grant `transfer`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// use parlor_sdk::actions::TransferTarget;
    ///
    /// let sales = Action::transfer(TransferTarget::Group("sales".into()));
    /// # let _ = sales;
    /// ```
    pub fn transfer(to: TransferTarget) -> Self {
        Self::new(ActionKind::Transfer(TransferChat {
            conversation: None,
            to,
        }))
    }

    /// Ends the event's customer chat. Grant `close`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let bye = Reply::from("Good-bye!").and(Action::close());
    /// # let _ = bye;
    /// ```
    pub fn close() -> Self {
        Self::new(ActionKind::Close(None))
    }

    /// Puts a tag on the event's customer chat. Grant `tag`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let vip = Action::tag("vip");
    /// # let _ = vip;
    /// ```
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::new(ActionKind::Tag(TagChat {
            conversation: None,
            tag: tag.into(),
            add: true,
        }))
    }

    /// Takes a tag off the event's customer chat. Grant `tag`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let plain = Action::untag("vip");
    /// # let _ = plain;
    /// ```
    pub fn untag(tag: impl Into<String>) -> Self {
        Self::new(ActionKind::Tag(TagChat {
            conversation: None,
            tag: tag.into(),
            add: false,
        }))
    }

    /// Sets a timer; one of the same name in the same conversation is replaced. At most 10,000 a
    /// plugin; the payload has at most 64 KiB. After a stop of the host it fires once.
    /// [`Timer`](crate::Timer) builds the same step by step.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// let tea = Action::set_timer("tea", Schedule::After(240_000), "Tea is ready");
    /// assert_eq!(tea, Timer::new("tea", Schedule::After(240_000)).payload("Tea is ready").into());
    /// ```
    pub fn set_timer(
        name: impl Into<String>,
        schedule: Schedule,
        payload: impl Into<String>,
    ) -> Self {
        let (name, payload) = (name.into(), payload.into());
        Self::new(ActionKind::SetTimer(SetTimer {
            name,
            schedule,
            missed: Missed::Once,
            payload,
        }))
    }

    /// Sets a timer, with what becomes of a firing missed during a stop of the host.
    pub fn set_timer_with(timer: SetTimer) -> Self {
        Self::new(ActionKind::SetTimer(timer))
    }

    /// Ends a timer of the event's conversation, by name.
    pub fn cancel_timer(name: impl Into<String>) -> Self {
        Self::new(ActionKind::CancelTimer(name.into()))
    }

    /// Asks for an action of one platform; its settings are JSON text. Grant `other`.
    ///
    /// ```
    /// # use parlor_sdk::prelude::*;
    /// let poke = Action::other("local", "poke", r#"{"who":"ada"}"#);
    /// # let _ = poke;
    /// ```
    pub fn other(
        platform: impl Into<String>,
        name: impl Into<String>,
        json: impl Into<String>,
    ) -> Self {
        let (platform, name, json) = (platform.into(), name.into(), json.into());
        Self::new(ActionKind::Other(OtherAction {
            platform,
            name,
            json,
        }))
    }
}

impl Schedule {
    /// Makes one that fires once, after a pause.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlor_sdk::prelude::*;
    ///
    /// assert_eq!(Schedule::after_duration(Duration::from_secs(2)), Schedule::After(2_000));
    /// ```
    pub fn after_duration(pause: Duration) -> Self {
        Self::After(millis(pause))
    }

    /// Makes one that fires again and again, at least 1 s apart.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlor_sdk::prelude::*;
    ///
    /// assert_eq!(Schedule::every_duration(Duration::from_secs(60)), Schedule::Every(60_000));
    /// ```
    pub fn every_duration(period: Duration) -> Self {
        Self::Every(millis(period))
    }

    /// Makes one of a cron rule of five fields in an IANA time zone: minute, hour, day of month,
    /// month, day of week. Lists, ranges, steps and names of months and days are known; where day
    /// and weekday are both given, either is enough.
    ///
    /// A rule for certain hours fires once for each time of day that it names, also where the clocks
    /// change. What falls into an hour that is left out fires at the first moment after it: half
    /// past two at three. What comes twice fires the first time only. A rule for every hour (`*`)
    /// goes on through both changes, minute by minute.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// let every_quarter = Schedule::cron("*/15 * * * *", "UTC");
    /// let weekdays_at_nine = Schedule::cron("0 9 * * mon-fri", "Europe/Berlin");
    /// ```
    pub fn cron(expression: impl Into<String>, time_zone: impl Into<String>) -> Self {
        Self::Cron(Cron {
            expression: expression.into(),
            time_zone: time_zone.into(),
        })
    }
}

fn member(user: impl Into<String>) -> Membership {
    Membership {
        conversation: None,
        user: user.into(),
    }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
