//! Builders of actions. Each returns the contract's own [`Action`].

use std::time::Duration;

use crate::actions::{
    Action, ActionKind, Cron, Edit, EditRule, Membership, MessageRef, Missed, NewConversation,
    NewRoom, OtherAction, React, Schedule, SetTimer, TagChat, TransferChat, TransferTarget,
    UpdateConversation,
};
use crate::content::Content;
use crate::events::{Header, PresenceStatus};

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
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Says which bot performs it, by name, where the event names none.
    #[must_use]
    pub fn bot(mut self, name: impl Into<String>) -> Self {
        self.bot = Some(name.into());
        self
    }

    /// Performs it on behalf of a user, by id or user name. A grant.
    #[must_use]
    pub fn as_user(mut self, user: impl Into<String>) -> Self {
        self.as_user = Some(user.into());
        self
    }

    /// Changes an own message; where the platform will not, sends it anew.
    pub fn edit(message: MessageRef, content: impl Into<Content>) -> Self {
        Self::edit_or(message, content, EditRule::Repost)
    }

    /// Changes an own message, with what to do where the platform will not.
    pub fn edit_or(message: MessageRef, content: impl Into<Content>, otherwise: EditRule) -> Self {
        let content = content.into();
        Self::new(ActionKind::Edit(Edit {
            message,
            content,
            otherwise,
        }))
    }

    /// Takes a message away: an own one, or another's where the bot may.
    pub fn delete(message: MessageRef) -> Self {
        Self::new(ActionKind::Delete(message))
    }

    /// Puts an emoji on a message; a shortcode without colons.
    pub fn react(message: MessageRef, emoji: impl Into<String>) -> Self {
        Self::new(ActionKind::React(React {
            message,
            emoji: emoji.into(),
            add: true,
        }))
    }

    /// Takes an emoji off a message.
    pub fn unreact(message: MessageRef, emoji: impl Into<String>) -> Self {
        Self::new(ActionKind::React(React {
            message,
            emoji: emoji.into(),
            add: false,
        }))
    }

    /// Shows or hides that the bot is typing in the event's conversation.
    pub fn typing(on: bool) -> Self {
        Self::new(ActionKind::Typing(on))
    }

    /// Goes into the event's conversation.
    pub fn join() -> Self {
        Self::new(ActionKind::Join(None))
    }

    /// Goes into a conversation, by id. A grant.
    pub fn join_conversation(id: impl Into<String>) -> Self {
        Self::new(ActionKind::Join(Some(id.into())))
    }

    /// Goes out of the event's conversation, if a join of this plugin brought the bot in.
    pub fn leave() -> Self {
        Self::new(ActionKind::Leave(None))
    }

    /// Goes out of a conversation, by id, if a join of this plugin brought the bot in.
    pub fn leave_conversation(id: impl Into<String>) -> Self {
        Self::new(ActionKind::Leave(Some(id.into())))
    }

    /// Brings a user into the event's conversation. A grant.
    pub fn invite(user: impl Into<String>) -> Self {
        Self::new(ActionKind::Invite(member(user)))
    }

    /// Takes a user out of the event's conversation. A grant.
    pub fn remove(user: impl Into<String>) -> Self {
        Self::new(ActionKind::Remove(member(user)))
    }

    /// Makes a user an owner of the event's conversation. A grant.
    pub fn promote(user: impl Into<String>) -> Self {
        Self::new(ActionKind::Promote(member(user)))
    }

    /// Makes an owner of the event's conversation a member. A grant.
    pub fn demote(user: impl Into<String>) -> Self {
        Self::new(ActionKind::Demote(member(user)))
    }

    /// Makes a direct conversation with a user, by id. A grant.
    pub fn create_direct(user: impl Into<String>) -> Self {
        Self::new(ActionKind::CreateConversation(NewConversation::Direct(
            user.into(),
        )))
    }

    /// Makes a room. A grant.
    pub fn create_room(room: NewRoom) -> Self {
        Self::new(ActionKind::CreateConversation(NewConversation::Room(room)))
    }

    /// Changes a conversation; what is absent stays. A grant.
    pub fn update_conversation(changes: UpdateConversation) -> Self {
        Self::new(ActionKind::UpdateConversation(changes))
    }

    /// Accepts a contact request, by user id. A grant.
    pub fn accept_contact(user: impl Into<String>) -> Self {
        Self::new(ActionKind::AcceptContact(user.into()))
    }

    /// Rejects a contact request, by user id. A grant.
    pub fn reject_contact(user: impl Into<String>) -> Self {
        Self::new(ActionKind::RejectContact(user.into()))
    }

    /// Asks a user to be a contact, by user id. A grant.
    pub fn request_contact(user: impl Into<String>) -> Self {
        Self::new(ActionKind::RequestContact(user.into()))
    }

    /// Ends a contact, by user id. A grant.
    pub fn remove_contact(user: impl Into<String>) -> Self {
        Self::new(ActionKind::RemoveContact(user.into()))
    }

    /// Says whether the bot is there. A grant.
    pub fn set_presence(status: PresenceStatus) -> Self {
        Self::new(ActionKind::SetPresence(status))
    }

    /// Hands the event's customer chat to a group, by id. A grant.
    pub fn transfer_to_group(id: impl Into<String>) -> Self {
        Self::transfer(TransferTarget::Group(id.into()))
    }

    /// Hands the event's customer chat to an agent, by id. A grant.
    pub fn transfer_to_agent(id: impl Into<String>) -> Self {
        Self::transfer(TransferTarget::Agent(id.into()))
    }

    /// Hands the event's customer chat on. A grant.
    pub fn transfer(to: TransferTarget) -> Self {
        Self::new(ActionKind::Transfer(TransferChat {
            conversation: None,
            to,
        }))
    }

    /// Ends the event's customer chat. A grant.
    pub fn close() -> Self {
        Self::new(ActionKind::Close(None))
    }

    /// Puts a tag on the event's customer chat. A grant.
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::new(ActionKind::Tag(TagChat {
            conversation: None,
            tag: tag.into(),
            add: true,
        }))
    }

    /// Takes a tag off the event's customer chat. A grant.
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

    /// Asks for an action of one platform; its settings are JSON text. A grant.
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

