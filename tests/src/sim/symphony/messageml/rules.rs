//! What each element may have: attributes, content, parents.

/// What an element may hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// Anything.
    Any,
    /// Text and what stands in a line of it.
    Phrasing,
    /// The same, and `pre`.
    PhrasingOrPre,
    /// Nothing.
    Nothing,
    /// Text alone.
    Text,
    /// These; of text only white space.
    Only(&'static [&'static str]),
    /// These and text.
    TextOr(&'static [&'static str]),
}

/// What holds of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) attributes: &'static [&'static str],
    pub(super) required: &'static [&'static str],
    pub(super) content: Content,
    /// Whether `class` and `style` are allowed.
    pub(super) styled: bool,
    /// Whether it stands in a form only.
    pub(super) in_form: bool,
    /// Attributes of few values.
    pub(super) values: &'static [(&'static str, &'static [&'static str])],
    /// The parents it may have; none: any.
    pub(super) parents: &'static [&'static str],
    /// Whether only MessageML knows it.
    pub(super) shorthand: bool,
}

const BOOL: &[&str] = &["true", "false"];

const PLAIN: Rule = Rule {
    attributes: &[],
    required: &[],
    content: Content::Any,
    styled: true,
    in_form: false,
    values: &[],
    parents: &[],
    shorthand: false,
};

const INPUT: Rule = Rule {
    styled: false,
    in_form: true,
    required: &["name"],
    content: Content::Nothing,
    ..PLAIN
};

const TABLE_PARTS: &[&str] = &["thead", "tbody", "tfoot", "tr"];

/// What stands in a line of text.
pub(super) const PHRASING: &[&str] = &[
    "a", "b", "i", "img", "br", "span", "emoji", "hash", "cash", "mention", "sub", "sup", "chime",
];

/// The rule of an element; none: there is no such element.
pub(super) fn rule(tag: &str) -> Option<Rule> {
    let rule = match tag {
        "p" | "li" | "th" => PLAIN,
        "div" | "span" => Rule {
            attributes: &["data-entity-id"],
            ..PLAIN
        },
        "b" | "i" | "pre" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Rule {
            content: Content::Phrasing,
            ..PLAIN
        },
        "sub" | "sup" => PLAIN,
        "br" | "hr" => Rule {
            content: Content::Nothing,
            styled: false,
            ..PLAIN
        },
        "code" => Rule {
            attributes: &["language"],
            content: Content::PhrasingOrPre,
            values: &[(
                "language",
                &[
                    "plaintext",
                    "c",
                    "cpp",
                    "csharp",
                    "css",
                    "html",
                    "java",
                    "js",
                    "jsx",
                    "php",
                    "python",
                    "r",
                    "typescript",
                    "tsx",
                    "markdown",
                    "json",
                    "scala",
                    "shell",
                    "yaml",
                ],
            )],
            ..PLAIN
        },
        "a" => Rule {
            attributes: &["href"],
            required: &["href"],
            ..PLAIN
        },
        "img" => Rule {
            attributes: &["src"],
            required: &["src"],
            content: Content::Nothing,
            ..PLAIN
        },
        "ul" | "ol" => Rule {
            content: Content::Only(&["li"]),
            ..PLAIN
        },
        "table" => Rule {
            content: Content::Only(TABLE_PARTS),
            ..PLAIN
        },
        "thead" | "tbody" | "tfoot" => Rule {
            content: Content::Only(&["tr"]),
            ..PLAIN
        },
        "tr" => Rule {
            content: Content::Only(&["th", "td"]),
            ..PLAIN
        },
        "td" => Rule {
            attributes: &["rowspan", "colspan"],
            ..PLAIN
        },
        _ => {
            return entity(tag)
                .or_else(|| block(tag))
                .or_else(|| form_part(tag));
        }
    };
    Some(rule)
}

fn entity(tag: &str) -> Option<Rule> {
    let entity = Rule {
        styled: false,
        content: Content::Nothing,
        shorthand: true,
        ..PLAIN
    };
    let rule = match tag {
        "hash" | "cash" => Rule {
            attributes: &["tag"],
            required: &["tag"],
            ..entity
        },
        "mention" => Rule {
            attributes: &["uid", "email", "strict"],
            ..entity
        },
        "tag" => Rule {
            attributes: &[
                "fullbbgcompticker",
                "unique-id",
                "figi",
                "bbgcompticker",
                "figi-ticker",
                "us-code",
                "isin",
                "local-code",
                "instrument-class",
                "bbgmarket-sector",
                "return-main-listing",
                "country-code",
                "operational-mic",
                "fallback-ticker",
            ],
            values: &[
                ("instrument-class", &["equity", "index", "fxcross"]),
                (
                    "bbgmarket-sector",
                    &[
                        "Equity", "Comdty", "Corp", "Curncy", "Govt", "Index", "Mmkt", "Mtge",
                        "Muni", "Pfd",
                    ],
                ),
                ("return-main-listing", BOOL),
            ],
            shorthand: false,
            ..entity
        },
        "emoji" => Rule {
            attributes: &["shortcode", "annotation", "family", "size"],
            content: Content::Phrasing,
            shorthand: false,
            ..entity
        },
        "dateTime" => Rule {
            attributes: &["value", "format"],
            required: &["value"],
            values: &[("format", &["date_time", "date", "time", "time_secs"])],
            shorthand: false,
            ..entity
        },
        "chime" => entity,
        _ => return None,
    };
    Some(rule)
}

