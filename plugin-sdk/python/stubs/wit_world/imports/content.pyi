# Made of wit/ by tests/tests/bindings.rs; do not edit.
"""What a message says. WIT has no recursion, so content is a flat list of
blocks, and each block holds a flat list of spans.

Text is data: the host escapes it for every platform, so nothing in a
`text` can become markup, a mention or a link."""

from dataclasses import dataclass
from enum import Enum, Flag
from typing import Union

class TextStyle(Flag):
    """How a run of text looks. Platforms without a style drop it."""

    BOLD = 1
    """Heavier."""
    ITALIC = 2
    """Slanted."""
    UNDERLINE = 4
    """With a line below."""
    STRIKE = 8
    """With a line through."""
    CODE = 16
    """Fixed width."""

@dataclass
class TextSpan:
    """A run of text in one style."""

    text: str
    """The characters, shown as they are. A line feed is a line break."""
    style: TextStyle
    """The style of the whole run."""

@dataclass
class LinkSpan:
    """Text that leads to an address."""

    text: str
    """What is shown; the address itself when empty."""
    url: str
    """Absolute `http`, `https` or `mailto` URL. The reader's client opens it, the host never does."""

@dataclass
class MentionTarget_User:
    """A user by platform id."""

    value: str

@dataclass
class MentionTarget_Email:
    """A user by e-mail address."""

    value: str

@dataclass
class MentionTarget_All:
    """Everybody in the conversation."""

MentionTarget = Union[
    MentionTarget_User,
    MentionTarget_Email,
    MentionTarget_All,
]
"""Who is mentioned."""

@dataclass
class MentionSpan:
    """A mention of a user or of everybody."""

    target: MentionTarget
    """Who is mentioned."""
    text: str
    """The name to show where the platform has no mentions of its own."""

class DateFormat(Enum):
    """Which part of a moment is shown."""

    DATE = 0
    """Day only."""
    TIME = 1
    """Time of day only."""
    DATE_TIME = 2
    """Day and time."""

@dataclass
class DateTimeSpan:
    """A moment, shown in the reader's time zone where the platform can."""

    at: int
    """The moment."""
    format: DateFormat
    """What of it is shown."""

@dataclass
class OtherSpan:
    """Something this version has no case for."""

    kind: str
    """Its name."""
    text: str
    """The text to show instead."""

@dataclass
class Span_Text:
    """Text in one style."""

    value: TextSpan

@dataclass
class Span_Link:
    """A link."""

    value: LinkSpan

@dataclass
class Span_Mention:
    """A mention."""

    value: MentionSpan

@dataclass
class Span_Cashtag:
    """A ticker without its `$`."""

    value: str

@dataclass
class Span_Hashtag:
    """A topic without its `#`."""

    value: str

@dataclass
class Span_Emoji:
    """A shortcode without its colons, `smile`."""

    value: str

@dataclass
class Span_DateTime:
    """A moment."""

    value: DateTimeSpan

@dataclass
class Span_LineBreak:
    """A new line inside the block."""

@dataclass
class Span_Other:
    """Anything else."""

    value: OtherSpan

Span = Union[
    Span_Text,
    Span_Link,
    Span_Mention,
    Span_Cashtag,
    Span_Hashtag,
    Span_Emoji,
    Span_DateTime,
    Span_LineBreak,
    Span_Other,
]
"""A piece of a line."""

@dataclass
class Heading:
    """A title of one of six levels."""

    level: int
    """1 (largest) to 6."""
    spans: list[Span]
    """The title."""

@dataclass
class CodeBlock:
    """Text that keeps its spaces and line ends."""

    language: str | None
    """`rust`, `json`, …; none where it is not known."""
    text: str
    """The code."""

@dataclass
class ListItem:
    """One line of a list. Lines of one list follow each other."""

    indent: int
    """0 for the outermost list, at most 8."""
    ordered: bool
    """Numbered by the host when true, a bullet when false."""
    spans: list[Span]
    """The line."""

class Alignment(Enum):
    """Where a column's text stands."""

    LEFT = 0
    """At the left."""
    CENTER = 1
    """In the middle."""
    RIGHT = 2
    """At the right, for numbers."""

@dataclass
class Table:
    """A table. Rows shorter than the header are filled with empty cells."""

    header: list[list[Span]]
    """One cell a column. A cell is a list of spans."""
    rows: list[list[list[Span]]]
    """Rows of cells."""
    columns: list[Alignment]
    """One a column; columns without one are `left`."""

