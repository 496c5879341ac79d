//! Every block, span, field kind and form of content, from a wasm plugin to the message on the local
//! platform: nothing is lost and nothing is made up on the way.

use parlor_host::content;
use parlor_host::mailbox::rooms::RoomMessage;
use parlor_host::model::content::{
    Alignment, Block, ButtonKind, ButtonStyle, DateFormat, Field, FieldKind, MediaSource,
    MentionTarget, Span,
};
use parlor_tests::harness::TestHost;

macro_rules! case {
    ($name:ident, $guest:literal, $text:literal, $check:expr) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let host = TestHost::with(&[$guest]).await;
            let lobby = host.room("ada", "Lobby").await;
            host.say("ada", &lobby, $text).await;
            host.idle().await;
            let answer = host.answers("ada", &lobby).pop().expect("it is answered");
            let check: fn(&RoomMessage) -> bool = $check;
            assert!(check(&answer), "{answer:?}");
            host.stop().await;
        }
    };
}

fn spans_of(block: &Block) -> &[Span] {
    match block {
        Block::Paragraph(spans) => spans,
        other => panic!("not a paragraph: {other:?}"),
    }
}

fn texts(spans: &[Span]) -> String {
    content::spans_text(spans)
}

case!(block_paragraph, "blocks", "/block paragraph", |m| {
    matches!(&m.content[..], [Block::Paragraph(spans)] if texts(spans) == "a paragraph"
        && matches!(&spans[1], Span::Text(s) if s.style.bold))
});
case!(block_heading, "blocks", "/block heading", |m| {
    let level = |block: &Block| match block {
        Block::Heading(heading) => heading.level,
        _ => 0,
    };
    m.content.iter().map(level).eq(1..=6)
});
case!(block_quote, "blocks", "/block quote", |m| {
    matches!(&m.content[..], [Block::Quote(spans)] if texts(spans) == "somebody's words")
});
case!(block_code, "blocks", "/block code", |m| {
    matches!(&m.content[..], [Block::Code(rust), Block::Code(plain)]
        if rust.language.as_deref() == Some("rust")
            && rust.text == "fn main() {\n    run();\n}"
            && plain.language.is_none())
});
case!(block_divider, "blocks", "/block divider", |m| {
    matches!(
        &m.content[..],
        [Block::Paragraph(_), Block::Divider, Block::Paragraph(_)]
    )
});
case!(block_list_item, "blocks", "/block list-item", |m| {
    let item = |block: &Block| match block {
        Block::ListItem(item) => Some((item.indent, item.ordered, texts(&item.spans))),
        _ => None,
    };
    let wanted = [
        (0, false, "one"),
        (1, false, "one and a half"),
        (0, true, "first"),
        (0, true, "second"),
    ];
    let wanted = wanted.map(|(indent, ordered, text)| Some((indent, ordered, text.to_owned())));
    m.content.iter().map(item).eq(wanted)
});
case!(block_table, "blocks", "/block table", |m| {
    let [Block::Table(table)] = &m.content[..] else {
        return false;
    };
    let row: Vec<String> = table.rows[0].iter().map(|cell| texts(cell)).collect();
    table.header.len() == 3
        && table.columns == [Alignment::Left, Alignment::Center, Alignment::Right]
        && row == ["a", "b | c", "1"]
        && table.rows[1].len() == 1
});
case!(block_image, "blocks", "/block image", |m| {
    matches!(&m.content[..], [Block::Image(by_url), Block::Image(sent)]
        if by_url.source == MediaSource::Url("https://example.com/a.png".to_owned())
            && by_url.alternative == "a picture"
            && sent.source == MediaSource::Attachment(0)
            && m.attachments.len() == 1)
});
case!(block_attachment, "blocks", "/block attachment", |m| {
    matches!(&m.content[..], [Block::Attachment(sent), Block::Attachment(by_url)]
        if sent.source == MediaSource::Attachment(0)
            && sent.name == "a.txt"
            && by_url.source == MediaSource::Url("https://example.com/b.txt".to_owned())
            && m.attachments[0].name == "a.txt")
});
case!(block_card, "blocks", "/block card", |m| {
    matches!(&m.content[..], [Block::Card(card)]
        if card.title == "Title"
            && card.subtitle.as_deref() == Some("Subtitle")
            && texts(&card.paragraphs[0]) == "A paragraph"
            && card.facts[0].name == "Name"
            && card.facts[0].value == "Value"
            && card.buttons.len() == 2)
});
case!(block_form, "blocks", "/block form", |m| {
    let [Block::Form(form)] = &m.content[..] else {
        return false;
    };
    let ids: Vec<&str> = form.fields.iter().map(|field| field.id.as_str()).collect();
    form.id == "form-1"
        && form.title.as_deref() == Some("A form")
        && ids == ["name", "colour", "sure"]
        && form.buttons.len() == 1
});
case!(block_buttons, "blocks", "/block buttons", |m| {
    let [Block::Buttons(row)] = &m.content[..] else {
        return false;
    };
    matches!(&row[0].kind, ButtonKind::Action(a) if a.id == "yes" && a.value == "1")
        && row[0].style == ButtonStyle::Primary
        && row[1].style == ButtonStyle::Danger
        && row[2].kind == ButtonKind::Link("https://example.com".to_owned())
        && row[3].kind == ButtonKind::Reply("said by a button".to_owned())
});
case!(block_raw, "blocks", "/block raw", |m| {
    matches!(&m.content[..], [Block::Paragraph(spans)] if texts(spans) == "instead of raw")
        && m.notes == ["symphony markup → its stand-in"]
});

