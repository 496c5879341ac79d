//! What an event is about, by its type.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::scalar::{flag, list, number, text};

/// A user as events show one. Service accounts have no first and last name, users of other pods no
/// user name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct V4User {
    /// A 64-bit number, as its digits.
    #[serde(deserialize_with = "text")]
    pub user_id: Option<String>,
    /// First name.
    #[serde(deserialize_with = "text")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(deserialize_with = "text")]
    pub last_name: Option<String>,
    /// The name people see.
    #[serde(deserialize_with = "text")]
    pub display_name: Option<String>,
    /// E-mail address.
    #[serde(deserialize_with = "text")]
    pub email: Option<String>,
    /// The name used to log in.
    #[serde(deserialize_with = "text")]
    pub username: Option<String>,
    /// The same, as some documents and endpoints spell it.
    #[serde(deserialize_with = "text", rename = "userName")]
    pub user_name: Option<String>,
}

/// A stream: a room, an IM, a MIM or a wall.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct V4Stream {
    /// Its id, as it was written.
    #[serde(deserialize_with = "text")]
    pub stream_id: Option<String>,
    /// `IM`, `MIM`, `ROOM` or `POST`; left out by some events.
    #[serde(deserialize_with = "text")]
    pub stream_type: Option<String>,
    /// The room's name.
    #[serde(deserialize_with = "text")]
    pub room_name: Option<String>,
    /// Who is in it, in some events.
    #[serde(deserialize_with = "list")]
    pub members: Vec<V4User>,
    /// People of other companies take part.
    #[serde(deserialize_with = "flag")]
    pub external: Option<bool>,
    /// People of other pods take part.
    #[serde(deserialize_with = "flag")]
    pub cross_pod: Option<bool>,
}

/// A file of a message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AttachmentInfo {
    /// Its id within the message.
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    /// File name.
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    /// Bytes.
    #[serde(deserialize_with = "number")]
    pub size: Option<u64>,
}

/// A message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct V4Message {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub message_id: Option<String>,
    /// The message that it answers or hands on.
    #[serde(deserialize_with = "text")]
    pub parent_message_id: Option<String>,
    /// Milliseconds since 1970.
    #[serde(deserialize_with = "number")]
    pub timestamp: Option<u64>,
    /// PresentationML.
    #[serde(deserialize_with = "text")]
    pub message: Option<String>,
    /// The message that it shares.
    pub shared_message: Option<Box<V4Message>>,
    /// JSON of the entities, as text; some endpoints write the object itself.
    pub data: Option<Box<RawValue>>,
    /// Files.
    #[serde(deserialize_with = "list")]
    pub attachments: Vec<AttachmentInfo>,
    /// Who wrote it.
    pub user: Option<V4User>,
    /// Where.
    pub stream: Option<V4Stream>,
    /// Why its content could not be decoded.
    #[serde(deserialize_with = "text")]
    pub diagnostic: Option<String>,
    /// Which client sent it.
    #[serde(deserialize_with = "text")]
    pub user_agent: Option<String>,
    /// `com.symphony.messageml.v2` or `com.symphony.markdown`.
    #[serde(deserialize_with = "text")]
    pub original_format: Option<String>,
    /// What the pod adds to the first message of a day.
    #[serde(deserialize_with = "text")]
    pub disclaimer: Option<String>,
    /// The message that it takes the place of: an edit.
    #[serde(deserialize_with = "text")]
    pub replacing: Option<String>,
    /// The first of a row of edits.
    #[serde(deserialize_with = "text")]
    pub initial_message_id: Option<String>,
    /// An edit that does not make the message unread again.
    #[serde(deserialize_with = "flag")]
    pub silent: Option<bool>,
    /// People of other companies get it.
    #[serde(deserialize_with = "flag")]
    pub external_recipients: Option<bool>,
}

impl V4Message {
    /// The text of its entity data; empty where there is none.
    pub fn data_text(&self) -> String {
        let Some(data) = &self.data else {
            return String::new();
        };
        match serde_json::from_str(data.get()) {
            Ok(Value::String(text)) => text,
            Ok(Value::Null) => String::new(),
            _ => data.get().to_owned(),
        }
    }
}

/// A wall post that shares another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SharedPost {
    /// What the sharer says.
    pub message: Option<V4Message>,
    /// What is shared.
    pub shared_message: Option<V4Message>,
}

/// Something that happened to a stream.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StreamEvent {
    /// The stream.
    pub stream: Option<V4Stream>,
    /// Of a new room.
    pub room_properties: Option<RoomProperties>,
    /// Of a changed room; it may hold some of them only.
    pub new_room_properties: Option<RoomProperties>,
}

/// What a room is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RoomProperties {
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(deserialize_with = "text")]
    pub description: Option<String>,
    /// Who made it.
    pub creator_user: Option<V4User>,
    /// People of other companies take part.
    #[serde(deserialize_with = "flag")]
    pub external: Option<bool>,
    /// People of other pods take part.
    #[serde(deserialize_with = "flag")]
    pub cross_pod: Option<bool>,
    /// Everybody may come in.
    #[serde(deserialize_with = "flag")]
    pub public: Option<bool>,
    /// Nothing can be copied out.
    #[serde(deserialize_with = "flag")]
    pub copy_protected: Option<bool>,
    /// Only owners write.
    #[serde(deserialize_with = "flag")]
    pub read_only: Option<bool>,
    /// Everybody finds it.
    #[serde(deserialize_with = "flag")]
    pub discoverable: Option<bool>,
    /// Members may invite others.
    #[serde(deserialize_with = "flag")]
    pub members_can_invite: Option<bool>,
    /// New members see what was said before.
    #[serde(deserialize_with = "flag")]
    pub can_view_history: Option<bool>,
    /// Key words.
    #[serde(deserialize_with = "list")]
    pub keywords: Vec<RoomProperty>,
}

