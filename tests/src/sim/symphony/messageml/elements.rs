//! Forms and their parts: what the agent makes of them, and the checks of their pickers.

use roxmltree::Node;
use serde_json::Value;

use super::render::{Writer, own};

/// Letters of a picker's JSON.
const JSON_LENGTH: usize = 1_024;

/// Writes a form or a part of one; tells whether it was one.
pub(super) fn write(writer: &mut Writer<'_>, node: Node<'_, '_>, tag: &str) -> bool {
    match tag {
        "form" => {
            let names = [("id", "id"), ("multi-submit", "data-multi-submit")];
            writer.open("form", &renamed(node, &names));
            writer.children(node);
            writer.close("form");
        }
        "button" => button(writer, node),
        "text-field" => {
            let value = node.text().filter(|text| !text.is_empty());
            let mut attributes = vec![("type", "text")];
            attributes.extend(renamed(node, FIELD));
            attributes.extend(value.map(|value| ("value", value)));
            labelled(writer, node, "textfield", |writer, id| {
                writer.single("input", &with_id(&attributes, id));
            });
        }
        "textarea" | "richtextarea" => {
            let attributes = renamed(node, FIELD);
            labelled(writer, node, tag, |writer, id| {
                writer.open(tag, &with_id(&attributes, id));
                writer.children(node);
                writer.close(tag);
            });
        }
        "checkbox" | "radio" => choice(writer, node, tag),
        "select" => {
            let attributes = renamed(node, FIELD);
            labelled(writer, node, "dropdown", |writer, id| {
                writer.open("select", &with_id(&attributes, id));
                writer.children(node);
                writer.close("select");
            });
        }
        "person-selector" | "room-selector" | "date-selector" | "timezone-picker" => {
            let mut attributes = vec![("class", tag)];
            attributes.extend(renamed(node, SELECTOR));
            labelled(writer, node, tag, |writer, id| {
                writer.single("div", &with_id(&attributes, id));
            });
        }
        "date-picker" | "time-picker" => {
            let kind = if tag == "date-picker" { "date" } else { "time" };
            let mut attributes = vec![("type", kind)];
            attributes.extend(renamed(node, FIELD));
            labelled(writer, node, tag, |writer, id| {
                writer.single("input", &with_id(&attributes, id));
            });
        }
        "ui-action" => {
            let mut attributes = vec![("class", "ui-action")];
            attributes.extend(renamed(node, &[("action", "data-action")]));
            attributes.push(("data-trigger", "click"));
            attributes.extend(renamed(
                node,
                &[
                    ("user-ids", "data-user-ids"),
                    ("stream-id", "data-stream-id"),
                    ("side-by-side", "data-side-by-side"),
                    ("target-id", "data-target-id"),
                ],
            ));
            writer.open("div", &attributes);
            writer.children(node);
            writer.close("div");
        }
        "dialog" => dialog(writer, node),
        "title" | "body" | "footer" => {
            writer.open("div", &[("class", &format!("dialog-{tag}"))]);
            writer.children(node);
            writer.close("div");
        }
        _ => return false,
    }
    true
}

/// How attributes of fields are called in PresentationML, in the order written.
const FIELD: &[(&str, &str)] = &[
    ("name", "name"),
    ("value", "value"),
    ("placeholder", "placeholder"),
    ("data-placeholder", "data-placeholder"),
    ("required", "required"),
    ("masked", "data-masked"),
    ("minlength", "minlength"),
    ("maxlength", "maxlength"),
    ("multiple", "multiple"),
    ("disabled", "disabled"),
    ("readonly", "readonly"),
    ("rows", "rows"),
    ("cols", "cols"),
    ("step", "step"),
    ("strict", "data-strict"),
    ("format", "data-format"),
    ("disabled-date", "data-disabled-date"),
    ("highlighted-date", "data-highlighted-date"),
    ("disabled-time", "data-disabled-time"),
    ("auto-submit", "data-auto-submit"),
    ("formnovalidate", "data-formnovalidate"),
    ("pattern", "pattern"),
    ("pattern-error-message", "data-pattern-error-message"),
    ("class", "class"),
    ("style", "style"),
];

