//! What there is of Adaptive Cards of version 1.3, as far as Webex shows it: elements and actions, their
//! members, what each of those is, and which must be there. A table of public facts; the official schema
//! is what tests hold it against.

/// What a member is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Is {
    Text,
    Flag,
    Number,
    TextOrNumber,
    /// One of these words, in whatever letters.
    Word(&'static [&'static str]),
    /// The same, or null.
    WordOrNull(&'static [&'static str]),
    /// What a button carries: a text or an object.
    Data,
    /// An object of texts.
    Texts,
    One(Kind),
    Many(Kind),
    /// Something in its place, or the word `drop`.
    Fallback(Kind),
    /// An address, or an image with more to it.
    Background,
    /// A flag or null.
    FlagOrNull,
}

/// What stands inside of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Element,
    Action,
    /// An action behind a tap.
    Tap,
    Card,
    Column,
    Image,
    Fact,
    Choice,
    /// A text, or a run of text.
    Inline,
    /// A name, or a target.
    Target,
    Background,
}

/// One kind of thing.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) needs: &'static [&'static str],
    own: &'static [Member],
    shared: &'static [Member],
}

pub(super) type Member = (&'static str, Is);

impl Shape {
    /// What a member is; none where there is no such member.
    pub(super) fn member(&self, name: &str) -> Option<Is> {
        let mut members = self.own.iter().chain(self.shared);
        members.find(|(known, _)| *known == name).map(|(_, is)| *is)
    }
}

const fn shape(
    name: &'static str,
    needs: &'static [&'static str],
    own: &'static [Member],
    shared: &'static [Member],
) -> Shape {
    Shape {
        name,
        needs,
        own,
        shared,
    }
}

const SPACING: Is = Is::Word(&[
    "default",
    "none",
    "small",
    "medium",
    "large",
    "extraLarge",
    "padding",
]);
const HEIGHT: Is = Is::Word(&["auto", "stretch"]);
const ACROSS: Is = Is::Word(&["left", "center", "right"]);
const DOWN: Is = Is::Word(&["top", "center", "bottom"]);
const IMAGE_SIZE: Is = Is::Word(&["auto", "stretch", "small", "medium", "large"]);
const COLOR: Is = Is::Word(&[
    "default",
    "dark",
    "light",
    "accent",
    "good",
    "warning",
    "attention",
]);
const FONT_SIZE: Is = Is::Word(&["default", "small", "medium", "large", "extraLarge"]);
const FONT_TYPE: Is = Is::Word(&["default", "monospace"]);
const FONT_WEIGHT: Is = Is::Word(&["default", "lighter", "bolder"]);
const CONTAINER_STYLE: Is = Is::WordOrNull(&[
    "default",
    "emphasis",
    "good",
    "attention",
    "warning",
    "accent",
]);

const ELEMENT: &[Member] = &[
    ("id", Is::Text),
    ("isVisible", Is::Flag),
    ("requires", Is::Texts),
    ("fallback", Is::Fallback(Kind::Element)),
    ("height", HEIGHT),
    ("separator", Is::Flag),
    ("spacing", SPACING),
];
const INPUT: &[Member] = &[
    ("id", Is::Text),
    ("isVisible", Is::Flag),
    ("requires", Is::Texts),
    ("fallback", Is::Fallback(Kind::Element)),
    ("height", HEIGHT),
    ("separator", Is::Flag),
    ("spacing", SPACING),
    ("label", Is::Text),
    ("isRequired", Is::Flag),
    ("errorMessage", Is::Text),
];
const ACTION: &[Member] = &[
    ("title", Is::Text),
    ("iconUrl", Is::Text),
    ("style", Is::Word(&["default", "positive", "destructive"])),
    ("fallback", Is::Fallback(Kind::Action)),
    ("requires", Is::Texts),
];