@dataclass
class MediaSource_Url:
    """An address that the reader's client opens. Where a platform needs the
    bytes, the host fetches them only under the plugin's HTTP grants."""

    value: str

@dataclass
class MediaSource_Attachment:
    """The number, from 0, of one of the send's attachments."""

    value: int

MediaSource = Union[
    MediaSource_Url,
    MediaSource_Attachment,
]
"""Where the bytes of an image or attachment are."""

@dataclass
class Image:
    """An image."""

    source: MediaSource
    """Where it is."""
    alternative: str
    """What it shows, for people and platforms that cannot show it."""

@dataclass
class AttachmentBlock:
    """A file that the reader may open."""

    source: MediaSource
    """Where it is."""
    name: str
    """What it is called."""

class ButtonStyle(Enum):
    """How much a button stands out."""

    PRIMARY = 0
    """The expected choice."""
    SECONDARY = 1
    """Any other choice."""
    DANGER = 2
    """A choice that cannot be taken back."""

@dataclass
class ActionButton:
    """An action button: pressing it is a `button-pressed` event, or, in a form, submits the form."""

    id: str
    """Names the button for the plugin. Unique in its message or form."""
    value: str
    """Handed back when it is pressed."""

@dataclass
class ButtonKind_Action:
    """Tells the plugin."""

    value: ActionButton

@dataclass
class ButtonKind_Link:
    """Opens an address."""

    value: str

@dataclass
class ButtonKind_Reply:
    """Says this text as the person who pressed."""

    value: str

ButtonKind = Union[
    ButtonKind_Action,
    ButtonKind_Link,
    ButtonKind_Reply,
]
"""What pressing a button does."""

@dataclass
class Button:
    """A button."""

    label: str
    """What is written on it."""
    kind: ButtonKind
    """What it does."""
    style: ButtonStyle
    """How it looks."""

@dataclass
class Fact:
    """A name with its value."""

    name: str
    """The name."""
    value: str
    """The value."""

@dataclass
class Card:
    """A framed summary."""

    title: str
    """The first line."""
    subtitle: str | None
    """The second line."""
    paragraphs: list[list[Span]]
    """The text, a list of spans each."""
    facts: list[Fact]
    """Name and value pairs."""
    buttons: list[Button]
    """Buttons at the end."""

@dataclass
class Choice:
    """One of the values a field offers."""

    value: str
    """What is handed back."""
    label: str
    """What is shown."""

@dataclass
class OtherField:
    """A field kind this version has no case for."""

    name: str
    """Its name on the platform."""
    json: str
    """Its settings as JSON."""

@dataclass
class FieldKind_Text:
    """One line of text."""

@dataclass
class FieldKind_Multiline:
    """Several lines of text."""

@dataclass
class FieldKind_Number:
    """A number."""

@dataclass
class FieldKind_Checkbox:
    """Yes or no."""

@dataclass
class FieldKind_Radio:
    """One of `choices`, all shown."""

@dataclass
class FieldKind_Select:
    """One of `choices`."""

@dataclass
class FieldKind_MultiSelect:
    """Any of `choices`."""

@dataclass
class FieldKind_Date:
    """A day, `2026-11-20`."""

@dataclass
class FieldKind_Time:
    """A time of day, `14:30`."""

@dataclass
class FieldKind_Timezone:
    """An IANA time zone name."""

@dataclass
class FieldKind_User:
    """A user."""

@dataclass
class FieldKind_Conversation:
    """A conversation."""

@dataclass
class FieldKind_Hidden:
    """Not shown; its default comes back."""

@dataclass
class FieldKind_Other:
    """A platform's own kind."""

    value: OtherField

FieldKind = Union[
    FieldKind_Text,
    FieldKind_Multiline,
    FieldKind_Number,
    FieldKind_Checkbox,
    FieldKind_Radio,
    FieldKind_Select,
    FieldKind_MultiSelect,
    FieldKind_Date,
    FieldKind_Time,
    FieldKind_Timezone,
    FieldKind_User,
    FieldKind_Conversation,
    FieldKind_Hidden,
    FieldKind_Other,
]
"""What a field asks for."""

@dataclass
class FieldPattern:
    """A rule on text, with the sentence that a person reads who breaks it."""

    regex: str
    """A regular expression without look-around, matched against the whole value; 256 bytes at most."""
    message: str
    """What the person is told."""

