//! Content, as the contract has it.

use crate::model::content;
use crate::runtime::bindings::parlor::bot as wit;

pub(in crate::runtime) fn content_from_wit(x: wit::content::Content) -> content::Content {
    match x {
        wit::content::Content::Plain(x) => content::Content::Plain(x),
        wit::content::Content::Markdown(x) => content::Content::Markdown(x),
        wit::content::Content::MessageMl(x) => content::Content::MessageMl(x),
        wit::content::Content::Blocks(x) => {
            content::Content::Blocks(x.into_iter().map(block_from_wit).collect())
        }
    }
}

pub(in crate::runtime) fn block_from_wit(x: wit::content::Block) -> content::Block {
    match x {
        wit::content::Block::Paragraph(x) => {
            content::Block::Paragraph(x.into_iter().map(span_from_wit).collect())
        }
        wit::content::Block::Heading(x) => content::Block::Heading(heading_from_wit(x)),
        wit::content::Block::Quote(x) => {
            content::Block::Quote(x.into_iter().map(span_from_wit).collect())
        }
        wit::content::Block::Code(x) => content::Block::Code(code_block_from_wit(x)),
        wit::content::Block::Divider => content::Block::Divider,
        wit::content::Block::ListItem(x) => content::Block::ListItem(list_item_from_wit(x)),
        wit::content::Block::Table(x) => content::Block::Table(table_from_wit(x)),
        wit::content::Block::Image(x) => content::Block::Image(image_from_wit(x)),
        wit::content::Block::Attachment(x) => {
            content::Block::Attachment(attachment_block_from_wit(x))
        }
        wit::content::Block::Card(x) => content::Block::Card(card_from_wit(x)),
        wit::content::Block::Form(x) => content::Block::Form(form_from_wit(x)),
        wit::content::Block::Buttons(x) => {
            content::Block::Buttons(x.into_iter().map(button_from_wit).collect())
        }
        wit::content::Block::Raw(x) => content::Block::Raw(raw_block_from_wit(x)),
    }
}

pub(in crate::runtime) fn span_from_wit(x: wit::content::Span) -> content::Span {
    match x {
        wit::content::Span::Text(x) => content::Span::Text(text_span_from_wit(x)),
        wit::content::Span::Link(x) => content::Span::Link(link_span_from_wit(x)),
        wit::content::Span::Mention(x) => content::Span::Mention(mention_span_from_wit(x)),
        wit::content::Span::Cashtag(x) => content::Span::Cashtag(x),
        wit::content::Span::Hashtag(x) => content::Span::Hashtag(x),
        wit::content::Span::Emoji(x) => content::Span::Emoji(x),
        wit::content::Span::DateTime(x) => content::Span::DateTime(date_time_span_from_wit(x)),
        wit::content::Span::LineBreak => content::Span::LineBreak,
        wit::content::Span::Other(x) => content::Span::Other(other_span_from_wit(x)),
    }
}

pub(in crate::runtime) fn text_span_from_wit(x: wit::content::TextSpan) -> content::TextSpan {
    content::TextSpan {
        text: x.text,
        style: text_style_from_wit(x.style),
    }
}

pub(in crate::runtime) fn text_style_from_wit(x: wit::content::TextStyle) -> content::TextStyle {
    content::TextStyle {
        bold: x.contains(wit::content::TextStyle::BOLD),
        italic: x.contains(wit::content::TextStyle::ITALIC),
        underline: x.contains(wit::content::TextStyle::UNDERLINE),
        strike: x.contains(wit::content::TextStyle::STRIKE),
        code: x.contains(wit::content::TextStyle::CODE),
    }
}

pub(in crate::runtime) fn link_span_from_wit(x: wit::content::LinkSpan) -> content::LinkSpan {
    content::LinkSpan {
        text: x.text,
        url: x.url,
    }
}

pub(in crate::runtime) fn mention_span_from_wit(
    x: wit::content::MentionSpan,
) -> content::MentionSpan {
    content::MentionSpan {
        target: mention_target_from_wit(x.target),
        text: x.text,
    }
}

pub(in crate::runtime) fn mention_target_from_wit(
    x: wit::content::MentionTarget,
) -> content::MentionTarget {
    match x {
        wit::content::MentionTarget::User(x) => content::MentionTarget::User(x),
        wit::content::MentionTarget::Email(x) => content::MentionTarget::Email(x),
        wit::content::MentionTarget::All => content::MentionTarget::All,
    }
}

pub(in crate::runtime) fn date_time_span_from_wit(
    x: wit::content::DateTimeSpan,
) -> content::DateTimeSpan {
    content::DateTimeSpan {
        at: x.at,
        format: date_format_from_wit(x.format),
    }
}