impl MessageRef {
    /// Names a message by the platform's id.
    pub fn by_id(id: impl Into<String>) -> Self {
        Self::Id(id.into())
    }

    /// Names a message by the key of the action that sent it.
    pub fn by_key(key: impl Into<String>) -> Self {
        Self::Key(key.into())
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

/// An HTTP request that the host makes after the commit, under the HTTP grants. The answer is a
/// `response-received` event with its key, in the conversation, thread and on behalf of the person
/// of the event that asked; it comes once.
///
/// It outlives restarts of the host. One that a restart cut off is made again where that is safe: a
/// GET, HEAD, OPTIONS, PUT or DELETE, or any with an [idempotency
/// header](Request::idempotency_header). Else the plugin hears `in-doubt`. For other reasons than a
/// restart the host repeats nothing.
///
/// A plugin has at most 16 requests under way at one time and at most 10,000 that have not ended; a
/// body has at most 1 MiB, and so has an answer's (`too-large`); the bodies of one event's requests
/// have at most 4 MiB. Redirects are not followed, they are the answer. Headers with credentials are
/// left out of answers.
///
/// ```
/// use parlor_sdk::prelude::*;
/// use parlor_sdk::events::ResponseReceived;
///
/// #[derive(Default)]
/// struct Orders;
///
/// #[behaviour(name = "orders", summary = "Orders things")]
/// #[capability(http = "POST https://api.example.com/orders", reason = "Places orders")]
/// impl Orders {
///     #[command("/order {what}")]
///     fn order(&mut self, what: String) -> Request {
///         Request::post("order", "https://api.example.com/orders", what)
///             .header("content-type", "text/plain")
///             .idempotency_header("idempotency-key")
///     }
///
///     #[response("order")]
///     fn ordered(&mut self, cx: &Context, received: &ResponseReceived) -> Reply {
///         match received.answer() {
///             Ok(answer) if answer.ok() => cx.reply("Ordered"),
///             Ok(answer) => cx.reply(format!("Refused with {}", answer.status)),
///             Err(error) => cx.reply(format!("Nobody knows: {}", error.name())),
///         }
///     }
/// }
///
/// # fn main() {
/// use parlor_sdk::events::ResponseError;
///
/// let mut bench = Bench::new(Orders);
/// bench.say("/order tea");
/// assert_eq!(bench.request("order").map(|order| order.body.clone()), Some(b"tea".to_vec()));
/// assert_eq!(bench.respond("order", 201, "").texts(), ["Ordered"]);
/// bench.say("/order milk");
/// let doubt = bench.respond_error("order", ResponseError::InDoubt);
/// assert_eq!(doubt.texts(), ["Nobody knows: in-doubt"]);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Request(String, crate::actions::Request);

impl Request {
    /// Makes one with a key of at most 64 bytes, a method and an absolute `http` or `https` URL; 30 s.
    pub fn new(key: impl Into<String>, method: impl Into<String>, url: impl Into<String>) -> Self {
        Self(
            key.into(),
            crate::actions::Request {
                method: method.into(),
                url: url.into(),
                headers: Vec::new(),
                body: Vec::new(),
                timeout_ms: 30_000,
                idempotency_header: None,
            },
        )
    }

    /// Makes a GET.
    pub fn get(key: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(key, "GET", url)
    }

    /// Makes a POST with a body of at most 1 MiB.
    pub fn post(key: impl Into<String>, url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new(key, "POST", url);
        request.1.body = body.into();
        request
    }

    /// Makes a PUT with a body of at most 1 MiB.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// let save = Request::put("save", "https://api.example.com/notes/7", "tea");
    /// ```
    pub fn put(key: impl Into<String>, url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new(key, "PUT", url);
        request.1.body = body.into();
        request
    }

    /// Makes a DELETE.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// let forget = Request::delete("forget", "https://api.example.com/notes/7");
    /// ```
    pub fn delete(key: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(key, "DELETE", url)
    }

    /// Adds a header. `host`, `content-length` and those of the connection are the host's own.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.1.headers.push(Header {
            name: name.into(),
            value: value.into(),
        });
        self
    }

    /// Sets how long it may take in all, from 1 ms to 10 minutes; over a restart the time begins anew.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlor_sdk::prelude::*;
    ///
    /// let report = Request::get("report", "https://api.example.com/report")
    ///     .timeout(Duration::from_secs(120));
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.1.timeout_ms = timeout.as_millis().try_into().unwrap_or(u32::MAX);
        self
    }

    /// Names the header in which the host sends an id of its own, the same in every try and never
    /// used for another request, so that repeating is safe where the other side heeds it.
    #[must_use]
    pub fn idempotency_header(mut self, name: impl Into<String>) -> Self {
        self.1.idempotency_header = Some(name.into());
        self
    }
}

impl From<Request> for Action {
    fn from(Request(key, request): Request) -> Self {
        Action::new(ActionKind::Request(request)).key(key)
    }
}

impl From<Request> for crate::Reply {
    fn from(request: Request) -> Self {
        Action::from(request).into()
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