/// A card.
pub(super) const CARD: Shape = shape(
    "AdaptiveCard",
    &[],
    &[
        ("$schema", Is::Text),
        ("version", Is::Text),
        ("body", Is::Many(Kind::Element)),
        ("actions", Is::Many(Kind::Action)),
        ("selectAction", Is::One(Kind::Tap)),
        ("fallbackText", Is::Text),
        ("backgroundImage", Is::Background),
        ("minHeight", Is::Text),
        ("speak", Is::Text),
        ("lang", Is::Text),
        ("verticalContentAlignment", DOWN),
    ],
    &[],
);

/// Elements.
pub(super) const ELEMENTS: &[Shape] = &[
    shape(
        "TextBlock",
        &["text"],
        &[
            ("text", Is::Text),
            ("color", COLOR),
            ("fontType", FONT_TYPE),
            ("horizontalAlignment", ACROSS),
            ("isSubtle", Is::Flag),
            ("maxLines", Is::Number),
            ("size", FONT_SIZE),
            ("weight", FONT_WEIGHT),
            ("wrap", Is::Flag),
        ],
        ELEMENT,
    ),
    shape(
        "RichTextBlock",
        &["inlines"],
        &[
            ("inlines", Is::Many(Kind::Inline)),
            ("horizontalAlignment", ACROSS),
        ],
        ELEMENT,
    ),
    IMAGE,
    shape(
        "ImageSet",
        &["images"],
        &[("images", Is::Many(Kind::Image)), ("imageSize", IMAGE_SIZE)],
        ELEMENT,
    ),
    shape(
        "FactSet",
        &["facts"],
        &[("facts", Is::Many(Kind::Fact))],
        ELEMENT,
    ),
    shape(
        "Container",
        &["items"],
        &[
            ("items", Is::Many(Kind::Element)),
            ("selectAction", Is::One(Kind::Tap)),
            ("style", CONTAINER_STYLE),
            ("verticalContentAlignment", DOWN),
            ("bleed", Is::Flag),
            ("backgroundImage", Is::Background),
            ("minHeight", Is::Text),
        ],
        ELEMENT,
    ),
    shape(
        "ColumnSet",
        &[],
        &[
            ("columns", Is::Many(Kind::Column)),
            ("selectAction", Is::One(Kind::Tap)),
            ("style", CONTAINER_STYLE),
            ("bleed", Is::Flag),
            ("minHeight", Is::Text),
            ("horizontalAlignment", ACROSS),
        ],
        ELEMENT,
    ),
    shape(
        "ActionSet",
        &["actions"],
        &[("actions", Is::Many(Kind::Action))],
        ELEMENT,
    ),
    shape(
        "Input.Text",
        &["id"],
        &[
            ("isMultiline", Is::Flag),
            ("maxLength", Is::Number),
            ("placeholder", Is::Text),
            ("regex", Is::Text),
            ("style", Is::Word(&["text", "tel", "url", "email"])),
            ("inlineAction", Is::One(Kind::Tap)),
            ("value", Is::Text),
        ],
        INPUT,
    ),
    shape(
        "Input.Number",
        &["id"],
        &[
            ("min", Is::Number),
            ("max", Is::Number),
            ("placeholder", Is::Text),
            ("value", Is::Number),
        ],
        INPUT,
    ),
    shape("Input.Date", &["id"], MOMENT, INPUT),
    shape("Input.Time", &["id"], MOMENT, INPUT),
    shape(
        "Input.Toggle",
        &["id", "title"],
        &[
            ("title", Is::Text),
            ("value", Is::Text),
            ("valueOn", Is::Text),
            ("valueOff", Is::Text),
            ("wrap", Is::Flag),
        ],
        INPUT,
    ),
    shape(
        "Input.ChoiceSet",
        &["id", "choices"],
        &[
            ("choices", Is::Many(Kind::Choice)),
            ("isMultiSelect", Is::Flag),
            ("style", Is::Word(&["compact", "expanded"])),
            ("value", Is::Text),
            ("placeholder", Is::Text),
            ("wrap", Is::Flag),
        ],
        INPUT,
    ),
];

