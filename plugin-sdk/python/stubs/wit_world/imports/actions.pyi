# Made of wit/ by tests/tests/bindings.rs; do not edit.
"""What a plugin asks the host to do. The list returned from one event is one
transaction: it is stored together with the plugin's state writes, or not
at all, and performed in order within a conversation."""

import builtins
from dataclasses import dataclass
from enum import Enum
from typing import Union
from . import content, events

@dataclass
class Target_Reply:
    """The event's conversation."""

@dataclass
class Target_Conversation:
    """A conversation, by id."""

    value: str

@dataclass
class Target_Conversations:
    """A broadcast to at most 1,000 conversations, by id; a grant."""

    value: list[str]

@dataclass
class Target_User:
    """A direct conversation with one user, by id; a grant."""

    value: str

@dataclass
class Target_Users:
    """A direct or group conversation with these users, by id; a grant."""

    value: list[str]

@dataclass
class Target_Email:
    """A direct conversation with the user of this e-mail address; a grant."""

    value: str

Target = Union[
    Target_Reply,
    Target_Conversation,
    Target_Conversations,
    Target_User,
    Target_Users,
    Target_Email,
]
"""Where a message goes."""

@dataclass
class File:
    """A file made by the plugin."""

    name: str
    """File name."""
    media_type: str
    """Media type."""
    bytes: builtins.bytes
    """The bytes, at most 10 MiB."""

@dataclass
class OutgoingAttachment_File:
    """Made here."""

    value: File

@dataclass
class OutgoingAttachment_Received:
    """One that was received, by id."""

    value: str

OutgoingAttachment = Union[
    OutgoingAttachment_File,
    OutgoingAttachment_Received,
]
"""A file to send."""

class Fallback(Enum):
    """What to do where a platform cannot show something."""

    DEGRADE = 0
    """Send the nearest it can show, with a note."""
    FAIL = 1
    """Fail with `unsupported`."""

@dataclass
class Send:
    """A message to send."""

    target: Target
    """Where it goes."""
    content: content.Content
    """What it says."""
    attachments: list[OutgoingAttachment]
    """Files."""
    thread: str | None
    """The thread; the event's where absent."""
    visibility: events.Visibility
    """Who sees it."""
    quiet: bool
    """Without a notification, where the platform can."""
    fallback: Fallback
    """What to do where something cannot be shown."""

@dataclass
class MessageRef_Id:
    """By the platform's id."""

    value: str

@dataclass
class MessageRef_Key:
    """By the key of the action that sent it."""

    value: str

MessageRef = Union[
    MessageRef_Id,
    MessageRef_Key,
]
"""A message."""

class EditRule(Enum):
    """What to do where a platform will not edit."""

    REPOST = 0
    """Send it anew, at most once a minute and message."""
    SKIP = 1
    """Leave it as it is."""
    FAIL = 2
    """Fail."""

@dataclass
class Edit:
    """New content for a message of the plugin's own."""

    message: MessageRef
    """Which message."""
    content: content.Content
    """What it says now."""
    otherwise: EditRule
    """Where the platform will not."""

@dataclass
class React:
    """An emoji to put on or take off."""

    message: MessageRef
    """Which message."""
    emoji: str
    """Shortcode without colons."""
    add: bool
    """Put on when true."""

@dataclass
class Membership:
    """A conversation and a user."""

    conversation: str | None
    """The conversation, by id; the event's where absent."""
    user: str
    """The user, by id."""

@dataclass
class NewRoom:
    """A new room."""

    name: str
    """Its name."""
    description: str
    """What it is for."""
    members: list[str]
    """Who is in it, by user id."""
    public: bool
    """Can be found by everybody."""
    external: bool
    """Open to other companies."""
    open: bool
    """Members may invite others."""

@dataclass
class NewConversation_Direct:
    """A direct one with this user, by id."""

    value: str

@dataclass
class NewConversation_Room:
    """A room."""

    value: NewRoom

NewConversation = Union[
    NewConversation_Direct,
    NewConversation_Room,
]
"""A new conversation."""

@dataclass
class UpdateConversation:
    """Changes of a conversation; what is absent stays."""

    conversation: str | None
    """The conversation, by id; the event's where absent."""
    name: str | None
    """Its new name."""
    description: str | None
    """What it is for."""
    public: bool | None
    """Can be found by everybody."""
    open: bool | None
    """Members may invite others."""

@dataclass
class TransferTarget_Group:
    """A group, by id."""

    value: str

@dataclass
class TransferTarget_Agent:
    """An agent, by id."""

    value: str

TransferTarget = Union[
    TransferTarget_Group,
    TransferTarget_Agent,
]
"""Who answers a customer chat next."""

@dataclass
class TransferChat:
    """A customer chat to hand on."""

    conversation: str | None
    """The conversation, by id; the event's where absent."""
    to: TransferTarget
    """To whom."""

@dataclass
class TagChat:
    """A word on a customer chat."""

    conversation: str | None
    """The conversation, by id; the event's where absent."""
    tag: str
    """The tag."""
    add: bool
    """Put on when true."""

@dataclass
class Request:
    """An HTTP request that the host makes after the commit, under the HTTP
    grants, over restarts. The answer is a `response-received`. Its key is
    the action's key, which it must have."""

    method: str
    """`GET`, `POST`, …"""
    url: str
    """Absolute `http` or `https` URL."""
    headers: list[events.Header]
    """Headers."""
    body: bytes
    """Body, at most 1 MiB."""
    timeout_ms: int
    """Milliseconds, at most 600,000."""
    idempotency_header: str | None
    """A header in which the host sends an id of its own, so that repeating is safe."""

