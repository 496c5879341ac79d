//! Texts that want to be more than text, and every place of a message that a text can have.

use parlor_host::content::plain;
use parlor_host::model::content::{
    ActionButton, AttachmentBlock, Block, Button, ButtonKind, ButtonStyle, Card, Choice, CodeBlock,
    DateFormat, DateTimeSpan, Fact, Field, FieldKind, Form, FormAnswers, FormAudience, FormEnd,
    Heading, Image, LinkSpan, ListItem, MediaSource, MentionSpan, MentionTarget, OtherField,
    OtherSpan, Span, Table, TextSpan, TextStyle,
};

/// What is written, and what a reader may see of it.
pub const HOSTILE: &[(&str, &str)] = &[
    // HTML: a script, an element with a handler, addresses that run.
    (
        "<script>window.__pwned=1</script>",
        "<script>window.__pwned=1</script>",
    ),
    (
        "<img src=x onerror=window.__pwned=1>",
        "<img src=x onerror=window.__pwned=1>",
    ),
    (
        "\"><svg onload=window.__pwned=1>",
        "\"><svg onload=window.__pwned=1>",
    ),
    (
        "' autofocus onfocus='window.__pwned=1",
        "' autofocus onfocus='window.__pwned=1",
    ),
    ("javascript:window.__pwned=1", "javascript:window.__pwned=1"),
    (
        "data:text/html,<script>window.__pwned=1</script>",
        "data:text/html,<script>window.__pwned=1</script>",
    ),
    ("&lt;b&gt; &amp; &#60;b&#62;", "&lt;b&gt; &amp; &#60;b&#62;"),
    (
        "</article><style>*{display:none}</style>",
        "</article><style>*{display:none}</style>",
    ),
    ("__proto__", "__proto__"),
    // MessageML and the mentions of platforms.
    (
        "</messageML><messageML><mention uid=\"1\"/>",
        "</messageML><messageML><mention uid=\"1\"/>",
    ),
    (
        "<form id=\"f\"><button name=\"b\"/></form>",
        "<form id=\"f\"><button name=\"b\"/></form>",
    ),
    (
        "<@all> <@personId:1|Ann> @all @parlor",
        "<@all> <@personId:1|Ann> @all @parlor",
    ),
    // Markdown.
    (
        "**bold** [link](https://evil.example) ![i](https://evil.example/i.png)",
        "**bold** [link](https://evil.example) ![i](https://evil.example/i.png)",
    ),
    ("`code` # title | a | b |", "`code` # title | a | b |"),
    // Places of the host's own sentences.
    ("{name} {text} {cancel}", "{name} {text} {cancel}"),
    // Terminal escapes: colours, a title, a link, a device string, what is cut off.
    ("\u{1b}[31mred\u{1b}[0m", "red"),
    ("\u{1b}]0;title\u{7}text", "text"),
    (
        "\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\",
        "link",
    ),
    ("\u{1b}Pq#0\u{1b}\\after", "after"),
    ("\u{9b}2Jcleared", "cleared"),
    ("\u{9d}0;x\u{9c}after", "after"),
    ("cut \u{1b}[", "cut"),
    ("\u{1b}", ""),
    // Control characters.
    (
        "bell\u{7} back\u{8}space nul\u{0} del\u{7f}",
        "bell backspace nul del",
    ),
    // Text that reads otherwise than it is.
    ("user\u{202e}gpj.exe", "user\u{fffd}gpj.exe"),
    ("\u{2066}iso\u{2069}", "\u{fffd}iso\u{fffd}"),
    ("zero\u{200b}width\u{feff}", "zerowidth"),
    ("hidden\u{e0041}\u{e0042}", "hidden"),
    // And what is harmless stays as it is.
    ("שלום עולם", "שלום עולם"),
    (
        "family 👨\u{200d}👩\u{200d}👧 ok",
        "family 👨\u{200d}👩\u{200d}👧 ok",
    ),
];