case!(span_text, "blocks", "/span text", |m| {
    matches!(spans_of(&m.content[0]), [Span::Text(s)] if s.text == "plain <b>text</b> *here*")
});
case!(span_link, "blocks", "/span link", |m| {
    matches!(spans_of(&m.content[0]), [Span::Link(named), Span::Link(bare)]
        if named.url == "https://example.com" && named.text == "a link"
            && bare.url == "https://example.com/bare")
});
case!(span_mention, "blocks", "/span mention", |m| {
    matches!(spans_of(&m.content[0]), [Span::Mention(by_id), Span::Mention(by_mail)]
        if by_id.target == MentionTarget::User("user-1".to_owned()) && by_id.text == "Ada"
            && by_mail.target == MentionTarget::Email("ada@example.com".to_owned()))
});
case!(span_cashtag, "blocks", "/span cashtag", |m| {
    matches!(spans_of(&m.content[0]), [Span::Cashtag(x)] if x == "goog")
});
case!(span_hashtag, "blocks", "/span hashtag", |m| {
    matches!(spans_of(&m.content[0]), [Span::Hashtag(x)] if x == "topic")
});
case!(span_emoji, "blocks", "/span emoji", |m| {
    matches!(spans_of(&m.content[0]), [Span::Emoji(x)] if x == "smile")
});
case!(span_date_time, "blocks", "/span date-time", |m| {
    let format = |span: &Span| match span {
        Span::DateTime(moment) if moment.at == 1_800_000_000_000 => Some(moment.format),
        _ => None,
    };
    let wanted = [DateFormat::DateTime, DateFormat::Date, DateFormat::Time];
    let spans = spans_of(&m.content[0]).iter();
    spans.map(format).eq(wanted.map(Some))
});
case!(span_line_break, "blocks", "/span line-break", |m| {
    texts(spans_of(&m.content[0])) == "one\ntwo"
        && spans_of(&m.content[0]).contains(&Span::LineBreak)
});
case!(span_other, "blocks", "/span other", |m| {
    matches!(spans_of(&m.content[0]), [Span::Other(x)] if x.kind == "sparkline" && x.text == "1 2 3")
});

/// The one field of a message's form has what is wanted.
fn field_is(message: &RoomMessage, wanted: fn(&Field) -> bool) -> bool {
    match &message.content[..] {
        [Block::Form(form)] => matches!(&form.fields[..], [field] if wanted(field)),
        _ => false,
    }
}

