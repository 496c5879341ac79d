//! `/block NAME` sends that block, `/span NAME` that span, `/field KIND` a form with that field,
//! `/content NAME` that form of content. Submissions and presses are told.

use parlor_sdk::content::{
    Alignment, DateFormat, FieldKind, FormAudience, OtherField, TextStyle, raw,
};
use parlor_sdk::events::{ButtonPressed, FormClosed, FormSubmitted};
use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "blocks", summary = "Sends every kind of content")]
impl Guest {
    #[command("/block {name}")]
    fn block(&mut self, cx: &Context, name: String) -> Reply {
        match block(&name) {
            Some(page) => Message::reply(page)
                .attach("a.txt", "text/plain", "file-1")
                .into(),
            None => cx.reply(format!("no block {name}")),
        }
    }

    #[command("/span {name}")]
    fn span(&mut self, cx: &Context, name: String) -> Reply {
        match span(&name) {
            Some(line) => cx.reply(line),
            None => cx.reply(format!("no span {name}")),
        }
    }

    #[command("/field {kind}")]
    fn field(&mut self, cx: &Context, kind: String) -> Reply {
        match field(&kind) {
            Some(field) => {
                let form = Form::new(format!("form-{kind}")).title("A form");
                cx.reply(form.field(field).submit("Send"))
            }
            None => cx.reply(format!("no field {kind}")),
        }
    }

    // How often, by whom and until when a form may be answered.
    #[command("/rule {name}")]
    fn rule(&mut self, cx: &Context, name: String) -> Reply {
        let form = Form::new("form-rule").text("name", "Name");
        cx.reply(match name.as_str() {
            "once" => form.once(),
            "once-per-user" => form.once_per_user(),
            "actor" => form.for_actor(),
            "users" => form.for_users(["user-1"]),
            "roles" => form.for_roles(["staff"]),
            "at" => form.closes_at(time::now() + 2_000),
            "after" => form.closes_after(std::time::Duration::from_secs(2)),
            _ => form,
        })
    }

    #[command("/content {name}")]
    fn content(&mut self, name: String) -> Content {
        match name.as_str() {
            "markdown" => Content::markdown("# Title\n\n**bold** and `code`\n\n- one\n- two"),
            "message-ml" => Content::message_ml("<messageML><b>bold</b> text</messageML>"),
            "bad-message-ml" => Content::message_ml("<messageML><blink>no</blink></messageML>"),
            _ => Content::plain("<b>plain</b> & *as it is*"),
        }
    }

    #[on(form_submitted)]
    fn submitted(&mut self, cx: &Context, form: &FormSubmitted) -> Reply {
        cx.reply(format!(
            "{} by {}: {:?}",
            form.form_id, form.button, form.values
        ))
    }

    #[on(form_closed)]
    fn closed(&mut self, cx: &Context, form: &FormClosed) -> Reply {
        cx.reply(format!("{} closed: {:?}", form.form_id, form.reason))
    }

    #[on(button_pressed)]
    fn pressed(&mut self, cx: &Context, button: &ButtonPressed) -> Reply {
        cx.reply(format!("{} pressed: {}", button.button_id, button.value))
    }
}

