# Made of wit/ by tests/tests/bindings.rs; do not edit.
"""What a plugin says of itself. It is asked once for each build, in an
instance without settings, state, reads, HTTP and clock."""

from dataclasses import dataclass
from enum import Enum
from typing import Union

class EventKind(Enum):
    """A kind of event."""

    MESSAGE = 0
    """Messages that match a key word, or all."""
    MESSAGE_EDITED = 1
    """Changed messages."""
    MESSAGE_DELETED = 2
    """Messages taken away."""
    FORM_SUBMITTED = 3
    """Answered forms; always delivered to the plugin that sent the form."""
    FORM_CLOSED = 4
    """Closed forms."""
    BUTTON_PRESSED = 5
    """Pressed buttons; always delivered to the plugin that sent the button."""
    MEMBER_CHANGED = 6
    """Changes of who is there."""
    CONVERSATION_CHANGED = 7
    """Changes of conversations."""
    CONTACT_CHANGED = 8
    """Changes of contacts."""
    REACTION = 9
    """Emoji put on or taken off."""
    TYPING = 10
    """Typing."""
    PRESENCE = 11
    """Presence."""
    ACTION_DONE = 12
    """Performed actions."""
    ACTION_FAILED = 13
    """Failed actions."""
    LIFECYCLE = 14
    """The plugin's own life."""
    OTHER = 15
    """What has no kind here."""

class KeyWordMatch(Enum):
    """How a key word is compared, without regard to case."""

    CONTAINS = 0
    """Anywhere in the text."""
    WORD = 1
    """As a whole word."""
    EQUALS = 2
    """The whole text."""
    REGEX = 3
    """A regular expression without look-around, at most 256 bytes; captures arrive as arguments."""

@dataclass
class KeyWord:
    """A word that a message must have. `{=name}` stands for a config key's value."""

    match: KeyWordMatch
    """How it is compared."""
    text: str
    """The word or expression."""

class MessageHas(Enum):
    """Something a message must carry."""

    MENTION = 0
    """A mention."""
    CASHTAG = 1
    """A cashtag."""
    HASHTAG = 2
    """A hashtag."""
    ATTACHMENT = 3
    """A file."""

@dataclass
class MessageFilter:
    """Which messages the plugin wants."""

    key_words: list[KeyWord]
    """Any of these; empty: any text."""
    has: list[MessageHas]
    """All of these."""
    from_bots: bool
    """Messages of other bots too."""

@dataclass
class Subscriptions:
    """What the plugin hears."""

    kinds: list[EventKind]
    """Kinds of events. Without `message` and commands no message is delivered."""
    platforms: list[str]
    """Platforms; empty: all."""
    messages: list[MessageFilter]
    """Which messages; any one of these filters is enough; empty: all."""

class MentionRule(Enum):
    """Whether the bot must be mentioned."""

    REQUIRED = 0
    """Yes."""
    OPTIONAL = 1
    """It may be."""
    NEVER = 2
    """No."""

@dataclass
class ArgumentHelp:
    """What an argument means."""

    name: str
    """The name in the pattern."""
    help: str
    """What it means, in a few words."""

@dataclass
class CommandSpec:
    """A command."""

    name: str
    """Names it in events and settings."""
    pattern: str
    """`/buy {quantity} {$ticker}`. `{=name}` stands for a config key's value."""
    mention: MentionRule
    """Whether the bot must be mentioned."""
    help: str
    """What it does, in a line."""
    arguments: list[ArgumentHelp]
    """Its arguments."""
    hidden: bool
    """Not in `/help`."""

@dataclass
class ConfigKind_Text:
    """Text."""

@dataclass
class ConfigKind_Number:
    """A number."""

@dataclass
class ConfigKind_Flag:
    """Yes or no."""

@dataclass
class ConfigKind_Duration:
    """A duration, `5m`."""

@dataclass
class ConfigKind_Choice:
    """One of these."""

    value: list[str]

@dataclass
class ConfigKind_List:
    """Texts."""

ConfigKind = Union[
    ConfigKind_Text,
    ConfigKind_Number,
    ConfigKind_Flag,
    ConfigKind_Duration,
    ConfigKind_Choice,
    ConfigKind_List,
]
"""What kind of setting it is."""

@dataclass
class ConfigKey:
    """A setting."""

    name: str
    """Its name."""
    kind: ConfigKind
    """Its kind."""
    required: bool
    """Loading fails without it."""
    default: str | None
    """Its value where it is not set, written as in the settings."""
    help: str
    """What it does."""

@dataclass
class Capability_Http:
    """HTTP, `GET https://api.example.com/v1/*`."""

    value: str

@dataclass
class Capability_Action:
    """An action that needs a grant, by its name in `action-kind`."""

    value: str

@dataclass
class Capability_Read:
    """A read that needs a grant, by its name in `directory`."""

    value: str

@dataclass
class Capability_Other:
    """Anything else."""

    value: str

Capability = Union[
    Capability_Http,
    Capability_Action,
    Capability_Read,
    Capability_Other,
]
"""Something the plugin would like to be granted."""

@dataclass
class CapabilityRequest:
    """A wish with its reason."""

    what: Capability
    """What."""
    reason: str
    """Why, in words that a person can judge."""
    optional: bool
    """The plugin works without it."""

@dataclass
class Description:
    """A plugin's description of itself."""

    name: str
    """Its name."""
    version: str
    """Its version, `1.2.3`."""
    state_version: int
    """Raised when an older build cannot read this one's state."""
    summary: str
    """What it does, in a line."""
    author: str
    """Who made it."""
    licence: str
    """SPDX licence expression."""
    homepage: str | None
    """Where to read more."""
    subscriptions: Subscriptions
    """What it hears."""
    commands: list[CommandSpec]
    """Its commands."""
    config: list[ConfigKey]
    """Its settings."""
    capabilities: list[CapabilityRequest]
    """What it asks for."""
    extras: list[tuple[str, str]]
    """For later versions."""
