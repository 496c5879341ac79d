//! Content, as the contract has it.

use crate::model::content;
use crate::runtime::bindings::parlor::bot as wit;

pub(in crate::runtime) fn block_to_wit(x: &content::Block) -> wit::content::Block {
    match x {
        content::Block::Paragraph(x) => {
            wit::content::Block::Paragraph(x.iter().map(span_to_wit).collect())
        }
        content::Block::Heading(x) => wit::content::Block::Heading(heading_to_wit(x)),
        content::Block::Quote(x) => wit::content::Block::Quote(x.iter().map(span_to_wit).collect()),
        content::Block::Code(x) => wit::content::Block::Code(code_block_to_wit(x)),
        content::Block::Divider => wit::content::Block::Divider,
        content::Block::ListItem(x) => wit::content::Block::ListItem(list_item_to_wit(x)),
        content::Block::Table(x) => wit::content::Block::Table(table_to_wit(x)),
        content::Block::Image(x) => wit::content::Block::Image(image_to_wit(x)),
        content::Block::Attachment(x) => {
            wit::content::Block::Attachment(attachment_block_to_wit(x))
        }
        content::Block::Card(x) => wit::content::Block::Card(card_to_wit(x)),
        content::Block::Form(x) => wit::content::Block::Form(form_to_wit(x)),
        content::Block::Buttons(x) => {
            wit::content::Block::Buttons(x.iter().map(button_to_wit).collect())
        }
        content::Block::Raw(x) => wit::content::Block::Raw(raw_block_to_wit(x)),
    }
}

pub(in crate::runtime) fn span_to_wit(x: &content::Span) -> wit::content::Span {
    match x {
        content::Span::Text(x) => wit::content::Span::Text(text_span_to_wit(x)),
        content::Span::Link(x) => wit::content::Span::Link(link_span_to_wit(x)),
        content::Span::Mention(x) => wit::content::Span::Mention(mention_span_to_wit(x)),
        content::Span::Cashtag(x) => wit::content::Span::Cashtag(x.clone()),
        content::Span::Hashtag(x) => wit::content::Span::Hashtag(x.clone()),
        content::Span::Emoji(x) => wit::content::Span::Emoji(x.clone()),
        content::Span::DateTime(x) => wit::content::Span::DateTime(date_time_span_to_wit(x)),
        content::Span::LineBreak => wit::content::Span::LineBreak,
        content::Span::Other(x) => wit::content::Span::Other(other_span_to_wit(x)),
    }
}

pub(in crate::runtime) fn text_span_to_wit(x: &content::TextSpan) -> wit::content::TextSpan {
    wit::content::TextSpan {
        text: x.text.clone(),
        style: text_style_to_wit(&x.style),
    }
}

pub(in crate::runtime) fn text_style_to_wit(x: &content::TextStyle) -> wit::content::TextStyle {
    let mut flags = wit::content::TextStyle::empty();
    if x.bold {
        flags |= wit::content::TextStyle::BOLD;
    }
    if x.italic {
        flags |= wit::content::TextStyle::ITALIC;
    }
    if x.underline {
        flags |= wit::content::TextStyle::UNDERLINE;
    }
    if x.strike {
        flags |= wit::content::TextStyle::STRIKE;
    }
    if x.code {
        flags |= wit::content::TextStyle::CODE;
    }
    flags
}

pub(in crate::runtime) fn link_span_to_wit(x: &content::LinkSpan) -> wit::content::LinkSpan {
    wit::content::LinkSpan {
        text: x.text.clone(),
        url: x.url.clone(),
    }
}

pub(in crate::runtime) fn mention_span_to_wit(
    x: &content::MentionSpan,
) -> wit::content::MentionSpan {
    wit::content::MentionSpan {
        target: mention_target_to_wit(&x.target),
        text: x.text.clone(),
    }
}

pub(in crate::runtime) fn mention_target_to_wit(
    x: &content::MentionTarget,
) -> wit::content::MentionTarget {
    match x {
        content::MentionTarget::User(x) => wit::content::MentionTarget::User(x.clone()),
        content::MentionTarget::Email(x) => wit::content::MentionTarget::Email(x.clone()),
        content::MentionTarget::All => wit::content::MentionTarget::All,
    }
}

pub(in crate::runtime) fn date_time_span_to_wit(
    x: &content::DateTimeSpan,
) -> wit::content::DateTimeSpan {
    wit::content::DateTimeSpan {
        at: x.at,
        format: date_format_to_wit(&x.format),
    }
}

pub(in crate::runtime) fn date_format_to_wit(x: &content::DateFormat) -> wit::content::DateFormat {
    match x {
        content::DateFormat::Date => wit::content::DateFormat::Date,
        content::DateFormat::Time => wit::content::DateFormat::Time,
        content::DateFormat::DateTime => wit::content::DateFormat::DateTime,
    }
}