const SELECTOR: &[(&str, &str)] = &[
    ("name", "data-name"),
    ("placeholder", "data-placeholder"),
    ("required", "data-required"),
    ("value", "data-value"),
    ("disabled", "data-disabled"),
    ("readonly", "data-readonly"),
    ("disabled-timezone", "data-disabled-timezone"),
    ("formnovalidate", "data-formnovalidate"),
];

fn renamed<'a>(node: Node<'a, '_>, names: &[(&str, &'static str)]) -> Vec<(&'a str, &'a str)> {
    let is_select = node.tag_name().name() == "select";
    let mut found: Vec<(&str, &str)> = names
        .iter()
        .filter_map(|(name, shown)| Some((*shown, node.attribute(*name)?)))
        .collect();
    for (name, of_select) in [("min", "data-min"), ("max", "data-max")] {
        let shown = if is_select { of_select } else { name };
        found.extend(node.attribute(name).map(|value| (shown, value)));
    }
    found
}

fn with_id<'a>(attributes: &[(&'a str, &'a str)], id: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let mut all = attributes.to_vec();
    all.extend(id.map(|id| ("id", id)));
    all
}

/// Writes a field with its label and its hint around it, where it has them.
fn labelled(
    writer: &mut Writer<'_>,
    node: Node<'_, '_>,
    group: &str,
    field: impl FnOnce(&mut Writer<'_>, Option<&str>),
) {
    let (label, title) = (node.attribute("label"), node.attribute("title"));
    if label.is_none() && title.is_none() {
        field(writer, None);
        return;
    }
    writer.fields += 1;
    let id = format!("{group}-{}", writer.fields);
    writer.open(
        "div",
        &[
            ("class", &format!("{group}-group")),
            ("data-generated", "true"),
        ],
    );
    if let Some(label) = label {
        writer.open("label", &[("for", &id)]);
        writer.text(label);
        writer.close("label");
    }
    if let Some(title) = title {
        writer.open(
            "span",
            &[
                ("class", "info-hint"),
                ("data-target-id", &id),
                ("data-title", title),
            ],
        );
        writer.close("span");
    }
    field(writer, Some(&id));
    writer.close("div");
}

fn button(writer: &mut Writer<'_>, node: Node<'_, '_>) {
    let in_action = node
        .parent_element()
        .is_some_and(|parent| parent.tag_name().name() == "ui-action");
    let mut attributes = Vec::new();
    if !in_action {
        attributes.push(("type", node.attribute("type").unwrap_or("action")));
    }
    for (name, value) in own(node) {
        match name {
            "type" => {}
            "class" => attributes.push((name, value.strip_suffix("-destructive").unwrap_or(value))),
            "icon" => attributes.push(("data-icon", value)),
            "title" => attributes.push(("data-title", value)),
            "formnovalidate" => attributes.push(("data-formnovalidate", value)),
            _ => attributes.push((name, value)),
        }
    }
    writer.open("button", &attributes);
    writer.children(node);
    writer.close("button");
}

fn choice(writer: &mut Writer<'_>, node: Node<'_, '_>, tag: &str) {
    let mut attributes = vec![("type", tag)];
    attributes.extend(renamed(node, &[("name", "name"), ("checked", "checked")]));
    attributes.push(("value", node.attribute("value").unwrap_or("on")));
    attributes.extend(renamed(
        node,
        &[("disabled", "disabled"), ("readonly", "readonly")],
    ));
    if !node.has_children() {
        writer.single("input", &attributes);
        return;
    }
    writer.fields += 1;
    let id = format!("{tag}-group-{}", writer.fields);
    writer.open("div", &[("class", &format!("{tag}-group"))]);
    writer.single("input", &with_id(&attributes, Some(&id)));
    writer.open("label", &[("for", &id)]);
    writer.children(node);
    writer.close("label");
    writer.close("div");
}

fn dialog(writer: &mut Writer<'_>, node: Node<'_, '_>) {
    writer.fields += 1;
    let id = format!("{}-{}", writer.fields, node.attribute("id").unwrap_or(""));
    writer.open(
        "dialog",
        &[
            ("data-width", node.attribute("width").unwrap_or("medium")),
            ("data-state", node.attribute("state").unwrap_or("close")),
            ("id", &id),
            ("open", ""),
        ],
    );
    writer.children(node);
    writer.close("dialog");
}

/// Tells whether a text is a day: `2024-02-29`.
pub(super) fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    if year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) = (
        year.parse::<u32>(),
        month.parse::<u32>(),
        day.parse::<u32>(),
    ) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Tells whether a text is a time of the day: `23:59:59`.
