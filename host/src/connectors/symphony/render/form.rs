//! Forms and rows of buttons, both as Elements.

use super::field;
use super::markup::{Markup, cut};
use super::page::Page;
use crate::connectors::symphony::ids::{BUTTONS_FORM, REPLY_BUTTON};
use crate::content::{clean_line, plain};
use crate::model::content::{
    Button, ButtonKind, ButtonStyle, Form, FormAnswers, LinkSpan, Span, TextSpan, TextStyle,
};

/// The most characters of an id.
const MAX_ID: usize = 64;
/// The most radio buttons of a form.
const MAX_RADIOS: usize = 50;

/// What a form's fields share.
#[derive(Default)]
pub(super) struct Fields {
    /// Radio buttons so far.
    pub(super) radios: usize,
}

impl Fields {
    /// Whether so many radio buttons more are taken.
    pub(super) fn takes_radios(&mut self, count: usize) -> bool {
        let taken = self.radios + count <= MAX_RADIOS;
        if taken {
            self.radios += count;
        }
        taken
    }
}

/// Writes a form. Who may answer and until when is the host's affair; how often is also the client's.
pub(super) fn write(page: &mut Page, form: &Form) {
    begin(
        &mut page.markup,
        &form_id(&form.id),
        form.answers == FormAnswers::Any,
    );
    let title = form.title.as_deref();
    if let Some(title) = title.filter(|title| !title.trim().is_empty()) {
        page.markup.raw("<h3>");
        page.markup.line(title);
        page.markup.raw("</h3>");
    }
    let mut fields = Fields::default();
    for found in &form.fields {
        field::write(page, &mut fields, found);
    }
    let is_action = |button: &Button| matches!(button.kind, ButtonKind::Action(_));
    if !form.buttons.iter().any(is_action) {
        button(
            &mut page.markup,
            "submit",
            "Submit",
            ButtonStyle::Primary,
            false,
        );
    }
    for found in &form.buttons {
        write_button(page, found, true);
    }
    page.markup.close("form");
}

/// A row of buttons.
pub(super) struct ButtonRow;

impl ButtonRow {
    /// Writes a row: links by themselves, what is pressed as a form that can be sent again and again.
    pub(super) fn write(page: &mut Page, buttons: &[Button]) {
        if buttons.is_empty() {
            return;
        }
        let is_link = |button: &Button| matches!(button.kind, ButtonKind::Link(_));
        if buttons.iter().all(is_link) {
            page.markup.raw("<p>");
            for (place, button) in buttons.iter().enumerate() {
                if place > 0 {
                    page.markup.raw(" ");
                }
                write_button(page, button, false);
            }
            page.markup.close("p");
            return;
        }
        page.rows += 1;
        let id = format!("{BUTTONS_FORM}{}", page.rows);
        begin(&mut page.markup, &id, true);
        for button in buttons {
            write_button(page, button, false);
        }
        page.markup.close("form");
    }
}

fn begin(markup: &mut Markup, id: &str, is_open: bool) {
    markup.begin("form");
    markup.attribute("id", id);
    if is_open {
        markup.attribute("multi-submit", "reset");
    }
    markup.open();
}

fn write_button(page: &mut Page, found: &Button, in_form: bool) {
    let label = clean_line(&found.label);
    match &found.kind {
        ButtonKind::Action(action) => {
            let label = if label.trim().is_empty() {
                clean_line(&action.id)
            } else {
                label
            };
            button(&mut page.markup, &action.id, &label, found.style, false);
        }
        ButtonKind::Reply(text) => {
            page.notes
                .add("reply button → said by the host, not seen by others");
            let name = format!("{REPLY_BUTTON}{text}");
            // The form around it is not what is meant.
            button(&mut page.markup, &name, &label, found.style, in_form);
        }
        ButtonKind::Link(url) => {
            let link = Span::Link(LinkSpan {
                text: label.into_owned(),
                url: url.clone(),
            });
            page.line(&[link]);
        }
    }
}

fn button(markup: &mut Markup, name: &str, label: &str, style: ButtonStyle, is_free: bool) {
    markup.begin("button");
    markup.exact("name", name);
    markup.attribute("type", "action");
    let class = match style {
        ButtonStyle::Primary => "primary",
        ButtonStyle::Secondary => "secondary",
        ButtonStyle::Danger => "destructive",
    };
    markup.attribute("class", class);
    markup.flag("formnovalidate", is_free);
    markup.open();
    markup.line(if label.trim().is_empty() {
        "…"
    } else {
        label
    });
    markup.close("button");
}

// An id has no spaces there, and must not be taken for a row of buttons. The host knows the form by its
// message, whatever it is called on the way.
fn form_id(id: &str) -> String {
    let id: String = clean_line(id)
        .chars()
        .map(|sign| if sign.is_whitespace() { '-' } else { sign })
        .collect();
    match id.as_str() {
        "" => "form".to_owned(),
        id if id.starts_with(BUTTONS_FORM) => cut(&format!("form-{id}"), MAX_ID),
        id => cut(id, MAX_ID),
    }
}

/// What a field asks, above it.
pub(super) fn caption(page: &mut Page, label: &str, is_required: bool) {
    if label.trim().is_empty() {
        return;
    }
    let mut spans = vec![plain(clean_line(label))];
    if is_required {
        spans.push(Span::Text(TextSpan {
            text: " *".to_owned(),
            style: TextStyle::default(),
        }));
    }
    page.element("p", &spans);
}
