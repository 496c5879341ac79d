# Made of wit/ by tests/tests/bindings.rs; do not edit.
"""What happened. Every event has the same envelope and one payload."""

from componentize_py_types import Err, Ok
from dataclasses import dataclass
from enum import Enum
from typing import Union
from . import content

@dataclass
class Bot:
    """Which bot an event concerns."""

    name: str
    """Its name in the settings."""
    platform: str
    """`symphony`, `webex`, `lseg`, `livechat` or `local`; later versions may add to these."""
    user_id: str
    """Its own user id."""
    display_name: str
    """The name people see."""

class ConversationKind(Enum):
    """What sort of conversation it is."""

    DIRECT = 0
    """One person and the bot."""
    GROUP = 1
    """A few people, without a name."""
    ROOM = 2
    """A named room."""
    CUSTOMER_CHAT = 3
    """A customer and agents."""
    POST = 4
    """A wall or feed."""
    OTHER = 5
    """Anything else."""

@dataclass
class Conversation:
    """Where something happened."""

    id: str
    """Opaque, and the same for ever."""
    kind: ConversationKind
    """Its kind."""
    name: str | None
    """Its name, where it has one."""
    external: bool
    """People of other companies take part."""
    cross_pod: bool
    """People of another installation of the platform take part."""
    thread: str | None
    """The thread inside it."""

class UserKind(Enum):
    """What sort of user it is."""

    HUMAN = 0
    """A person of the operator's platform."""
    BOT = 1
    """A program."""
    CUSTOMER = 2
    """A customer of a customer chat."""
    AGENT = 3
    """Somebody who answers customers."""
    SYSTEM = 4
    """The platform itself."""
    OTHER = 5
    """Anything else."""

class ConversationRole(Enum):
    """What the platform says of a user's part in the conversation."""

    OWNER = 0
    """Owns or moderates it."""
    MEMBER = 1
    """Takes part."""
    AGENT = 2
    """Answers customers in it."""
    CUSTOMER = 3
    """The customer."""
    UNKNOWN = 4
    """The platform does not say."""

@dataclass
class User:
    """A user of a platform."""

    id: str
    """Opaque, and the same for ever."""
    display_name: str
    """The name people see."""
    user_name: str | None
    """The name used to log in, where the platform tells."""
    first_name: str | None
    """First name, where the platform tells."""
    last_name: str | None
    """Last name, where the platform tells."""
    email: str | None
    """E-mail address, where the platform tells."""
    time_zone: str | None
    """IANA time zone, where the platform tells."""
    locale: str | None
    """BCP 47 language tag, where the platform tells."""
    kind: UserKind
    """Its kind."""
    role_here: ConversationRole
    """Its part in the conversation."""
    roles: list[str]
    """The operator's roles that it holds."""

class Addressing(Enum):
    """How the bot was spoken to."""

    DIRECT = 0
    """In a direct conversation."""
    MENTION = 1
    """By a mention."""
    PREFIX = 2
    """By a command's first word."""
    AMBIENT = 3
    """Not at all; the bot overheard it."""

@dataclass
class Extra:
    """A name with its value, both capped by the host."""

    name: str
    """A documented name."""
    value: str
    """Its value."""

class Visibility(Enum):
    """Who sees a message."""

    ALL = 0
    """Everybody in the conversation."""
    AGENTS = 1
    """Agents only, not the customer."""

@dataclass
class Mention:
    """Somebody mentioned in a message."""

    user_id: str
    """Who."""
    text: str
    """The name shown, without `@`."""

@dataclass
class Cashtag:
    """A ticker in a message."""

    ticker: str
    """The ticker without `$`."""
    ids: list[tuple[str, str]]
    """What the platform knows of it: (`isin`, …), (`bbgid`, …)."""

@dataclass
class Entity:
    """A custom object in a message."""

    type: str
    """Its type, `com.acme.order`."""
    version: str | None
    """Its version, where it has one."""
    json: str
    """The object as JSON."""

@dataclass
class ReceivedAttachment:
    """A file that came with a message. Its bytes are read with `directory.attachment`."""

    id: str
    """Names it for `directory.attachment` and for sending it on."""
    name: str
    """File name."""
    media_type: str
    """Media type, `application/octet-stream` where it is not known."""
    size: int | None
    """Bytes, where the platform tells."""

@dataclass
class QuotedMessage:
    """A message that another one cites."""

    id: str
    """Its id."""
    author: str
    """Who wrote it."""
    text: str
    """What it says."""
    at: int
    """When it was written."""