fn has_choices(field: &Field) -> bool {
    let labels: Vec<&str> = field.choices.iter().map(|c| c.label.as_str()).collect();
    labels == ["Red", "Green"]
}

case!(field_text, "blocks", "/field text", |m| field_is(m, |f| {
    f.kind == FieldKind::Text
        && f.required
        && f.placeholder.as_deref() == Some("a to z")
        && f.pattern.as_ref().is_some_and(|p| p.regex == "[a-z]+")
        && (f.min.as_deref(), f.max.as_deref()) == (Some("2"), Some("5"))
}));
case!(field_multiline, "blocks", "/field multiline", |m| field_is(
    m,
    |f| f.kind == FieldKind::Multiline && f.defaults == ["one\ntwo"]
));
case!(field_number, "blocks", "/field number", |m| field_is(
    m,
    |f| f.kind == FieldKind::Number && f.max.as_deref() == Some("10")
));
case!(field_checkbox, "blocks", "/field checkbox", |m| field_is(
    m,
    |f| f.kind == FieldKind::Checkbox && f.defaults == ["true"]
));
case!(field_radio, "blocks", "/field radio", |m| field_is(
    m,
    |f| { f.kind == FieldKind::Radio && has_choices(f) && f.defaults == ["g"] }
));
case!(field_select, "blocks", "/field select", |m| field_is(
    m,
    |f| f.kind == FieldKind::Select && has_choices(f) && f.required
));
case!(field_multi_select, "blocks", "/field multi-select", |m| {
    field_is(m, |f| {
        f.kind == FieldKind::MultiSelect && has_choices(f) && f.multiple
    })
});
case!(field_date, "blocks", "/field date", |m| field_is(m, |f| {
    f.kind == FieldKind::Date && f.min.as_deref() == Some("2026-01-01")
}));
case!(field_time, "blocks", "/field time", |m| field_is(m, |f| {
    f.kind == FieldKind::Time
}));
case!(field_timezone, "blocks", "/field timezone", |m| field_is(
    m,
    |f| f.kind == FieldKind::Timezone
));
case!(field_user, "blocks", "/field user", |m| field_is(m, |f| {
    f.kind == FieldKind::User && f.multiple
}));
case!(field_conversation, "blocks", "/field conversation", |m| {
    field_is(m, |f| f.kind == FieldKind::Conversation)
});
case!(field_hidden, "blocks", "/field hidden", |m| field_is(
    m,
    |f| f.kind == FieldKind::Hidden && f.defaults == ["unseen"]
));
case!(field_other, "blocks", "/field other", |m| field_is(
    m,
    |f| {
        matches!(&f.kind, FieldKind::Other(o) if o.name == "slider" && o.json == "{\"steps\":5}")
    }
));

case!(content_plain, "blocks", "/content plain", |m| m.text
    == "<b>plain</b> & *as it is*"
    && m.content.is_empty());
case!(content_markdown, "blocks", "/content markdown", |m| {
    let [
        Block::Heading(title),
        Block::Paragraph(line),
        Block::ListItem(one),
        Block::ListItem(two),
    ] = &m.content[..]
    else {
        return false;
    };
    title.level == 1
        && matches!(&line[0], Span::Text(s) if s.style.bold && s.text == "bold")
        && matches!(&line[2], Span::Text(s) if s.style.code && s.text == "code")
        && (texts(&one.spans), texts(&two.spans)) == ("one".to_owned(), "two".to_owned())
});
case!(content_message_ml, "blocks", "/content message-ml", |m| {
    matches!(spans_of(&m.content[0]), [Span::Text(bold), Span::Text(rest)]
        if bold.style.bold && bold.text == "bold" && rest.text == " text")
});
case!(content_blocks, "blocks", "/block divider", |m| {
    texts(spans_of(&m.content[0])) == "above" && m.content.len() == 3
});