@dataclass
class Field:
    """One question of a form."""

    id: str
    """Names the value in the submission. Unique in the form."""
    label: str
    """What is asked."""
    kind: FieldKind
    """What kind of answer."""
    choices: list[Choice]
    """What may be chosen, for `radio`, `select` and `multi-select`."""
    required: bool
    """An empty answer is refused."""
    multiple: bool
    """More than one value may be given (`user`, `conversation`, `multi-select`)."""
    read_only: bool
    """Shown and not to be changed; its default comes back."""
    defaults: list[str]
    """Values it begins with, written as in a submission."""
    placeholder: str | None
    """A hint shown while the field is empty."""
    pattern: FieldPattern | None
    """A rule on the text."""
    min: str | None
    """Smallest number, date or time, or fewest characters."""
    max: str | None
    """Largest number, date or time, or most characters."""

class FormAnswers(Enum):
    """How often a form may be answered."""

    ONCE = 0
    """By the first person only; then it closes."""
    ONCE_PER_USER = 1
    """By each person once."""
    ANY = 2
    """As often as anybody likes."""

@dataclass
class FormAudience_Anyone:
    """Everybody in the conversation."""

@dataclass
class FormAudience_Actor:
    """The person the event came from."""

@dataclass
class FormAudience_Users:
    """These users, by id."""

    value: list[str]

@dataclass
class FormAudience_Roles:
    """Holders of these roles of the operator's."""

    value: list[str]

FormAudience = Union[
    FormAudience_Anyone,
    FormAudience_Actor,
    FormAudience_Users,
    FormAudience_Roles,
]
"""Who may answer a form."""

@dataclass
class FormEnd_Never:
    """Not by itself; the host closes it after 90 days."""

@dataclass
class FormEnd_At:
    """At this moment."""

    value: int

@dataclass
class FormEnd_After:
    """So many milliseconds after it was sent."""

    value: int

FormEnd = Union[
    FormEnd_Never,
    FormEnd_At,
    FormEnd_After,
]
"""When a form closes by itself."""

@dataclass
class Form:
    """Questions asked together. The host keeps every form sent, checks each
    submission against it and wakes the plugin only with a valid one."""

    id: str
    """Names the form for the plugin."""
    title: str | None
    """What stands above it."""
    fields: list[Field]
    """The questions, at most 50."""
    buttons: list[Button]
    """Action buttons that submit it; one `Submit` is added where there is none."""
    answers: FormAnswers
    """How often it may be answered."""
    audience: FormAudience
    """Who may answer it."""
    end: FormEnd
    """When it closes."""

@dataclass
class RawBlock:
    """Markup of one platform, sent there as it is."""

    platform: str
    """The platform: `symphony`, `webex`, `lseg`, `livechat`, `local`."""
    text: str
    """The markup."""
    fallback: int
    """How many of the blocks that follow stand in for it on other platforms, at least 1."""

@dataclass
class Block_Paragraph:
    """Running text."""

    value: list[Span]

@dataclass
class Block_Heading:
    """A title."""

    value: Heading

@dataclass
class Block_Quote:
    """Somebody's words."""

    value: list[Span]

@dataclass
class Block_Code:
    """Code."""

    value: CodeBlock

@dataclass
class Block_Divider:
    """A line across."""

@dataclass
class Block_ListItem:
    """A line of a list."""

    value: ListItem

@dataclass
class Block_Table:
    """A table."""

    value: Table

@dataclass
class Block_Image:
    """An image."""

    value: Image

@dataclass
class Block_Attachment:
    """A file."""

    value: AttachmentBlock

@dataclass
class Block_Card:
    """A card."""

    value: Card

@dataclass
class Block_Form:
    """A form."""

    value: Form

@dataclass
class Block_Buttons:
    """A row of buttons."""

    value: list[Button]

@dataclass
class Block_Raw:
    """One platform's own markup, with its stand-in."""

    value: RawBlock

Block = Union[
    Block_Paragraph,
    Block_Heading,
    Block_Quote,
    Block_Code,
    Block_Divider,
    Block_ListItem,
    Block_Table,
    Block_Image,
    Block_Attachment,
    Block_Card,
    Block_Form,
    Block_Buttons,
    Block_Raw,
]
"""A part of a message that stands by itself."""

@dataclass
class Content_Plain:
    """Text as it is."""

    value: str

@dataclass
class Content_Markdown:
    """CommonMark with tables."""

    value: str

@dataclass
class Content_MessageMl:
    """Symphony's MessageML; an unknown tag is an error that names it."""

    value: str

@dataclass
class Content_Blocks:
    """Blocks."""

    value: list[Block]

Content = Union[
    Content_Plain,
    Content_Markdown,
    Content_MessageMl,
    Content_Blocks,
]
"""What a message says, in the form that suits the author."""