@dataclass
class Message:
    """A message as it was received."""

    id: str
    """The platform's id."""
    text: str
    """Plain text, with the bot's own mention removed."""
    content: list[content.Block]
    """The same as blocks; empty where `text` says it all."""
    mentions: list[Mention]
    """Who is mentioned."""
    cashtags: list[Cashtag]
    """Tickers."""
    hashtags: list[str]
    """Topics, without `#`."""
    entities: list[Entity]
    """Custom objects."""
    attachments: list[ReceivedAttachment]
    """Files."""
    reply_to: str | None
    """The message it answers."""
    quoted: QuotedMessage | None
    """The message it cites."""
    visibility: Visibility
    """Who sees it."""

@dataclass
class ArgumentValue_Text:
    """`{name}`, one word; `{rest...}`, the rest of the line; a regular expression's capture."""

    value: str

@dataclass
class ArgumentValue_Integer:
    """`{n:int}`."""

    value: int

@dataclass
class ArgumentValue_Number:
    """`{x:number}`."""

    value: float

@dataclass
class ArgumentValue_Flag:
    """`{flag:bool}`."""

    value: bool

@dataclass
class ArgumentValue_Mention:
    """`{@name}`."""

    value: Mention

@dataclass
class ArgumentValue_Hashtag:
    """`{#name}`, without `#`."""

    value: str

@dataclass
class ArgumentValue_Cashtag:
    """`{$name}`."""

    value: Cashtag

ArgumentValue = Union[
    ArgumentValue_Text,
    ArgumentValue_Integer,
    ArgumentValue_Number,
    ArgumentValue_Flag,
    ArgumentValue_Mention,
    ArgumentValue_Hashtag,
    ArgumentValue_Cashtag,
]
"""A value that a pattern captured."""

@dataclass
class Argument:
    """A named captured value. Optional arguments that were not given are left out."""

    name: str
    """The name in the pattern."""
    value: ArgumentValue
    """The value."""

@dataclass
class MessageReceived:
    """A message that no command of the plugin matched."""

    message: Message
    """The message."""
    arguments: list[Argument]
    """What a `regex` key word captured; empty for other matches."""

@dataclass
class Command:
    """A command that matched."""

    name: str
    """The command's name in `describe`."""
    arguments: list[Argument]
    """What its pattern captured."""
    message: Message
    """The message it stood in."""

@dataclass
class MessageEdited:
    """A message that was changed."""

    message: Message
    """The message with its new content; its id is the target's."""

@dataclass
class MessageDeleted:
    """A message that was taken away."""

    message_id: str
    """Its id."""

@dataclass
class FieldValue_Text:
    """`text`, `multiline`, `hidden`, `radio`, `select`, `timezone`."""

    value: str

@dataclass
class FieldValue_Number:
    """`number`."""

    value: float

@dataclass
class FieldValue_Flag:
    """`checkbox`."""

    value: bool

@dataclass
class FieldValue_Choices:
    """`multi-select`."""

    value: list[str]

@dataclass
class FieldValue_Date:
    """`date`, `2026-11-20`."""

    value: str

@dataclass
class FieldValue_Time:
    """`time`, `14:30`."""

    value: str

@dataclass
class FieldValue_Users:
    """`user`."""

    value: list[User]

@dataclass
class FieldValue_Conversations:
    """`conversation`, by id."""

    value: list[str]

@dataclass
class FieldValue_Other:
    """A platform's own kind, as JSON."""

    value: str

FieldValue = Union[
    FieldValue_Text,
    FieldValue_Number,
    FieldValue_Flag,
    FieldValue_Choices,
    FieldValue_Date,
    FieldValue_Time,
    FieldValue_Users,
    FieldValue_Conversations,
    FieldValue_Other,
]
"""A value in a submission, by the field's kind."""

@dataclass
class SubmittedField:
    """One answered field. Fields that were left empty are left out."""

    id: str
    """The field's id."""
    value: FieldValue
    """Its value."""

@dataclass
class FormSubmitted:
    """A form that was answered, already checked against its rules."""

    form_id: str
    """The form's id."""
    message_id: str
    """The message that carried it."""
    values: list[SubmittedField]
    """The answers."""
    button: str
    """The id of the button that submitted it."""

class FormCloseReason(Enum):
    """Why a form closed."""

    CANCELLED = 0
    """The person gave up."""
    EXPIRED = 1
    """Its time was over."""
    REPLACED = 2
    """Another form took its place."""

@dataclass
class FormClosed:
    """A form that will not be answered any more."""

    form_id: str
    """The form's id."""
    message_id: str
    """The message that carried it."""
    who: User | None
    """Who closed it; none where time did."""
    reason: FormCloseReason
    """Why."""

@dataclass
class ButtonPressed:
    """A button that was pressed."""

    button_id: str
    """The button's id."""
    value: str
    """Its value."""
    message_id: str
    """The message that carried it."""