const MOMENT: &[Member] = &[
    ("min", Is::Text),
    ("max", Is::Text),
    ("placeholder", Is::Text),
    ("value", Is::Text),
];

/// Actions.
pub(super) const ACTIONS: &[Shape] = &[
    shape("Action.OpenUrl", &["url"], &[("url", Is::Text)], ACTION),
    shape(
        "Action.Submit",
        &[],
        &[
            ("data", Is::Data),
            ("associatedInputs", Is::Word(&["auto", "none"])),
        ],
        ACTION,
    ),
    shape(
        "Action.ToggleVisibility",
        &["targetElements"],
        &[("targetElements", Is::Many(Kind::Target))],
        ACTION,
    ),
    shape(
        SHOW_CARD,
        &["card"],
        &[("card", Is::One(Kind::Card))],
        ACTION,
    ),
];

/// The one action that no tap may be.
pub(super) const SHOW_CARD: &str = "Action.ShowCard";

/// An image, whose height is a text.
pub(super) const IMAGE: Shape = shape(
    "Image",
    &["url"],
    &[
        ("url", Is::Text),
        ("altText", Is::Text),
        ("backgroundColor", Is::Text),
        ("height", Is::Text),
        ("width", Is::Text),
        ("horizontalAlignment", ACROSS),
        ("selectAction", Is::One(Kind::Tap)),
        ("size", IMAGE_SIZE),
        ("style", Is::Word(&["default", "person"])),
    ],
    ELEMENT,
);

/// A column.
pub(super) const COLUMN: Shape = shape(
    "Column",
    &[],
    &[
        ("items", Is::Many(Kind::Element)),
        ("backgroundImage", Is::Background),
        ("bleed", Is::Flag),
        ("fallback", Is::Fallback(Kind::Column)),
        ("minHeight", Is::Text),
        ("separator", Is::Flag),
        ("spacing", SPACING),
        ("selectAction", Is::One(Kind::Tap)),
        ("style", CONTAINER_STYLE),
        ("verticalContentAlignment", DOWN),
        ("width", Is::TextOrNumber),
        ("id", Is::Text),
        ("isVisible", Is::Flag),
        ("requires", Is::Texts),
    ],
    &[],
);

/// A name and what it is.
pub(super) const FACT: Shape = shape("Fact", &["title", "value"], PAIR, &[]);
/// What can be chosen.
pub(super) const CHOICE: Shape = shape("Input.Choice", &["title", "value"], PAIR, &[]);

const PAIR: &[Member] = &[("title", Is::Text), ("value", Is::Text)];

/// A run of text.
pub(super) const RUN: Shape = shape(
    "TextRun",
    &["text"],
    &[
        ("text", Is::Text),
        ("color", COLOR),
        ("fontType", FONT_TYPE),
        ("highlight", Is::Flag),
        ("isSubtle", Is::Flag),
        ("italic", Is::Flag),
        ("selectAction", Is::One(Kind::Tap)),
        ("size", FONT_SIZE),
        ("strikethrough", Is::Flag),
        ("underline", Is::Flag),
        ("weight", FONT_WEIGHT),
    ],
    &[],
);

/// What an action shows or hides.
pub(super) const TARGET: Shape = shape(
    "TargetElement",
    &["elementId"],
    &[("elementId", Is::Text), ("isVisible", Is::FlagOrNull)],
    &[],
);

/// What lies behind other things.
pub(super) const BACKGROUND: Shape = shape(
    "BackgroundImage",
    &["url"],
    &[
        ("url", Is::Text),
        (
            "fillMode",
            Is::Word(&["cover", "repeatHorizontally", "repeatVertically", "repeat"]),
        ),
        ("horizontalAlignment", ACROSS),
        ("verticalAlignment", DOWN),
    ],
    &[],
);