/// A key word of a room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RoomProperty {
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub key: Option<String>,
    /// Its value.
    #[serde(deserialize_with = "text")]
    pub value: Option<String>,
}

/// Somebody's membership or connection that changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Membership {
    /// The room.
    pub stream: Option<V4Stream>,
    /// Whom it concerns.
    pub affected_user: Option<V4User>,
    /// The owners who are asked.
    #[serde(deserialize_with = "list")]
    pub affected_users: Vec<V4User>,
    /// Who is asked to connect.
    pub to_user: Option<V4User>,
    /// Who had asked to connect.
    pub from_user: Option<V4User>,
}

/// A message that was taken away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MessageSuppressed {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub message_id: Option<String>,
    /// Where it was.
    pub stream: Option<V4Stream>,
}

/// A form that was submitted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ElementsAction {
    /// Where.
    pub stream: Option<V4Stream>,
    /// The same, from pods older than 20.3.1.
    pub form_stream: Option<V4Stream>,
    /// The message that carries it, in standard base64, digits may follow.
    #[serde(deserialize_with = "text")]
    pub form_message_id: Option<String>,
    /// The form.
    #[serde(deserialize_with = "text")]
    pub form_id: Option<String>,
    /// The answers by the names of their elements, and `action`, the button's.
    pub form_values: Option<Map<String, Value>>,
}

/// Anything else, with a name of its own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GenericSystemEvent {
    /// Where.
    pub stream: Option<V4Stream>,
    /// Milliseconds since 1970.
    #[serde(deserialize_with = "number")]
    pub event_timestamp: Option<u64>,
    /// Which part of Symphony says it.
    #[serde(deserialize_with = "text")]
    pub source_system: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "text")]
    pub event_subtype: Option<String>,
}

/// What an event is about.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one payload an event, read and used up at once: a box would cost more than it saves"
)]
#[expect(
    missing_docs,
    reason = "the cases are the event types of the interface"
)]
pub enum Payload {
    MessageSent(V4Message),
    SharedPost(SharedPost),
    InstantMessageCreated(StreamEvent),
    RoomCreated(StreamEvent),
    RoomUpdated(StreamEvent),
    RoomDeactivated(StreamEvent),
    RoomReactivated(StreamEvent),
    UserRequestedToJoinRoom(Membership),
    UserJoinedRoom(Membership),
    UserLeftRoom(Membership),
    RoomMemberPromotedToOwner(Membership),
    RoomMemberDemotedFromOwner(Membership),
    ConnectionRequested(Membership),
    ConnectionAccepted(Membership),
    MessageSuppressed(MessageSuppressed),
    SymphonyElementsAction(ElementsAction),
    GenericSystemEvent(GenericSystemEvent),
    /// A type that is not known here, or a payload that is not as its type says.
    Unknown,
}

impl Payload {
    pub(super) fn read(kind: &str, source: &str) -> Self {
        Self::try_read(kind, source).unwrap_or(Self::Unknown)
    }

    fn try_read(kind: &str, source: &str) -> Option<Self> {
        Some(match kind {
            "MESSAGESENT" => {
                let sent: SharedPost = member(source, "messageSent")?;
                Self::MessageSent(sent.message?)
            }
            "SHAREDPOST" => Self::SharedPost(member(source, "sharedPost")?),
            "INSTANTMESSAGECREATED" => {
                Self::InstantMessageCreated(member(source, "instantMessageCreated")?)
            }
            "ROOMCREATED" => Self::RoomCreated(member(source, "roomCreated")?),
            "ROOMUPDATED" => Self::RoomUpdated(member(source, "roomUpdated")?),
            "ROOMDEACTIVATED" => Self::RoomDeactivated(member(source, "roomDeactivated")?),
            "ROOMREACTIVATED" => Self::RoomReactivated(member(source, "roomReactivated")?),
            "USERREQUESTEDTOJOINROOM" => {
                Self::UserRequestedToJoinRoom(member(source, "userRequestedToJoinRoom")?)
            }
            "USERJOINEDROOM" => Self::UserJoinedRoom(member(source, "userJoinedRoom")?),
            "USERLEFTROOM" => Self::UserLeftRoom(member(source, "userLeftRoom")?),
            "ROOMMEMBERPROMOTEDTOOWNER" => {
                Self::RoomMemberPromotedToOwner(member(source, "roomMemberPromotedToOwner")?)
            }
            "ROOMMEMBERDEMOTEDFROMOWNER" => {
                Self::RoomMemberDemotedFromOwner(member(source, "roomMemberDemotedFromOwner")?)
            }
            "CONNECTIONREQUESTED" => {
                Self::ConnectionRequested(member(source, "connectionRequested")?)
            }
            "CONNECTIONACCEPTED" => Self::ConnectionAccepted(member(source, "connectionAccepted")?),
            "MESSAGESUPPRESSED" => Self::MessageSuppressed(member(source, "messageSuppressed")?),
            "SYMPHONYELEMENTSACTION" => {
                Self::SymphonyElementsAction(member(source, "symphonyElementsAction")?)
            }
            "GENERICSYSTEMEVENT" => Self::GenericSystemEvent(member(source, "genericSystemEvent")?),
            _ => return None,
        })
    }
}

// A payload has one member, so the others that are passed over are few.
fn member<T: for<'de> Deserialize<'de>>(source: &str, name: &str) -> Option<T> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(source).ok()?;
    serde_json::from_str(members.get(name)?.get()).ok()
}