class MemberChange(Enum):
    """What became of a member."""

    JOINED = 0
    """Came in."""
    LEFT = 1
    """Went out."""
    PROMOTED = 2
    """Became an owner."""
    DEMOTED = 3
    """Is an owner no more."""
    JOIN_REQUESTED = 4
    """Asks to come in."""
    INVITED = 5
    """Was asked to come in."""

@dataclass
class MemberChanged:
    """A change of who is there."""

    who: User
    """Whom it concerns; the envelope's actor is who did it."""
    change: MemberChange
    """What happened."""
    is_self: bool
    """It is the bot itself."""

@dataclass
class Transfer:
    """A customer chat that somebody else answers now."""

    to: str
    """The group or agent it went to."""
    why: str | None
    """Why, as the platform says it."""
    queue_position: int | None
    """Its place in the queue there, from 1."""

@dataclass
class ConversationChanged_Created:
    """It is new."""

@dataclass
class ConversationChanged_Updated:
    """Its name or settings changed."""

@dataclass
class ConversationChanged_Closed:
    """It was closed."""

@dataclass
class ConversationChanged_Reopened:
    """It was opened again."""

@dataclass
class ConversationChanged_Transferred:
    """It was handed on."""

    value: Transfer

ConversationChanged = Union[
    ConversationChanged_Created,
    ConversationChanged_Updated,
    ConversationChanged_Closed,
    ConversationChanged_Reopened,
    ConversationChanged_Transferred,
]
"""What became of a conversation."""

class ContactChanged(Enum):
    """What became of a contact request."""

    REQUESTED = 0
    """The actor asks to be a contact."""
    ACCEPTED = 1
    """The actor is a contact now."""

@dataclass
class Reaction:
    """An emoji put on or taken off a message."""

    message_id: str
    """The message."""
    emoji: str
    """The emoji's shortcode."""
    added: bool
    """Put on when true, taken off when false."""

class PresenceStatus(Enum):
    """Somebody's being there."""

    AVAILABLE = 0
    """There."""
    BUSY = 1
    """There, and busy."""
    AWAY = 2
    """Away."""
    DO_NOT_DISTURB = 3
    """There, and not to be disturbed."""
    OFFLINE = 4
    """Not there."""

@dataclass
class TimerFired:
    """A timer that was due."""

    name: str
    """Its name."""
    payload: str
    """What `set-timer` gave it."""
    due_at: int
    """When it was due; it may fire later."""

@dataclass
class Header:
    """A header of a request or response."""

    name: str
    """Lower-case name."""
    value: str
    """Value."""

class ResponseError(Enum):
    """Why a request has no answer."""

    DENIED = 0
    """The grant does not cover it."""
    UNREACHABLE = 1
    """Nothing listens there, or the name is not known."""
    TIMED_OUT = 2
    """It took too long."""
    TOO_LARGE = 3
    """The answer is larger than the cap."""
    IN_DOUBT = 4
    """A restart fell between, and repeating it is not safe."""
    FAILED = 5
    """Anything else."""

@dataclass
class Response:
    """An answer to a request."""

    status: int
    """HTTP status."""
    headers: list[Header]
    """Headers, without credentials."""
    body: bytes
    """Body, capped."""

@dataclass
class ResponseReceived:
    """How a `request` action ended."""

    key: str
    """The action's key."""
    outcome: Ok[Response] | Err[ResponseError]
    """The answer, or why there is none."""

@dataclass
class WebhookReceived:
    """A webhook of the plugin's own that was called."""

    name: str
    """The webhook's name in the settings."""
    delivery_id: str | None
    """The sender's id of this delivery, where it gave one."""
    method: str
    """HTTP method."""
    headers: list[Header]
    """Headers, without credentials."""
    body: bytes
    """Body, capped."""

@dataclass
class ActionRef:
    """Which action an outcome is about."""

    key: str | None
    """The action's key, where it had one."""
    index: int
    """Its place in the list it was returned in, from 0."""

@dataclass
class ActionDone:
    """An action that was performed."""

    action: ActionRef
    """Which action."""
    message_id: str | None
    """The message made, where one was."""
    conversation: str | None
    """The conversation made or used."""
    notes: list[str]
    """What was degraded or noted: `table → text`, `was already in`."""

class ActionError(Enum):
    """Why an action failed."""

    UNSUPPORTED = 0
    """The platform has nothing like it."""
    DENIED = 1
    """Not granted, or the platform forbids it."""
    NOT_FOUND = 2
    """The target does not exist."""
    TOO_LARGE = 3
    """More than the platform takes."""
    THROTTLED = 4
    """The platform's limit was hit too often."""
    UNAVAILABLE = 5
    """The platform could not be reached for too long."""
    REFUSED_BY_POLICY = 6
    """The operator's rule forbids it."""
    IN_DOUBT = 7
    """It may or may not have happened."""
    FAILED = 8
    """Anything else."""