pub(in crate::runtime) fn date_format_from_wit(x: wit::content::DateFormat) -> content::DateFormat {
    match x {
        wit::content::DateFormat::Date => content::DateFormat::Date,
        wit::content::DateFormat::Time => content::DateFormat::Time,
        wit::content::DateFormat::DateTime => content::DateFormat::DateTime,
    }
}

pub(in crate::runtime) fn other_span_from_wit(x: wit::content::OtherSpan) -> content::OtherSpan {
    content::OtherSpan {
        kind: x.kind,
        text: x.text,
    }
}

pub(in crate::runtime) fn heading_from_wit(x: wit::content::Heading) -> content::Heading {
    content::Heading {
        level: x.level,
        spans: x.spans.into_iter().map(span_from_wit).collect(),
    }
}

pub(in crate::runtime) fn code_block_from_wit(x: wit::content::CodeBlock) -> content::CodeBlock {
    content::CodeBlock {
        language: x.language,
        text: x.text,
    }
}

pub(in crate::runtime) fn list_item_from_wit(x: wit::content::ListItem) -> content::ListItem {
    content::ListItem {
        indent: x.indent,
        ordered: x.ordered,
        spans: x.spans.into_iter().map(span_from_wit).collect(),
    }
}

pub(in crate::runtime) fn table_from_wit(x: wit::content::Table) -> content::Table {
    content::Table {
        header: x
            .header
            .into_iter()
            .map(|x| x.into_iter().map(span_from_wit).collect())
            .collect(),
        rows: x
            .rows
            .into_iter()
            .map(|x| {
                x.into_iter()
                    .map(|x| x.into_iter().map(span_from_wit).collect())
                    .collect()
            })
            .collect(),
        columns: x.columns.into_iter().map(alignment_from_wit).collect(),
    }
}

pub(in crate::runtime) fn alignment_from_wit(x: wit::content::Alignment) -> content::Alignment {
    match x {
        wit::content::Alignment::Left => content::Alignment::Left,
        wit::content::Alignment::Center => content::Alignment::Center,
        wit::content::Alignment::Right => content::Alignment::Right,
    }
}

pub(in crate::runtime) fn image_from_wit(x: wit::content::Image) -> content::Image {
    content::Image {
        source: media_source_from_wit(x.source),
        alternative: x.alternative,
    }
}

pub(in crate::runtime) fn media_source_from_wit(
    x: wit::content::MediaSource,
) -> content::MediaSource {
    match x {
        wit::content::MediaSource::Url(x) => content::MediaSource::Url(x),
        wit::content::MediaSource::Attachment(x) => content::MediaSource::Attachment(x),
    }
}

pub(in crate::runtime) fn attachment_block_from_wit(
    x: wit::content::AttachmentBlock,
) -> content::AttachmentBlock {
    content::AttachmentBlock {
        source: media_source_from_wit(x.source),
        name: x.name,
    }
}

pub(in crate::runtime) fn card_from_wit(x: wit::content::Card) -> content::Card {
    content::Card {
        title: x.title,
        subtitle: x.subtitle,
        paragraphs: x
            .paragraphs
            .into_iter()
            .map(|x| x.into_iter().map(span_from_wit).collect())
            .collect(),
        facts: x.facts.into_iter().map(fact_from_wit).collect(),
        buttons: x.buttons.into_iter().map(button_from_wit).collect(),
    }
}

pub(in crate::runtime) fn fact_from_wit(x: wit::content::Fact) -> content::Fact {
    content::Fact {
        name: x.name,
        value: x.value,
    }
}

pub(in crate::runtime) fn button_from_wit(x: wit::content::Button) -> content::Button {
    content::Button {
        label: x.label,
        kind: button_kind_from_wit(x.kind),
        style: button_style_from_wit(x.style),
    }
}

pub(in crate::runtime) fn button_kind_from_wit(x: wit::content::ButtonKind) -> content::ButtonKind {
    match x {
        wit::content::ButtonKind::Action(x) => {
            content::ButtonKind::Action(action_button_from_wit(x))
        }
        wit::content::ButtonKind::Link(x) => content::ButtonKind::Link(x),
        wit::content::ButtonKind::Reply(x) => content::ButtonKind::Reply(x),
    }
}

pub(in crate::runtime) fn action_button_from_wit(
    x: wit::content::ActionButton,
) -> content::ActionButton {
    content::ActionButton {
        id: x.id,
        value: x.value,
    }
}

