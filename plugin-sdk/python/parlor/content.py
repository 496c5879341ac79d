"""What a message says: text, Markdown, MessageML, or blocks made of spans."""

from dataclasses import dataclass, field as _field
from typing import Callable, Iterable, Sequence, Union

from wit_world.imports import content as wit

_PLAIN = wit.TextStyle(0)

Span = wit.Span
Block = wit.Block
#: Text, a span, or several of them.
Line = Union[str, wit.Span, Sequence[Union[str, wit.Span]]]


def text(words: str, style: wit.TextStyle = _PLAIN) -> wit.Span:
    """Words with a style."""
    return wit.Span_Text(wit.TextSpan(words, style))


def bold(words: str) -> wit.Span:
    """Bold words."""
    return text(words, wit.TextStyle.BOLD)


def italic(words: str) -> wit.Span:
    """Words in italics."""
    return text(words, wit.TextStyle.ITALIC)


def code(words: str) -> wit.Span:
    """Words as code."""
    return text(words, wit.TextStyle.CODE)


def link(words: str, url: str) -> wit.Span:
    """Words that open an address."""
    return wit.Span_Link(wit.LinkSpan(words, url))


def mention(user: str, shown: str = "") -> wit.Span:
    """Somebody, by user id."""
    return wit.Span_Mention(wit.MentionSpan(wit.MentionTarget_User(user), shown))


def emoji(shortcode: str) -> wit.Span:
    """An emoji by its shortcode, without colons."""
    return wit.Span_Emoji(shortcode)


def spans(line: Line) -> list[wit.Span]:
    """A line as spans."""
    if isinstance(line, str):
        return [text(line)]
    if isinstance(line, Sequence):
        return [text(part) if isinstance(part, str) else part for part in line]
    return [line]


def paragraph(*line: Union[str, wit.Span]) -> wit.Block:
    """Running text."""
    return wit.Block_Paragraph(spans(list(line)))


def heading(level: int, words: Line) -> wit.Block:
    """A title."""
    return wit.Block_Heading(wit.Heading(level, spans(words)))


def quote(*line: Union[str, wit.Span]) -> wit.Block:
    """Somebody's words."""
    return wit.Block_Quote(spans(list(line)))


def divider() -> wit.Block:
    """A line across."""
    return wit.Block_Divider()


def image(url: str, alternative: str) -> wit.Block:
    """An image by its address, with what is said where it is not shown."""
    return wit.Block_Image(wit.Image(wit.MediaSource_Url(url), alternative))


def markdown(words: str) -> wit.Content:
    """CommonMark with tables."""
    return wit.Content_Markdown(words)


def message_ml(markup: str) -> wit.Content:
    """Symphony's markup; other platforms show the nearest."""
    return wit.Content_MessageMl(markup)


_ALIGNMENTS = {
    "l": wit.Alignment.LEFT,
    "c": wit.Alignment.CENTER,
    "r": wit.Alignment.RIGHT,
}


@dataclass
class Table:
    """A table. `align` has a letter a column: `l`, `c` or `r`."""

    header: Sequence[Line]
    rows: Iterable[Sequence[Line]]
    align: str = ""

    def block(self) -> wit.Block:
        """The table as a block."""
        align = self.align.ljust(len(self.header), "l")
        return wit.Block_Table(
            wit.Table(
                [spans(cell) for cell in self.header],
                [[spans(cell) for cell in row] for row in self.rows],
                [_ALIGNMENTS[letter] for letter in align],
            )
        )


@dataclass
class Button:
    """A button: does something (`id`), opens an address (`url`) or says something (`says`)."""

    label: str
    id: str | None = None
    value: str = ""
    url: str | None = None
    says: str | None = None
    style: str = "secondary"

    def wit(self) -> wit.Button:
        """The button as the contract has it."""
        if self.url is not None:
            kind: wit.ButtonKind = wit.ButtonKind_Link(self.url)
        elif self.says is not None:
            kind = wit.ButtonKind_Reply(self.says)
        else:
            kind = wit.ButtonKind_Action(wit.ActionButton(self.id or self.label, self.value))
        return wit.Button(self.label, kind, wit.ButtonStyle[self.style.upper()])


@dataclass
class Card:
    """A framed summary."""

    title: str
    subtitle: str | None = None
    paragraphs: Sequence[Line] = ()
    facts: dict[str, str] = _field(default_factory=dict)
    buttons: Sequence[Button] = ()

    def block(self) -> wit.Block:
        """The card as a block."""
        return wit.Block_Card(
            wit.Card(
                self.title,
                self.subtitle,
                [spans(line) for line in self.paragraphs],
                [wit.Fact(name, value) for name, value in self.facts.items()],
                [button.wit() for button in self.buttons],
            )
        )