fn block(name: &str) -> Option<Blocks> {
    let page = Blocks::new();
    Some(match name {
        "paragraph" => page.paragraph(Line::new().text("a ").bold("paragraph")),
        "heading" => (1..=6).fold(page, |page, level| {
            page.heading(level, format!("level {level}"))
        }),
        "quote" => page.quote("somebody's words"),
        "code" => page
            .code_in("rust", "fn main() {\n    run();\n}")
            .code("no language"),
        "divider" => page.paragraph("above").divider().paragraph("below"),
        "list-item" => page
            .item("one")
            .item_at(1, "one and a half")
            .numbered_at(0, "first")
            .numbered_at(0, "second"),
        "table" => page.table(
            Table::new()
                .header(["Left", "Middle", "Right"])
                .align([Alignment::Left, Alignment::Center, Alignment::Right])
                .row([Line::new().bold("a"), "b | c".into(), "1".into()])
                .row(["short"]),
        ),
        "image" => page
            .image("https://example.com/a.png", "a picture")
            .attached_image(0, "attached"),
        "attachment" => page
            .attached_file(0, "a.txt")
            .file("https://example.com/b.txt", "b.txt"),
        "card" => page.card(
            Card::new("Title")
                .subtitle("Subtitle")
                .paragraph("A paragraph")
                .fact("Name", "Value")
                .button(Button::action("Press", "card-button", "card-value").primary())
                .button(Button::link("Open", "https://example.com")),
        ),
        "form" => page.form(
            Form::new("form-1")
                .title("A form")
                .text("name", "Name")
                .select("colour", "Colour", [("r", "Red"), ("g", "Green")])
                .checkbox("sure", "Sure")
                .submit("Send"),
        ),
        "buttons" => page.buttons(
            Buttons::new()
                .button(Button::action("Yes", "yes", "1").primary())
                .button(Button::action("No", "no", "0").danger())
                .link("Open", "https://example.com")
                .reply("Say it", "said by a button"),
        ),
        "raw" => page.raw(
            "symphony",
            "<b>raw</b>",
            Blocks::new().paragraph("instead of raw"),
        ),
        "raw-form" => {
            // The contract's own record, without the builder.
            page.block(Block::Form(raw::Form {
                id: "form-raw".into(),
                title: None,
                fields: Vec::new(),
                buttons: Vec::new(),
                answers: parlor_sdk::content::FormAnswers::Any,
                audience: FormAudience::Anyone,
                end: parlor_sdk::content::FormEnd::Never,
            }))
        }
        _ => return None,
    })
}

fn span(name: &str) -> Option<Line> {
    let line = Line::new();
    Some(match name {
        "text" => line.text("plain <b>text</b> *here*"),
        "bold" => line.bold("bold"),
        "italic" => line.italic("italic"),
        "underline" => line.underline("underline"),
        "strike" => line.strike("strike"),
        "code" => line.code("code"),
        "styles" => line.styled("bold and italic", TextStyle::BOLD | TextStyle::ITALIC),
        "link" => line
            .link("a link", "https://example.com")
            .link("", "https://example.com/bare"),
        "mention" => line
            .mention_user("user-1", "Ada")
            .mention_email("ada@example.com", "Ada"),
        "mention-all" => line.mention_all("all"),
        "cashtag" => line.cashtag("goog"),
        "hashtag" => line.hashtag("topic"),
        "emoji" => line.emoji("smile"),
        "date-time" => line
            .moment(1_800_000_000_000, DateFormat::DateTime)
            .moment(1_800_000_000_000, DateFormat::Date)
            .moment(1_800_000_000_000, DateFormat::Time),
        "line-break" => line.text("one").line_break().text("two"),
        "other" => line.other("sparkline", "1 2 3"),
        _ => return None,
    })
}

fn field(kind: &str) -> Option<Field> {
    let field = |kind| Field::new("field", "A field", kind);
    let choices = |field: Field| field.choice("r", "Red").choice("g", "Green");
    Some(match kind {
        "text" => field(FieldKind::Text)
            .required()
            .placeholder("a to z")
            .pattern("[a-z]+", "small letters only")
            .min("2")
            .max("5"),
        "multiline" => field(FieldKind::Multiline).default_value("one\ntwo"),
        "number" => field(FieldKind::Number).min("1").max("10"),
        "checkbox" => field(FieldKind::Checkbox).default_value("true"),
        "radio" => choices(field(FieldKind::Radio)).default_value("g"),
        "select" => choices(field(FieldKind::Select)).required(),
        "multi-select" => choices(field(FieldKind::MultiSelect)).multiple(),
        "date" => field(FieldKind::Date).min("2026-01-01").max("2026-12-31"),
        "time" => field(FieldKind::Time),
        "timezone" => field(FieldKind::Timezone),
        "user" => field(FieldKind::User).multiple(),
        "conversation" => field(FieldKind::Conversation),
        "hidden" => field(FieldKind::Hidden).default_value("unseen"),
        "read-only" => field(FieldKind::Text).read_only().default_value("fixed"),
        "other" => field(FieldKind::Other(OtherField {
            name: "slider".into(),
            json: "{\"steps\":5}".into(),
        })),
        _ => return None,
    })
}