pub(in crate::runtime) fn other_span_to_wit(x: &content::OtherSpan) -> wit::content::OtherSpan {
    wit::content::OtherSpan {
        kind: x.kind.clone(),
        text: x.text.clone(),
    }
}

pub(in crate::runtime) fn heading_to_wit(x: &content::Heading) -> wit::content::Heading {
    wit::content::Heading {
        level: x.level,
        spans: x.spans.iter().map(span_to_wit).collect(),
    }
}

pub(in crate::runtime) fn code_block_to_wit(x: &content::CodeBlock) -> wit::content::CodeBlock {
    wit::content::CodeBlock {
        language: x.language.clone(),
        text: x.text.clone(),
    }
}

pub(in crate::runtime) fn list_item_to_wit(x: &content::ListItem) -> wit::content::ListItem {
    wit::content::ListItem {
        indent: x.indent,
        ordered: x.ordered,
        spans: x.spans.iter().map(span_to_wit).collect(),
    }
}

pub(in crate::runtime) fn table_to_wit(x: &content::Table) -> wit::content::Table {
    wit::content::Table {
        header: x
            .header
            .iter()
            .map(|x| x.iter().map(span_to_wit).collect())
            .collect(),
        rows: x
            .rows
            .iter()
            .map(|x| {
                x.iter()
                    .map(|x| x.iter().map(span_to_wit).collect())
                    .collect()
            })
            .collect(),
        columns: x.columns.iter().map(alignment_to_wit).collect(),
    }
}

pub(in crate::runtime) fn alignment_to_wit(x: &content::Alignment) -> wit::content::Alignment {
    match x {
        content::Alignment::Left => wit::content::Alignment::Left,
        content::Alignment::Center => wit::content::Alignment::Center,
        content::Alignment::Right => wit::content::Alignment::Right,
    }
}

pub(in crate::runtime) fn image_to_wit(x: &content::Image) -> wit::content::Image {
    wit::content::Image {
        source: media_source_to_wit(&x.source),
        alternative: x.alternative.clone(),
    }
}

pub(in crate::runtime) fn media_source_to_wit(
    x: &content::MediaSource,
) -> wit::content::MediaSource {
    match x {
        content::MediaSource::Url(x) => wit::content::MediaSource::Url(x.clone()),
        content::MediaSource::Attachment(x) => wit::content::MediaSource::Attachment(*x),
    }
}

pub(in crate::runtime) fn attachment_block_to_wit(
    x: &content::AttachmentBlock,
) -> wit::content::AttachmentBlock {
    wit::content::AttachmentBlock {
        source: media_source_to_wit(&x.source),
        name: x.name.clone(),
    }
}

pub(in crate::runtime) fn card_to_wit(x: &content::Card) -> wit::content::Card {
    wit::content::Card {
        title: x.title.clone(),
        subtitle: x.subtitle.clone(),
        paragraphs: x
            .paragraphs
            .iter()
            .map(|x| x.iter().map(span_to_wit).collect())
            .collect(),
        facts: x.facts.iter().map(fact_to_wit).collect(),
        buttons: x.buttons.iter().map(button_to_wit).collect(),
    }
}

pub(in crate::runtime) fn fact_to_wit(x: &content::Fact) -> wit::content::Fact {
    wit::content::Fact {
        name: x.name.clone(),
        value: x.value.clone(),
    }
}

pub(in crate::runtime) fn button_to_wit(x: &content::Button) -> wit::content::Button {
    wit::content::Button {
        label: x.label.clone(),
        kind: button_kind_to_wit(&x.kind),
        style: button_style_to_wit(&x.style),
    }
}

pub(in crate::runtime) fn button_kind_to_wit(x: &content::ButtonKind) -> wit::content::ButtonKind {
    match x {
        content::ButtonKind::Action(x) => wit::content::ButtonKind::Action(action_button_to_wit(x)),
        content::ButtonKind::Link(x) => wit::content::ButtonKind::Link(x.clone()),
        content::ButtonKind::Reply(x) => wit::content::ButtonKind::Reply(x.clone()),
    }
}

pub(in crate::runtime) fn action_button_to_wit(
    x: &content::ActionButton,
) -> wit::content::ActionButton {
    wit::content::ActionButton {
        id: x.id.clone(),
        value: x.value.clone(),
    }
}

pub(in crate::runtime) fn button_style_to_wit(
    x: &content::ButtonStyle,
) -> wit::content::ButtonStyle {
    match x {
        content::ButtonStyle::Primary => wit::content::ButtonStyle::Primary,
        content::ButtonStyle::Secondary => wit::content::ButtonStyle::Secondary,
        content::ButtonStyle::Danger => wit::content::ButtonStyle::Danger,
    }
}