@dataclass
class Cron:
    """A calendar rule."""

    expression: str
    """Minute, hour, day of month, month, day of week: `0 9 * * 1-5`."""
    time_zone: str
    """IANA time zone name."""

@dataclass
class Schedule_At:
    """At this moment."""

    value: int

@dataclass
class Schedule_After:
    """So many milliseconds from now."""

    value: int

@dataclass
class Schedule_Every:
    """Every so many milliseconds, at least 1,000."""

    value: int

@dataclass
class Schedule_Cron:
    """Five fields of cron, in a time zone."""

    value: Cron

Schedule = Union[
    Schedule_At,
    Schedule_After,
    Schedule_Every,
    Schedule_Cron,
]
"""When a timer fires."""

class Missed(Enum):
    """What happens to a firing that fell into a stop of the host."""

    ONCE = 0
    """However many were missed, it fires once."""
    SKIP = 1
    """It does not fire."""

@dataclass
class SetTimer:
    """A timer to set. One of the same name in the same conversation is replaced."""

    name: str
    """Unique per plugin and conversation."""
    schedule: Schedule
    """When."""
    missed: Missed
    """What of a missed firing."""
    payload: str
    """Comes back with `timer-fired`, at most 64 KiB."""

@dataclass
class OtherAction:
    """An action of one platform."""

    platform: str
    """The platform."""
    name: str
    """Its name there."""
    json: str
    """Its settings as JSON."""

@dataclass
class ActionKind_Send:
    """Send a message."""

    value: Send

@dataclass
class ActionKind_Edit:
    """Change an own message."""

    value: Edit

@dataclass
class ActionKind_Delete:
    """Take a message away: an own one, or another's where the bot may."""

    value: MessageRef

@dataclass
class ActionKind_React:
    """Put an emoji on a message or take it off."""

    value: React

@dataclass
class ActionKind_Typing:
    """Show (true) or hide (false) that the bot is typing in the event's conversation."""

    value: bool

@dataclass
class ActionKind_Join:
    """Go into a conversation, by id; the event's where absent."""

    value: str | None

@dataclass
class ActionKind_Leave:
    """Go out of it, if a `join` of this plugin brought the bot in."""

    value: str | None

@dataclass
class ActionKind_Invite:
    """Bring a user in; a grant."""

    value: Membership

@dataclass
class ActionKind_Remove:
    """Take a user out; a grant."""

    value: Membership

@dataclass
class ActionKind_Promote:
    """Make a user an owner; a grant."""

    value: Membership

@dataclass
class ActionKind_Demote:
    """Make an owner a member; a grant."""

    value: Membership

@dataclass
class ActionKind_CreateConversation:
    """Make a conversation; a grant."""

    value: NewConversation

@dataclass
class ActionKind_UpdateConversation:
    """Change a conversation; a grant."""

    value: UpdateConversation

@dataclass
class ActionKind_AcceptContact:
    """Accept a contact request, by user id; a grant."""

    value: str

@dataclass
class ActionKind_RejectContact:
    """Reject a contact request, by user id; a grant."""

    value: str

@dataclass
class ActionKind_RequestContact:
    """Ask a user to be a contact, by user id; a grant."""

    value: str

@dataclass
class ActionKind_RemoveContact:
    """End a contact, by user id; a grant."""

    value: str

@dataclass
class ActionKind_SetPresence:
    """Say whether the bot is there; a grant."""

    value: events.PresenceStatus

@dataclass
class ActionKind_Transfer:
    """Hand a customer chat on; a grant."""

    value: TransferChat

@dataclass
class ActionKind_Close:
    """End a customer chat, by id, the event's where absent; a grant."""

    value: str | None

@dataclass
class ActionKind_Tag:
    """Put a tag on a customer chat or take it off; a grant."""

    value: TagChat

@dataclass
class ActionKind_Request:
    """Make an HTTP request and hear of its answer later."""

    value: Request

@dataclass
class ActionKind_SetTimer:
    """Set a timer."""

    value: SetTimer

@dataclass
class ActionKind_CancelTimer:
    """End a timer of the event's conversation, by name."""

    value: str

@dataclass
class ActionKind_Other:
    """Anything else; a grant."""

    value: OtherAction

ActionKind = Union[
    ActionKind_Send,
    ActionKind_Edit,
    ActionKind_Delete,
    ActionKind_React,
    ActionKind_Typing,
    ActionKind_Join,
    ActionKind_Leave,
    ActionKind_Invite,
    ActionKind_Remove,
    ActionKind_Promote,
    ActionKind_Demote,
    ActionKind_CreateConversation,
    ActionKind_UpdateConversation,
    ActionKind_AcceptContact,
    ActionKind_RejectContact,
    ActionKind_RequestContact,
    ActionKind_RemoveContact,
    ActionKind_SetPresence,
    ActionKind_Transfer,
    ActionKind_Close,
    ActionKind_Tag,
    ActionKind_Request,
    ActionKind_SetTimer,
    ActionKind_CancelTimer,
    ActionKind_Other,
]
"""What to do."""

@dataclass
class Action:
    """An action."""

    key: str | None
    """Names it for later: for edits, deletes and outcomes. At most 64 bytes."""
    bot: str | None
    """Which bot, where the event names none or the plugin has several."""
    as_user: str | None
    """On behalf of this user, by id or user name; a grant."""
    kind: ActionKind
    """What to do."""