_KINDS: dict[str, Callable[[], wit.FieldKind]] = {
    "text": wit.FieldKind_Text,
    "multiline": wit.FieldKind_Multiline,
    "number": wit.FieldKind_Number,
    "checkbox": wit.FieldKind_Checkbox,
    "radio": wit.FieldKind_Radio,
    "select": wit.FieldKind_Select,
    "multi-select": wit.FieldKind_MultiSelect,
    "date": wit.FieldKind_Date,
    "time": wit.FieldKind_Time,
    "timezone": wit.FieldKind_Timezone,
    "user": wit.FieldKind_User,
    "conversation": wit.FieldKind_Conversation,
    "hidden": wit.FieldKind_Hidden,
}


@dataclass
class Field:
    """A question of a form. `kind` is the contract's name: `text`, `number`, `select`, …"""

    id: str
    label: str
    kind: str = "text"
    choices: dict[str, str] | Sequence[str] = ()
    required: bool = False
    multiple: bool = False
    read_only: bool = False
    default: str | Sequence[str] = ()
    placeholder: str | None = None
    pattern: tuple[str, str] | None = None
    min: str | int | float | None = None
    max: str | int | float | None = None

    def wit(self) -> wit.Field:
        """The field as the contract has it."""
        if self.kind not in _KINDS:
            raise ValueError(f"field {self.id}: kind {self.kind!r} is none of {', '.join(_KINDS)}")
        pairs = self.choices.items() if isinstance(self.choices, dict) else ((it, it) for it in self.choices)
        defaults = [self.default] if isinstance(self.default, str) else list(self.default)
        return wit.Field(
            id=self.id,
            label=self.label,
            kind=_KINDS[self.kind](),
            choices=[wit.Choice(value, label) for value, label in pairs],
            required=self.required,
            multiple=self.multiple,
            read_only=self.read_only,
            defaults=defaults,
            placeholder=self.placeholder,
            pattern=None if self.pattern is None else wit.FieldPattern(*self.pattern),
            min=None if self.min is None else str(self.min),
            max=None if self.max is None else str(self.max),
        )


@dataclass
class Form:
    """Questions asked together; the host wakes the plugin with a valid answer only."""

    id: str
    fields: Sequence[Field]
    title: str | None = None
    submit: str | None = None
    buttons: Sequence[Button] = ()
    answers: str = "any"
    audience: wit.FormAudience = _field(default_factory=wit.FormAudience_Anyone)
    end: wit.FormEnd = _field(default_factory=wit.FormEnd_Never)

    def block(self) -> wit.Block:
        """The form as a block."""
        buttons = list(self.buttons)
        if self.submit is not None:
            buttons.append(Button(self.submit, id="submit", style="primary"))
        return wit.Block_Form(
            wit.Form(
                id=self.id,
                title=self.title,
                fields=[field.wit() for field in self.fields],
                buttons=[button.wit() for button in buttons],
                answers=wit.FormAnswers[self.answers.upper().replace("-", "_")],
                audience=self.audience,
                end=self.end,
            )
        )


_CONTENT = (wit.Content_Plain, wit.Content_Markdown, wit.Content_MessageMl, wit.Content_Blocks)

#: What may be said: a text, Markdown or MessageML, or blocks.
Part = Union[str, wit.Block, wit.Content, Table, Card, Form, Button]


def content(*parts: Part) -> wit.Content:
    """One text, one content, or blocks (tables, forms, cards, rows of buttons, paragraphs)."""
    if len(parts) == 1 and isinstance(parts[0], str):
        return wit.Content_Plain(parts[0])
    if len(parts) == 1 and isinstance(parts[0], _CONTENT):
        return parts[0]
    blocks: list[wit.Block] = []
    row: list[wit.Button] = []
    for part in parts:
        if isinstance(part, Button):
            row.append(part.wit())
            continue
        if row:
            blocks.append(wit.Block_Buttons(row))
            row = []
        if isinstance(part, str):
            blocks.append(paragraph(part))
        elif isinstance(part, (Table, Card, Form)):
            blocks.append(part.block())
        elif isinstance(part, _CONTENT):
            raise TypeError("Markdown and MessageML are a message of their own, not a part of one")
        else:
            blocks.append(part)
    if row:
        blocks.append(wit.Block_Buttons(row))
    return wit.Content_Blocks(blocks)