fn is_time(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let [hours, minutes, seconds] = parts.as_slice() else {
        return false;
    };
    let below = |text: &str, limit: u32| {
        text.len() == 2 && text.parse::<u32>().is_ok_and(|number| number < limit)
    };
    below(hours, 24) && below(minutes, 60) && below(seconds, 60)
}

fn json_list(node: Node<'_, '_>, name: &str) -> Result<(), String> {
    let Some(text) = node.attribute(name) else {
        return Ok(());
    };
    if text.chars().count() > JSON_LENGTH {
        return Err(format!(
            "Attribute \"{name}\" exceed maximum allowed length ({JSON_LENGTH})"
        ));
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(_)) => Ok(()),
        Ok(_) => Err(format!(
            "Error parsing json in attribute \"{name}\": a list is expected"
        )),
        Err(error) => Err(format!(
            "Error parsing json in attribute \"{name}\": {error}"
        )),
    }
}

/// The check of what a selector begins with: user ids, or conversations.
pub(super) fn check_selected(node: Node<'_, '_>, tag: &str) -> Result<(), String> {
    let Some(text) = node.attribute("value") else {
        return Ok(());
    };
    let is_list = if tag == "person-selector" {
        serde_json::from_str::<Vec<i64>>(text).is_ok()
    } else {
        serde_json::from_str::<Vec<String>>(text).is_ok()
    };
    if is_list {
        return Ok(());
    }
    let what = if tag == "person-selector" {
        "user ids"
    } else {
        "stream ids"
    };
    Err(format!(
        "Attribute \"value\" contains an unsupported format, should be an array of {what}"
    ))
}

/// The checks of a date-picker.
pub(super) fn check_dates(node: Node<'_, '_>) -> Result<(), String> {
    for name in ["value", "min", "max"] {
        if node.attribute(name).is_some_and(|text| !is_day(text)) {
            return Err(format!("Attribute \"{name}\" has invalid date format"));
        }
    }
    if node
        .attribute("name")
        .is_some_and(|name| name.chars().count() > 64)
    {
        return Err("The attribute \"name\" length is bigger than maximum allowed [64]".to_owned());
    }
    json_list(node, "disabled-date")?;
    json_list(node, "highlighted-date")?;
    let is_format = |letter: char| letter.is_ascii_digit() || "Mdy/. -:".contains(letter);
    if node
        .attribute("format")
        .is_some_and(|format| !format.chars().all(is_format))
    {
        return Err("Attribute \"format\" contains an unsupported date format, only 'M', 'd' and 'y' are supported with a space or '.','-','/',':' as separator".to_owned());
    }
    Ok(())
}

/// The checks of a time-picker.
pub(super) fn check_times(node: Node<'_, '_>) -> Result<(), String> {
    for name in ["value", "min", "max"] {
        if node.attribute(name).is_some_and(|text| !is_time(text)) {
            return Err(format!(
                "Attribute \"{name}\" has invalid time format, only HH:mm:ss format is allowed"
            ));
        }
    }
    json_list(node, "disabled-time")?;
    let step = node.attribute("step").map(str::parse::<u32>);
    if step.is_some_and(|step| !step.is_ok_and(|step| (600..=43_200).contains(&step))) {
        return Err("Attribute \"step\" must be less than 43200 and more than 600".to_owned());
    }
    Ok(())
}
