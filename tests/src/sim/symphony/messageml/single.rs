//! The agent's checks of single elements: what no table of rules can say.

use roxmltree::Node;

use super::elements::is_day;

/// Schemes of addresses that the pod allows.
const SCHEMES: [&str; 7] = ["http", "https", "mailto", "sip", "sips", "tel", "symphony"];

pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

pub(super) fn has_text(node: Node<'_, '_>) -> bool {
    node.children()
        .any(|child| child.is_text() && child.text().is_some_and(|it| !it.trim().is_empty()))
}

pub(super) fn is_inside(node: Node<'_, '_>, tag: &str) -> bool {
    node.ancestors()
        .skip(1)
        .any(|above| above.tag_name().name() == tag)
}

pub(super) fn at_least(tag: &str, child: &str) -> String {
    format!(
        "The \"{tag}\" element must have at least one child that is any of the following elements: [{child}]."
    )
}

pub(super) fn link(node: Node<'_, '_>) -> Result<(), String> {
    let href = node.attribute("href").unwrap_or("");
    if !is_uri(href) {
        return Err(format!(
            "Invalid input: href must be a URI value not \"{href}\""
        ));
    }
    let url = url::Url::parse(href)
        .map_err(|_| "The attribute \"href\" must contain an absolute URI".to_owned())?;
    if SCHEMES.contains(&url.scheme()) {
        return Ok(());
    }
    Err(format!(
        "URI scheme \"{}\" is not supported by the pod.",
        url.scheme()
    ))
}

/// Tells whether a text has only what Java's addresses may have: no blanks, no braces, no lone `%`.
fn is_uri(text: &str) -> bool {
    let is_allowed = |letter: char| {
        !letter.is_whitespace() && !letter.is_control() && !"<>\"{}|\\^`".contains(letter)
    };
    let mut after_percent = text.split('%').skip(1);
    let is_escape = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    text.chars().all(is_allowed) && after_percent.all(is_escape)
}

pub(super) fn keyword(node: Node<'_, '_>, tag: &str) -> Result<(), String> {
    let value = node.attribute("tag").unwrap_or("");
    if !value.chars().any(char::is_alphanumeric) {
        return Err(format!(
            "Invalid value of \"tag\" in \"{tag}\": \"{value}\""
        ));
    }
    if tag == "cash" && value.chars().all(|letter| letter.is_ascii_digit()) {
        return Err("Numeric cash tags must be prefixed with an asterisk (\"*\")".to_owned());
    }
    Ok(())
}

pub(super) fn emoji(node: Node<'_, '_>) -> Result<(), String> {
    let code = node
        .attribute("shortcode")
        .or_else(|| node.attribute("annotation"));
    let code = code.ok_or("The attribute \"shortcode\" is required")?;
    let is_code = |letter: char| letter.is_ascii_alphanumeric() || "_+-".contains(letter);
    if code.is_empty() || !code.chars().all(is_code) {
        return Err("Shortcode or Annotation parameter may only contain alphanumeric characters, underscore, plus sign and dash".to_owned());
    }
    Ok(())
}

pub(super) fn date_time(node: Node<'_, '_>) -> Result<(), String> {
    let value = node.attribute("value").unwrap_or("");
    // A day, a time and an offset: `2024-01-01T10:00:00+01:00`.
    let (day, time) = value.split_once('T').unwrap_or((value, ""));
    let has_offset = time.ends_with('Z') || time.get(1..).is_some_and(|it| it.contains(['+', '-']));
    if is_day(day) && has_offset {
        return Ok(());
    }
    Err("Attribute \"value\" has invalid date format".to_owned())
}

pub(super) fn button(node: Node<'_, '_>) -> Result<(), String> {
    if !is_inside(node, "form") && !is_inside(node, "ui-action") {
        return Err(
            "Element \"button\" can only be a inner child of the following elements: [form, uiaction]"
                .to_owned(),
        );
    }
    const CLASSES: [&str; 9] = [
        "primary",
        "secondary",
        "tertiary",
        "destructive",
        "primary-destructive",
        "secondary-destructive",
        "primary-link",
        "secondary-link",
        "destructive-link",
    ];
    if node
        .attribute("class")
        .is_some_and(|class| !CLASSES.contains(&class))
    {
        return Err("Attribute \"class\" must be \"primary\", \"secondary\", \"tertiary\" or \"destructive\" (\"primary-destructive\" and \"secondary-destructive\" are deprecated)".to_owned());
    }
    let in_action = node
        .parent_element()
        .is_some_and(|parent| parent.tag_name().name() == "ui-action");
    let name = node
        .attribute("name")
        .filter(|name| !name.trim().is_empty());
    if in_action {
        if node.attribute("type").is_some() || node.attribute("name").is_some() {
            return Err(
                "Attributes \"type\" and \"name\" are not allowed on a button inside a UIAction."
                    .to_owned(),
            );
        }
        return Ok(());
    }
    match node.attribute("type").unwrap_or("action") {
        "action" if name.is_none() => {
            return Err("Attribute \"name\" is required for action buttons".to_owned());
        }
        "cancel" if name.is_none() => {
            return Err("Attribute \"name\" is required for cancel buttons".to_owned());
        }
        "reset" if node.attribute("name").is_some() => {
            return Err("Attribute \"name\" is allowed for action buttons only".to_owned());
        }
        "action" | "cancel" | "reset" => {}
        _ => {
            return Err(
                "Attribute \"type\" must be \"action\", \"reset\" or \"cancel\"".to_owned(),
            );
        }
    }
    if has_text(node) {
        Ok(())
    } else {
        Err(at_least("button", "text"))
    }
}