/// A sign that must not be shown.
pub fn bad_sign(shown: &str) -> Option<char> {
    shown.chars().find(|sign| {
        (sign.is_control() && *sign != '\n')
            || matches!(sign, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(sign, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    })
}

/// Takes the escapes of styles out, which are the only ones that a terminal may get.
///
/// # Panics
/// On any other escape.
pub fn without_styles(shown: &str) -> String {
    let mut parts = shown.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (codes, rest) = part.split_once('m').expect("an escape that sets a style");
        let is_style = codes.bytes().all(|c| c.is_ascii_digit() || c == b';');
        assert!(is_style, "{codes:?} in {shown:?}");
        plain.push_str(rest);
    }
    plain
}

/// Every block with a text in every place that it has.
pub fn everywhere(evil: &str) -> Vec<Block> {
    let own = evil.to_owned();
    let styled = TextStyle {
        bold: true,
        italic: true,
        underline: true,
        strike: true,
        code: true,
    };
    let spans = vec![
        plain(evil),
        Span::Text(TextSpan {
            text: own.clone(),
            style: styled,
        }),
        Span::Link(LinkSpan {
            text: own.clone(),
            url: own.clone(),
        }),
        Span::Link(LinkSpan {
            text: own.clone(),
            url: format!("https://a.example/{own}"),
        }),
        Span::Mention(MentionSpan {
            target: MentionTarget::User(own.clone()),
            text: own.clone(),
        }),
        Span::Mention(MentionSpan {
            target: MentionTarget::Email(own.clone()),
            text: String::new(),
        }),
        Span::Cashtag(own.clone()),
        Span::Hashtag(own.clone()),
        Span::Emoji(own.clone()),
        Span::DateTime(DateTimeSpan {
            at: u64::MAX,
            format: DateFormat::DateTime,
        }),
        Span::Other(OtherSpan {
            kind: own.clone(),
            text: own.clone(),
        }),
    ];
    vec![
        Block::Paragraph(spans.clone()),
        Block::Heading(Heading {
            level: 1,
            spans: spans.clone(),
        }),
        Block::Quote(spans.clone()),
        Block::Code(CodeBlock {
            language: Some(own.clone()),
            text: own.clone(),
        }),
        Block::ListItem(ListItem {
            indent: 1,
            ordered: true,
            spans: spans.clone(),
        }),
        Block::Table(Table {
            header: vec![spans.clone()],
            rows: vec![vec![spans.clone(); 2]],
            columns: Vec::new(),
        }),
        Block::Image(Image {
            source: MediaSource::Url(own.clone()),
            alternative: own.clone(),
        }),
        Block::Attachment(AttachmentBlock {
            source: MediaSource::Url(own.clone()),
            name: own.clone(),
        }),
        Block::Card(Card {
            title: own.clone(),
            subtitle: Some(own.clone()),
            paragraphs: vec![spans],
            facts: vec![Fact {
                name: own.clone(),
                value: own.clone(),
            }],
            buttons: buttons(evil),
        }),
        Block::Form(form(evil)),
        Block::Buttons(buttons(evil)),
    ]
}

/// One button of each kind.
pub fn buttons(evil: &str) -> Vec<Button> {
    let own = evil.to_owned();
    let action = ButtonKind::Action(ActionButton {
        id: own.clone(),
        value: own.clone(),
    });
    [
        action,
        ButtonKind::Link(own.clone()),
        ButtonKind::Reply(own.clone()),
    ]
    .map(|kind| Button {
        label: own.clone(),
        kind,
        style: ButtonStyle::Danger,
    })
    .into()
}

/// A form with one field of each kind.
pub fn form(evil: &str) -> Form {
    let own = evil.to_owned();
    let other = OtherField {
        name: own.clone(),
        json: own.clone(),
    };
    let kinds = [
        FieldKind::Text,
        FieldKind::Multiline,
        FieldKind::Number,
        FieldKind::Checkbox,
        FieldKind::Radio,
        FieldKind::Select,
        FieldKind::MultiSelect,
        FieldKind::Date,
        FieldKind::Time,
        FieldKind::Timezone,
        FieldKind::User,
        FieldKind::Conversation,
        FieldKind::Hidden,
        FieldKind::Other(other),
    ];
    let field = |kind| Field {
        id: own.clone(),
        label: own.clone(),
        kind,
        choices: vec![Choice {
            value: own.clone(),
            label: own.clone(),
        }],
        required: true,
        multiple: false,
        read_only: false,
        defaults: vec![own.clone()],
        placeholder: Some(own.clone()),
        pattern: None,
        min: Some(own.clone()),
        max: Some(own.clone()),
    };
    Form {
        id: own.clone(),
        title: Some(own.clone()),
        fields: kinds.map(field).into(),
        buttons: buttons(evil),
        answers: FormAnswers::Any,
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    }
}
