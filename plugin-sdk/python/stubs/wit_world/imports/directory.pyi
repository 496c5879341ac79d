# Made of wit/ by tests/tests/bindings.rs; do not edit.
"""What the platform knows. Answers come in pages, count against the call's
deadline and the bot's rate, and are cached for 60 seconds. The event's own
conversation, members and attachments need no grant. `as-user` asks on
behalf of a user, by id or user name, and needs the action grant of that
name besides the read's own."""

import builtins
from dataclasses import dataclass
from enum import Enum
from typing import Union
from . import events

@dataclass
class ReadError_Unsupported:
    """The platform has nothing like it."""

@dataclass
class ReadError_NotFound:
    """There is no such thing."""

@dataclass
class ReadError_Denied:
    """Not granted, or the platform forbids it."""

@dataclass
class ReadError_Throttled:
    """Ask again after so many milliseconds."""

    value: int

@dataclass
class ReadError_Failed:
    """Anything else."""

    value: str

ReadError = Union[
    ReadError_Unsupported,
    ReadError_NotFound,
    ReadError_Denied,
    ReadError_Throttled,
    ReadError_Failed,
]
"""Why a read failed."""

@dataclass
class ConversationPage:
    """A page of conversations."""

    items: list[events.Conversation]
    """The conversations."""
    next: str | None
    """For the next page; none at the end."""

@dataclass
class UserPage:
    """A page of users."""

    items: list[events.User]
    """The users."""
    next: str | None
    """For the next page; none at the end."""

@dataclass
class PastMessage:
    """A message of the past."""

    author: events.User
    """Who wrote it."""
    at: int
    """When."""
    message: events.Message
    """The message."""

class ContactStatus(Enum):
    """What became of a contact."""

    NONE = 0
    """Not a contact."""
    REQUESTED = 1
    """Asked by the bot, or by whom it asks for."""
    PENDING = 2
    """Asks the bot, or whom it asks for."""
    ACCEPTED = 3
    """A contact."""
    REJECTED = 4
    """Refused."""

@dataclass
class Chunk:
    """Part of a file."""

    bytes: builtins.bytes
    """The bytes from the offset on, at most 1 MiB."""
    total: int
    """Bytes of the whole file."""

@dataclass
class TransferOption:
    """Somebody a customer chat can be handed to."""

    group: bool
    """A group when true, an agent when false."""
    id: str
    """Its id."""
    name: str
    """Its name."""
    available: bool
    """Somebody is there to answer."""

@dataclass
class ConversationCapabilities:
    """What a platform can do in a conversation."""

    edit: bool
    """Messages can be changed."""
    forms: bool
    """Forms are shown as forms; else the host asks field by field."""
    threads: bool
    """There are threads."""
    visibility: bool
    """Messages for agents only exist."""
    message_bytes: int
    """Largest message in bytes."""
    file_bytes: int
    """Largest file in bytes."""
    rate: int
    """Messages a minute."""

def find_conversation(bot: str, name: str) -> events.Conversation:
    """Finds a conversation of a bot by name.

    Raises `Err` with ReadError."""
    ...

def conversations(bot: str, cursor: str | None, as_user: str | None) -> ConversationPage:
    """Lists the conversations of a bot, or of a user.

    Raises `Err` with ReadError."""
    ...

def members(conversation: str, cursor: str | None) -> UserPage:
    """Lists who is in a conversation.

    Raises `Err` with ReadError."""
    ...

def find_user(bot: str, name: str) -> events.User:
    """Finds a user of a bot's platform by e-mail address or user name.

    Raises `Err` with ReadError."""
    ...

def contact(user: str, as_user: str | None) -> ContactStatus:
    """Tells whether a user is a contact of the event's bot, or of another user.

    Raises `Err` with ReadError."""
    ...

def presence(user: str, as_user: str | None) -> events.PresenceStatus:
    """Tells whether a user is there, as the event's bot sees it, or another user.

    Raises `Err` with ReadError."""
    ...

def message(id: str) -> PastMessage:
    """Reads a message of the event's bot by id.

    Raises `Err` with ReadError."""
    ...

def history(conversation: str, before: int | None, count: int) -> list[PastMessage]:
    """Reads messages of a conversation, newest first, at most 50, older than a moment.

    Raises `Err` with ReadError."""
    ...

def attachment(id: str, offset: int) -> Chunk:
    """Reads part of a received file.

    Raises `Err` with ReadError."""
    ...

def transfer_targets(conversation: str) -> list[TransferOption]:
    """Lists whom a customer chat can be handed to.

    Raises `Err` with ReadError."""
    ...

def capabilities(conversation: str) -> ConversationCapabilities:
    """Tells what the platform can do in a conversation.

    Raises `Err` with ReadError."""
    ...