pub(in crate::runtime) fn form_to_wit(x: &content::Form) -> wit::content::Form {
    wit::content::Form {
        id: x.id.clone(),
        title: x.title.clone(),
        fields: x.fields.iter().map(field_to_wit).collect(),
        buttons: x.buttons.iter().map(button_to_wit).collect(),
        answers: form_answers_to_wit(&x.answers),
        audience: form_audience_to_wit(&x.audience),
        end: form_end_to_wit(&x.end),
    }
}

pub(in crate::runtime) fn field_to_wit(x: &content::Field) -> wit::content::Field {
    wit::content::Field {
        id: x.id.clone(),
        label: x.label.clone(),
        kind: field_kind_to_wit(&x.kind),
        choices: x.choices.iter().map(choice_to_wit).collect(),
        required: x.required,
        multiple: x.multiple,
        read_only: x.read_only,
        defaults: x.defaults.clone(),
        placeholder: x.placeholder.clone(),
        pattern: x.pattern.as_ref().map(field_pattern_to_wit),
        min: x.min.clone(),
        max: x.max.clone(),
    }
}

pub(in crate::runtime) fn field_kind_to_wit(x: &content::FieldKind) -> wit::content::FieldKind {
    match x {
        content::FieldKind::Text => wit::content::FieldKind::Text,
        content::FieldKind::Multiline => wit::content::FieldKind::Multiline,
        content::FieldKind::Number => wit::content::FieldKind::Number,
        content::FieldKind::Checkbox => wit::content::FieldKind::Checkbox,
        content::FieldKind::Radio => wit::content::FieldKind::Radio,
        content::FieldKind::Select => wit::content::FieldKind::Select,
        content::FieldKind::MultiSelect => wit::content::FieldKind::MultiSelect,
        content::FieldKind::Date => wit::content::FieldKind::Date,
        content::FieldKind::Time => wit::content::FieldKind::Time,
        content::FieldKind::Timezone => wit::content::FieldKind::Timezone,
        content::FieldKind::User => wit::content::FieldKind::User,
        content::FieldKind::Conversation => wit::content::FieldKind::Conversation,
        content::FieldKind::Hidden => wit::content::FieldKind::Hidden,
        content::FieldKind::Other(x) => wit::content::FieldKind::Other(other_field_to_wit(x)),
    }
}

pub(in crate::runtime) fn other_field_to_wit(x: &content::OtherField) -> wit::content::OtherField {
    wit::content::OtherField {
        name: x.name.clone(),
        json: x.json.clone(),
    }
}

pub(in crate::runtime) fn choice_to_wit(x: &content::Choice) -> wit::content::Choice {
    wit::content::Choice {
        value: x.value.clone(),
        label: x.label.clone(),
    }
}

pub(in crate::runtime) fn field_pattern_to_wit(
    x: &content::FieldPattern,
) -> wit::content::FieldPattern {
    wit::content::FieldPattern {
        regex: x.regex.clone(),
        message: x.message.clone(),
    }
}

pub(in crate::runtime) fn form_answers_to_wit(
    x: &content::FormAnswers,
) -> wit::content::FormAnswers {
    match x {
        content::FormAnswers::Once => wit::content::FormAnswers::Once,
        content::FormAnswers::OncePerUser => wit::content::FormAnswers::OncePerUser,
        content::FormAnswers::Any => wit::content::FormAnswers::Any,
    }
}

pub(in crate::runtime) fn form_audience_to_wit(
    x: &content::FormAudience,
) -> wit::content::FormAudience {
    match x {
        content::FormAudience::Anyone => wit::content::FormAudience::Anyone,
        content::FormAudience::Actor => wit::content::FormAudience::Actor,
        content::FormAudience::Users(x) => wit::content::FormAudience::Users(x.clone()),
        content::FormAudience::Roles(x) => wit::content::FormAudience::Roles(x.clone()),
    }
}

pub(in crate::runtime) fn form_end_to_wit(x: &content::FormEnd) -> wit::content::FormEnd {
    match x {
        content::FormEnd::Never => wit::content::FormEnd::Never,
        content::FormEnd::At(x) => wit::content::FormEnd::At(*x),
        content::FormEnd::After(x) => wit::content::FormEnd::After(*x),
    }
}

pub(in crate::runtime) fn raw_block_to_wit(x: &content::RawBlock) -> wit::content::RawBlock {
    wit::content::RawBlock {
        platform: x.platform.clone(),
        text: x.text.clone(),
        fallback: x.fallback,
    }
}
