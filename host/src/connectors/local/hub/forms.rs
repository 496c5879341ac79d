//! Forms and buttons under messages: what a person typed becomes typed values. Whether they obey
//! the form's rules is checked by the host, for every platform alike.

use std::collections::BTreeMap;

use crate::mailbox::rooms::RoomsError;
use crate::model::content::{Block, Button, ButtonKind, Field, FieldKind, Form};
use crate::model::event::User;
use crate::model::payload::{FieldValue, SubmittedField};

/// The id of the button of a form that declares none.
pub const DEFAULT_BUTTON: &str = "submit";
/// Values of one field.
const VALUES_MAX: usize = 100;
/// Bytes of one value.
const VALUE_MAX: usize = 64 * 1024;

/// Finds a form; an empty id finds the first.
pub fn find_form<'a>(blocks: &'a [Block], id: &str) -> Option<&'a Form> {
    blocks.iter().find_map(|block| match block {
        Block::Form(form) if id.is_empty() || form.id == id => Some(form),
        _ => None,
    })
}

/// The buttons of a message outside its forms, in order.
pub fn buttons(blocks: &[Block]) -> impl Iterator<Item = &Button> {
    blocks.iter().flat_map(|block| match block {
        Block::Buttons(buttons) => buttons.iter(),
        Block::Card(card) => card.buttons.iter(),
        _ => [].iter(),
    })
}

/// Finds a button outside forms by its id; one without an id is found by its label.
pub fn find_button<'a>(blocks: &'a [Block], id: &str) -> Option<&'a Button> {
    buttons(blocks).find(|button| match &button.kind {
        ButtonKind::Action(action) => action.id == id,
        ButtonKind::Link(_) | ButtonKind::Reply(_) => button.label == id,
    })
}

/// The button that submits a form: the one named, else the first.
///
/// # Errors
/// When the form has no such button.
pub fn submitting_button(form: &Form, wanted: Option<String>) -> Result<String, RoomsError> {
    let mut ids = form.buttons.iter().filter_map(|button| match &button.kind {
        ButtonKind::Action(action) => Some(&action.id),
        ButtonKind::Link(_) | ButtonKind::Reply(_) => None,
    });
    match wanted {
        None => Ok(ids
            .next()
            .map_or_else(|| DEFAULT_BUTTON.to_owned(), Clone::clone)),
        Some(wanted) => {
            let mut ids = ids.peekable();
            let known = match ids.peek() {
                None => wanted == DEFAULT_BUTTON,
                Some(_) => ids.any(|id| *id == wanted),
            };
            if known {
                Ok(wanted)
            } else {
                Err(RoomsError::NotFound(format!("button {wanted}")))
            }
        }
    }
}

/// Makes typed values of what was typed. Fields that were left empty are left out; what does not
/// fit its field's kind stays text, which the host then refuses with the field's name.
///
/// # Errors
/// When a value is for no field, or is too large.
pub fn typed_values(
    form: &Form,
    values: &BTreeMap<String, Vec<String>>,
    find_user: impl Fn(&str) -> Option<User>,
    find_room: impl Fn(&str) -> Option<String>,
) -> Result<Vec<SubmittedField>, RoomsError> {
    if let Some(unknown) = values
        .keys()
        .find(|id| form.fields.iter().all(|field| field.id != **id))
    {
        return Err(RoomsError::NotFound(format!("field {unknown}")));
    }
    if values
        .values()
        .any(|list| list.len() > VALUES_MAX || list.iter().any(|v| v.len() > VALUE_MAX))
    {
        return Err(RoomsError::TooLarge("a value is too large".into()));
    }
    let mut typed = Vec::new();
    for field in &form.fields {
        let fixed = field.read_only || field.kind == FieldKind::Hidden;
        let given = match values.get(&field.id) {
            Some(given) if !fixed => given,
            _ if fixed => &field.defaults,
            _ => continue,
        };
        let given: Vec<&String> = given.iter().filter(|v| !v.is_empty()).collect();
        if let Some(value) = typed_value(field, &given, &find_user, &find_room) {
            typed.push(SubmittedField {
                id: field.id.clone(),
                value,
            });
        }
    }
    Ok(typed)
}

fn typed_value(
    field: &Field,
    given: &[&String],
    find_user: &impl Fn(&str) -> Option<User>,
    find_room: &impl Fn(&str) -> Option<String>,
) -> Option<FieldValue> {
    let first = (*given.first()?).clone();
    let all = || given.iter().map(|v| (*v).clone()).collect::<Vec<_>>();
    Some(match &field.kind {
        FieldKind::Number => first
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|n| n.is_finite())
            .map_or(FieldValue::Text(first), FieldValue::Number),
        FieldKind::Checkbox => match first.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => FieldValue::Flag(true),
            "false" | "off" | "no" | "0" => FieldValue::Flag(false),
            _ => FieldValue::Text(first),
        },
        FieldKind::MultiSelect => FieldValue::Choices(all()),
        FieldKind::Date => FieldValue::Date(first),
        FieldKind::Time => FieldValue::Time(first),
        FieldKind::User => {
            let users: Option<Vec<User>> = given.iter().map(|v| find_user(v)).collect();
            users.map_or(FieldValue::Text(first), FieldValue::Users)
        }
        FieldKind::Conversation => {
            let ids = given.iter().map(|name| find_room(name));
            let ids: Option<Vec<String>> = ids.collect();
            ids.map_or(FieldValue::Text(first), FieldValue::Conversations)
        }
        FieldKind::Other(_) => FieldValue::Other(first),
        FieldKind::Text
        | FieldKind::Multiline
        | FieldKind::Radio
        | FieldKind::Select
        | FieldKind::Timezone
        | FieldKind::Hidden => FieldValue::Text(first),
    })
}