@dataclass
class ActionFailed:
    """An action that was not performed."""

    action: ActionRef
    """Which action."""
    error: ActionError
    """Why."""
    retrying: bool
    """The host goes on trying."""
    detail: str
    """A sentence for the author."""

@dataclass
class Lifecycle_Started:
    """The bot is there; once per bot and plugin."""

@dataclass
class Lifecycle_ConfigChanged:
    """The plugin's settings changed."""

@dataclass
class Lifecycle_Reloaded:
    """A new build serves; the version before it."""

    value: str

@dataclass
class Lifecycle_Draining:
    """The host is stopping."""

Lifecycle = Union[
    Lifecycle_Started,
    Lifecycle_ConfigChanged,
    Lifecycle_Reloaded,
    Lifecycle_Draining,
]
"""What became of the plugin."""

@dataclass
class OtherEvent:
    """What a platform sent that has no kind here."""

    kind: str
    """The platform's name for it."""
    json: str
    """What it said, as JSON."""

@dataclass
class EventPayload_Message:
    """A message."""

    value: MessageReceived

@dataclass
class EventPayload_Command:
    """A command."""

    value: Command

@dataclass
class EventPayload_MessageEdited:
    """A message was changed."""

    value: MessageEdited

@dataclass
class EventPayload_MessageDeleted:
    """A message was taken away."""

    value: MessageDeleted

@dataclass
class EventPayload_FormSubmitted:
    """A form was answered."""

    value: FormSubmitted

@dataclass
class EventPayload_FormClosed:
    """A form was closed."""

    value: FormClosed

@dataclass
class EventPayload_ButtonPressed:
    """A button was pressed."""

    value: ButtonPressed

@dataclass
class EventPayload_MemberChanged:
    """Who is there changed."""

    value: MemberChanged

@dataclass
class EventPayload_ConversationChanged:
    """The conversation changed."""

    value: ConversationChanged

@dataclass
class EventPayload_ContactChanged:
    """A contact changed."""

    value: ContactChanged

@dataclass
class EventPayload_Reaction:
    """An emoji was put on or taken off."""

    value: Reaction

@dataclass
class EventPayload_Typing:
    """The actor began (true) or stopped (false) to type."""

    value: bool

@dataclass
class EventPayload_Presence:
    """The actor's presence changed."""

    value: PresenceStatus

@dataclass
class EventPayload_TimerFired:
    """A timer was due."""

    value: TimerFired

@dataclass
class EventPayload_ResponseReceived:
    """A request ended."""

    value: ResponseReceived

@dataclass
class EventPayload_WebhookReceived:
    """A webhook was called."""

    value: WebhookReceived

@dataclass
class EventPayload_ActionDone:
    """An action was performed; only when subscribed."""

    value: ActionDone

@dataclass
class EventPayload_ActionFailed:
    """An action failed; only when subscribed."""

    value: ActionFailed

@dataclass
class EventPayload_Lifecycle:
    """The plugin's own life."""

    value: Lifecycle

@dataclass
class EventPayload_Other:
    """Anything else."""

    value: OtherEvent

EventPayload = Union[
    EventPayload_Message,
    EventPayload_Command,
    EventPayload_MessageEdited,
    EventPayload_MessageDeleted,
    EventPayload_FormSubmitted,
    EventPayload_FormClosed,
    EventPayload_ButtonPressed,
    EventPayload_MemberChanged,
    EventPayload_ConversationChanged,
    EventPayload_ContactChanged,
    EventPayload_Reaction,
    EventPayload_Typing,
    EventPayload_Presence,
    EventPayload_TimerFired,
    EventPayload_ResponseReceived,
    EventPayload_WebhookReceived,
    EventPayload_ActionDone,
    EventPayload_ActionFailed,
    EventPayload_Lifecycle,
    EventPayload_Other,
]
"""What happened."""

@dataclass
class Event:
    """An event."""

    id: str
    """The same over redelivery and restart: a key for de-duplication."""
    sequence: int
    """Rises within a conversation."""
    attempt: int
    """1 for the first delivery."""
    occurred_at: int
    """The platform's time."""
    received_at: int
    """The host's time."""
    bot: Bot | None
    """Which bot; none for events of the plugin alone."""
    conversation: Conversation | None
    """Where; none where there is no such place."""
    actor: User | None
    """Who did it."""
    addressing: Addressing
    """How the bot was spoken to."""
    cause: str | None
    """The id of the event that this one grew out of."""
    depth: int
    """0 for what a person or platform did, one more than its cause for what the host made of it."""
    trace_id: str
    """In logs and in outgoing calls."""
    extras: list[Extra]
    """Documented small extras, capped."""
    raw: str | None
    """What the platform sent, as JSON; only with a grant."""
    payload: EventPayload
    """What happened."""