pub(in crate::runtime) fn button_style_from_wit(
    x: wit::content::ButtonStyle,
) -> content::ButtonStyle {
    match x {
        wit::content::ButtonStyle::Primary => content::ButtonStyle::Primary,
        wit::content::ButtonStyle::Secondary => content::ButtonStyle::Secondary,
        wit::content::ButtonStyle::Danger => content::ButtonStyle::Danger,
    }
}

pub(in crate::runtime) fn form_from_wit(x: wit::content::Form) -> content::Form {
    content::Form {
        id: x.id,
        title: x.title,
        fields: x.fields.into_iter().map(field_from_wit).collect(),
        buttons: x.buttons.into_iter().map(button_from_wit).collect(),
        answers: form_answers_from_wit(x.answers),
        audience: form_audience_from_wit(x.audience),
        end: form_end_from_wit(x.end),
    }
}

pub(in crate::runtime) fn field_from_wit(x: wit::content::Field) -> content::Field {
    content::Field {
        id: x.id,
        label: x.label,
        kind: field_kind_from_wit(x.kind),
        choices: x.choices.into_iter().map(choice_from_wit).collect(),
        required: x.required,
        multiple: x.multiple,
        read_only: x.read_only,
        defaults: x.defaults,
        placeholder: x.placeholder,
        pattern: x.pattern.map(field_pattern_from_wit),
        min: x.min,
        max: x.max,
    }
}

pub(in crate::runtime) fn field_kind_from_wit(x: wit::content::FieldKind) -> content::FieldKind {
    match x {
        wit::content::FieldKind::Text => content::FieldKind::Text,
        wit::content::FieldKind::Multiline => content::FieldKind::Multiline,
        wit::content::FieldKind::Number => content::FieldKind::Number,
        wit::content::FieldKind::Checkbox => content::FieldKind::Checkbox,
        wit::content::FieldKind::Radio => content::FieldKind::Radio,
        wit::content::FieldKind::Select => content::FieldKind::Select,
        wit::content::FieldKind::MultiSelect => content::FieldKind::MultiSelect,
        wit::content::FieldKind::Date => content::FieldKind::Date,
        wit::content::FieldKind::Time => content::FieldKind::Time,
        wit::content::FieldKind::Timezone => content::FieldKind::Timezone,
        wit::content::FieldKind::User => content::FieldKind::User,
        wit::content::FieldKind::Conversation => content::FieldKind::Conversation,
        wit::content::FieldKind::Hidden => content::FieldKind::Hidden,
        wit::content::FieldKind::Other(x) => content::FieldKind::Other(other_field_from_wit(x)),
    }
}

pub(in crate::runtime) fn other_field_from_wit(x: wit::content::OtherField) -> content::OtherField {
    content::OtherField {
        name: x.name,
        json: x.json,
    }
}

pub(in crate::runtime) fn choice_from_wit(x: wit::content::Choice) -> content::Choice {
    content::Choice {
        value: x.value,
        label: x.label,
    }
}

pub(in crate::runtime) fn field_pattern_from_wit(
    x: wit::content::FieldPattern,
) -> content::FieldPattern {
    content::FieldPattern {
        regex: x.regex,
        message: x.message,
    }
}

pub(in crate::runtime) fn form_answers_from_wit(
    x: wit::content::FormAnswers,
) -> content::FormAnswers {
    match x {
        wit::content::FormAnswers::Once => content::FormAnswers::Once,
        wit::content::FormAnswers::OncePerUser => content::FormAnswers::OncePerUser,
        wit::content::FormAnswers::Any => content::FormAnswers::Any,
    }
}

pub(in crate::runtime) fn form_audience_from_wit(
    x: wit::content::FormAudience,
) -> content::FormAudience {
    match x {
        wit::content::FormAudience::Anyone => content::FormAudience::Anyone,
        wit::content::FormAudience::Actor => content::FormAudience::Actor,
        wit::content::FormAudience::Users(x) => content::FormAudience::Users(x),
        wit::content::FormAudience::Roles(x) => content::FormAudience::Roles(x),
    }
}

pub(in crate::runtime) fn form_end_from_wit(x: wit::content::FormEnd) -> content::FormEnd {
    match x {
        wit::content::FormEnd::Never => content::FormEnd::Never,
        wit::content::FormEnd::At(x) => content::FormEnd::At(x),
        wit::content::FormEnd::After(x) => content::FormEnd::After(x),
    }
}

pub(in crate::runtime) fn raw_block_from_wit(x: wit::content::RawBlock) -> content::RawBlock {
    content::RawBlock {
        platform: x.platform,
        text: x.text,
        fallback: x.fallback,
    }
}