pub(super) fn between(node: Node<'_, '_>, least: i64, most: i64) -> Result<(), String> {
    let number = |name: &str| match node.attribute(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<i64>()
            .map(Some)
            .map_err(|_| format!("The attribute \"{name}\" must be a valid number.")),
    };
    let (min, max) = (number("minlength")?, number("maxlength")?);
    for (name, value) in [("minlength", min), ("maxlength", max)] {
        if value.is_some_and(|value| value < least || value > most) {
            return Err(format!(
                "The attribute \"{name}\" must be between {least} and {most}"
            ));
        }
    }
    let (min, max) = (min.unwrap_or(least), max.unwrap_or(most));
    if min > max {
        return Err(
            "The attribute \"minlength\" must be lower than the \"maxlength\" attribute".to_owned(),
        );
    }
    let Some(text) = node.text() else {
        return Ok(());
    };
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if length < min || length > max {
        let tag = node.tag_name().name();
        return Err(format!(
            "The length of this {tag}'s initial value must be between {min} and {max}"
        ));
    }
    Ok(())
}

pub(super) fn select(node: Node<'_, '_>) -> Result<(), String> {
    if elements(node).next().is_none() {
        return Err(at_least("select", "option"));
    }
    let multiple = node.attribute("multiple") == Some("true");
    for name in ["min", "max"] {
        if node.attribute(name).is_some() && !multiple {
            return Err(format!(
                "Attribute \"{name}\" is not allowed. Attribute \"multiple\" missing"
            ));
        }
    }
    let number = |name: &str, least: i64| match node.attribute(name) {
        None => Ok(0),
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|number| *number >= least)
            .ok_or_else(|| format!("Attribute \"{name}\" is not valid, it must be >= {least}")),
    };
    let (min, max) = (number("min", 0)?, number("max", 1)?);
    if max > 0 && min > max {
        return Err("Attribute \"min\" is greater than attribute \"max\"".to_owned());
    }
    if multiple
        && node.attribute("required") == Some("true")
        && node.attribute("min").is_some()
        && min == 0
    {
        return Err("Attribute \"min\" cannot be 0 if \"required\" is true".to_owned());
    }
    let selected = elements(node).filter(|option| option.attribute("selected") == Some("true"));
    if !multiple && selected.count() > 1 {
        return Err("Element \"select\" can only have one selected \"option\"".to_owned());
    }
    Ok(())
}

pub(super) fn one_checked(node: Node<'_, '_>) -> Result<(), String> {
    let form = node
        .ancestors()
        .find(|above| above.tag_name().name() == "form");
    let name = node.attribute("name");
    let checked = form
        .into_iter()
        .flat_map(|form| form.descendants())
        .filter(|it| {
            it.tag_name().name() == "radio"
                && it.attribute("name") == name
                && it.attribute("checked") == Some("true")
        });
    if checked.count() > 1 {
        return Err("Only one radio button of a group can be checked".to_owned());
    }
    Ok(())
}

pub(super) fn ui_action(node: Node<'_, '_>) -> Result<(), String> {
    if elements(node).next().is_none() {
        return Err(at_least("ui-action", "button, uiaction"));
    }
    if node.attribute("action") == Some("open-dialog") {
        let target = node.attribute("target-id").unwrap_or("");
        if target.is_empty() || target.contains(char::is_whitespace) {
            return Err(
                "The attribute \"target-id\" is required and must not contain any whitespace"
                    .to_owned(),
            );
        }
        let siblings = node
            .parent()
            .into_iter()
            .flat_map(|parent| parent.children());
        let dialogs = siblings
            .filter(|it| it.tag_name().name() == "dialog" && it.attribute("id") == Some(target));
        return match dialogs.count() {
            1 => Ok(()),
            0 => Err(format!(
                "Could not find a dialog with id \"{target}\" beside the ui-action"
            )),
            _ => Err(format!("More than one dialog has the id \"{target}\"")),
        };
    }
    match (node.attribute("user-ids"), node.attribute("stream-id")) {
        (Some(_), Some(_)) => {
            Err("Only one between \"stream-id\" and \"user-ids\" is allowed".to_owned())
        }
        (None, None) => {
            Err("At least one between \"stream-id\" and \"user-ids\" should be present".to_owned())
        }
        (Some(ids), None) => match serde_json::from_str::<Vec<i64>>(ids) {
            Ok(ids) if ids.len() <= 15 => Ok(()),
            Ok(_) => Err("Attribute \"user-ids\" contains more values than allowed. Max value is 15".to_owned()),
            Err(_) => Err("Attribute \"user-ids\" contains an unsupported format, should be an array of user ids".to_owned()),
        },
        (None, Some(_)) => Ok(()),
    }
}