fn block(tag: &str) -> Option<Rule> {
    let block = Rule {
        shorthand: true,
        ..PLAIN
    };
    let rule = match tag {
        "card" => Rule {
            attributes: &["iconSrc", "accent"],
            content: Content::Only(&["header", "body"]),
            ..block
        },
        "expandable-card" => Rule {
            attributes: &["state"],
            required: &["state"],
            content: Content::Only(&["header", "body"]),
            values: &[("state", &["collapsed", "cropped", "expanded"])],
            ..block
        },
        "header" => Rule {
            parents: &["card", "expandable-card"],
            ..block
        },
        "body" => Rule {
            attributes: &["variant"],
            values: &[("variant", &["default", "error"])],
            parents: &["card", "expandable-card", "dialog", "form"],
            ..block
        },
        "title" | "footer" => Rule {
            parents: &["dialog", "form"],
            shorthand: false,
            ..block
        },
        "dialog" => Rule {
            attributes: &["id", "width", "state"],
            values: &[
                ("width", &["small", "medium", "large", "full-width"]),
                ("state", &["open", "close"]),
            ],
            content: Content::Only(&["title", "body", "footer", "form"]),
            shorthand: false,
            styled: false,
            ..block
        },
        "ui-action" => Rule {
            attributes: &[
                "action",
                "trigger",
                "user-ids",
                "stream-id",
                "side-by-side",
                "target-id",
            ],
            required: &["action"],
            values: &[
                ("action", &["open-im", "open-dialog"]),
                ("trigger", &["click"]),
                ("side-by-side", BOOL),
            ],
            content: Content::Only(&["button", "ui-action"]),
            shorthand: false,
            styled: false,
            ..block
        },
        _ => return None,
    };
    Some(rule)
}

fn form_part(tag: &str) -> Option<Rule> {
    let rule = match tag {
        "form" => Rule {
            attributes: &["id", "multi-submit"],
            required: &["id"],
            values: &[("multi-submit", &["reset", "no-reset"])],
            styled: false,
            ..PLAIN
        },
        "button" => Rule {
            attributes: &["class", "name", "type", "icon", "title", "formnovalidate"],
            content: Content::Text,
            styled: false,
            ..PLAIN
        },
        "text-field" => Rule {
            attributes: &[
                "name",
                "required",
                "placeholder",
                "minlength",
                "maxlength",
                "masked",
                "pattern",
                "pattern-error-message",
                "label",
                "title",
                "disabled",
                "readonly",
                "auto-submit",
                "formnovalidate",
            ],
            content: Content::Text,
            values: &[
                ("required", BOOL),
                ("masked", BOOL),
                ("disabled", BOOL),
                ("readonly", BOOL),
                ("auto-submit", BOOL),
            ],
            ..INPUT
        },
        "textarea" | "richtextarea" => Rule {
            attributes: &[
                "name",
                "required",
                "placeholder",
                "minlength",
                "maxlength",
                "pattern",
                "pattern-error-message",
                "label",
                "title",
                "disabled",
                "readonly",
                "rows",
                "cols",
                "formnovalidate",
            ],
            content: Content::Text,
            values: &[("required", BOOL), ("disabled", BOOL), ("readonly", BOOL)],
            ..INPUT
        },
        "checkbox" | "radio" => Rule {
            attributes: &[
                "name",
                "value",
                "checked",
                "label",
                "disabled",
                "readonly",
                "formnovalidate",
            ],
            content: Content::TextOr(&["b", "i"]),
            values: &[("checked", BOOL), ("disabled", BOOL), ("readonly", BOOL)],
            ..INPUT
        },
        "select" => Rule {
            attributes: &[
                "name",
                "required",
                "data-placeholder",
                "label",
                "title",
                "multiple",
                "min",
                "max",
                "disabled",
                "readonly",
                "auto-submit",
                "formnovalidate",
            ],
            content: Content::Only(&["option"]),
            values: &[
                ("required", BOOL),
                ("multiple", BOOL),
                ("disabled", BOOL),
                ("readonly", BOOL),
                ("auto-submit", BOOL),
            ],
            ..INPUT
        },
        "option" => Rule {
            attributes: &["value", "selected"],
            required: &["value"],
            content: Content::Text,
            values: &[("selected", BOOL)],
            parents: &["select"],
            ..INPUT
        },
        _ => return picker(tag),
    };
    Some(rule)
}

fn picker(tag: &str) -> Option<Rule> {
    let picker = Rule {
        values: &[
            ("required", BOOL),
            ("disabled", BOOL),
            ("readonly", BOOL),
            ("strict", BOOL),
        ],
        ..INPUT
    };
    let attributes: &'static [&'static str] = match tag {
        "person-selector" | "room-selector" => &[
            "name",
            "placeholder",
            "required",
            "label",
            "title",
            "value",
            "formnovalidate",
        ],
        "date-selector" => &["name", "placeholder", "required", "label", "title"],
        "date-picker" => &[
            "name",
            "value",
            "min",
            "max",
            "disabled-date",
            "highlighted-date",
            "format",
            "required",
            "placeholder",
            "label",
            "title",
            "disabled",
            "readonly",
            "formnovalidate",
        ],
        "time-picker" => &[
            "name",
            "value",
            "min",
            "max",
            "disabled-time",
            "step",
            "strict",
            "format",
            "required",
            "placeholder",
            "label",
            "title",
            "disabled",
            "readonly",
            "formnovalidate",
        ],
        "timezone-picker" => &[
            "name",
            "value",
            "disabled-timezone",
            "required",
            "placeholder",
            "label",
            "title",
            "disabled",
            "readonly",
            "formnovalidate",
        ],
        _ => return None,
    };
    Some(Rule {
        attributes,
        ..picker
    })
}

/// What the agent makes of shorthand, which PresentationML may hold.
pub(super) fn is_presentation(tag: &str) -> bool {
    matches!(tag, "input" | "label" | "audio" | "time")
}
