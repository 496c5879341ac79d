//! The agent's checks of a message, element by element, in the order in which it makes them.

use std::collections::HashSet;

use roxmltree::Node;

use super::rules::{Content, PHRASING, Rule, is_presentation, rule};
use super::single::{
    at_least, between, button, date_time, elements, emoji, has_text, is_inside, keyword, link,
    one_checked, select, ui_action,
};
use super::{Find, Format, Who, styles};

/// Letters that an id may have.
const ID_LENGTH: usize = 64;
/// Checkboxes and radios that a form may have of each.
const CHOICES: usize = 50;
/// Letters of texts beside a field.
const TEXT_LENGTH: usize = 256;
/// Elements that may stand in each other.
const DEPTH: usize = 200;

/// Checks a message.
pub(super) fn check(root: Node<'_, '_>, format: Format, find: Find<'_>) -> Result<(), String> {
    let mut checker = Checker {
        format,
        find,
        ids: HashSet::new(),
    };
    let name = root.tag_name().name();
    for attribute in root.attributes() {
        let allowed = match format {
            Format::MessageMl => false,
            Format::PresentationMl => {
                attribute.name().starts_with("data-")
                    || matches!(attribute.name(), "class" | "style")
            }
        };
        if !allowed {
            return Err(not_allowed(attribute.name(), name));
        }
    }
    for child in root.children() {
        checker.node(child, 1)?;
    }
    checker.chime(root)
}

struct Checker<'a> {
    format: Format,
    find: Find<'a>,
    ids: HashSet<String>,
}

fn not_allowed(attribute: &str, element: &str) -> String {
    format!("Attribute \"{attribute}\" is not allowed in \"{element}\"")
}

fn count(node: Node<'_, '_>, tag: &str) -> usize {
    node.descendants()
        .filter(|it| it.tag_name().name() == tag)
        .count()
}

impl Checker<'_> {
    fn node(&mut self, node: Node<'_, '_>, depth: usize) -> Result<(), String> {
        if node.is_text() {
            return Ok(());
        }
        if node.is_comment() {
            return Err("Invalid element \"#comment\"".to_owned());
        }
        if !node.is_element() {
            return Err("Invalid element \"#processing-instruction\"".to_owned());
        }
        if depth > DEPTH {
            return Err("Invalid messageML: elements are nested too deep".to_owned());
        }
        let tag = node.tag_name().name();
        let is_presentation_only = self.format == Format::PresentationMl && is_presentation(tag);
        let Some(rule) = rule(tag) else {
            if is_presentation_only {
                return self.children(node, depth);
            }
            return Err(format!("Invalid MessageML content at element \"{tag}\""));
        };
        if rule.shorthand && self.format == Format::PresentationMl {
            return Err(format!(
                "Shorthand tag \"{tag}\" is not allowed in PresentationML"
            ));
        }
        self.attributes(node, &rule)?;
        self.children(node, depth)?;
        self.element(node, tag, &rule)
    }

    fn children(&mut self, node: Node<'_, '_>, depth: usize) -> Result<(), String> {
        for child in node.children() {
            self.node(child, depth + 1)?;
        }
        Ok(())
    }

    fn attributes(&self, node: Node<'_, '_>, rule: &Rule) -> Result<(), String> {
        let tag = node.tag_name().name();
        for attribute in node.attributes() {
            let name = attribute.name();
            if rule.styled && name == "class" {
                continue;
            }
            if rule.styled && name == "style" {
                styles::check(attribute.value())?;
                continue;
            }
            if self.format == Format::PresentationMl
                && (name.starts_with("data-") || name == "id" || name == "value" || name == "open")
            {
                continue;
            }
            if !rule.attributes.contains(&name) {
                return Err(not_allowed(name, tag));
            }
            if name == "data-entity-id" && node.attribute("class") != Some("entity") {
                return Err(not_allowed(name, tag));
            }
        }
        Ok(())
    }

    fn element(&mut self, node: Node<'_, '_>, tag: &str, rule: &Rule) -> Result<(), String> {
        if rule.in_form && !is_inside(node, "form") {
            return Err(format!(
                "Element \"{tag}\" can only be a inner child of the following elements: [form]"
            ));
        }
        if !rule.parents.is_empty() {
            let parent = node.parent_element().map(|parent| parent.tag_name().name());
            if !parent.is_some_and(|parent| rule.parents.contains(&parent)) {
                let parents = rule.parents.join(", ");
                return Err(format!(
                    "Element \"{tag}\" can only be a child of the following elements: [{parents}]"
                ));
            }
        }
        for name in rule.required {
            // An option may stand for nothing.
            let may_be_blank = tag == "option";
            let is_missing = |value: &str| value.trim().is_empty() && !may_be_blank;
            if node.attribute(*name).is_none_or(is_missing) {
                return Err(format!("The attribute \"{name}\" is required"));
            }
        }
        for (name, allowed) in rule.values {
            if let Some(value) = node.attribute(*name)
                && !allowed.iter().any(|it| it.eq_ignore_ascii_case(value))
            {
                return Err(format!(
                    "Attribute \"{name}\" of element \"{tag}\" can only be one of the following values: [{}].",
                    allowed.join(", ")
                ));
            }
        }
        self.content(node, tag, rule)?;
        self.lengths(node)?;
        self.special(node, tag)
    }

    fn content(&self, node: Node<'_, '_>, tag: &str, rule: &Rule) -> Result<(), String> {
        let (allowed, text): (&[&str], bool) = match rule.content {
            Content::Any => return Ok(()),
            Content::Nothing => {
                if node.children().any(|child| child.is_element()) || has_text(node) {
                    return Err(format!(
                        "Element \"{tag}\" may not have child elements or text content"
                    ));
                }
                return Ok(());
            }
            Content::Phrasing | Content::PhrasingOrPre => (PHRASING, true),
            Content::Text => (&[], true),
            Content::Only(allowed) => (allowed, false),
            Content::TextOr(allowed) => (allowed, true),
        };
        let or_pre = matches!(rule.content, Content::PhrasingOrPre);
        for child in elements(node) {
            let name = child.tag_name().name();
            let is_allowed = allowed.contains(&name) || (or_pre && name == "pre");
            if !is_allowed {
                return Err(format!("Element \"{name}\" is not allowed in \"{tag}\""));
            }
        }
        if !text && has_text(node) {
            return Err(format!("Element \"{tag}\" may not have text content"));
        }
        Ok(())
    }

    fn lengths(&self, node: Node<'_, '_>) -> Result<(), String> {
        for name in ["label", "title", "pattern", "pattern-error-message"] {
            if node
                .attribute(name)
                .is_some_and(|text| text.chars().count() > TEXT_LENGTH)
            {
                return Err(format!(
                    "The attribute \"{name}\" length is bigger than maximum allowed [{TEXT_LENGTH}]"
                ));
            }
        }
        if node.attribute("pattern").is_some() && node.attribute("pattern-error-message").is_none()
        {
            return Err("The attribute \"pattern-error-message\" is required".to_owned());
        }
        Ok(())
    }

    fn special(&mut self, node: Node<'_, '_>, tag: &str) -> Result<(), String> {
        match tag {
            "ul" | "ol" if elements(node).next().is_none() => Err(at_least(tag, "li")),
            "div" | "span" if node.attribute("class") == Some("entity") => {
                if node.attribute("data-entity-id").is_none() {
                    return Err("The attribute \"data-entity-id\" is required".to_owned());
                }
                Ok(())
            }
            "a" => link(node),
            "hash" | "cash" => keyword(node, tag),
            "mention" => self.mention(node),
            "emoji" => emoji(node),
            "dateTime" => date_time(node),
            "form" => self.form(node),
            "button" => button(node),
            "text-field" => between(node, 1, 128),
            "textarea" | "richtextarea" => between(node, 1, 10_000),
            "select" => select(node),
            "option" if !has_text(node) => {
                Err("The \"option\" element must have at least one child that is any of the following elements: [text].".to_owned())
            }
            "radio" => one_checked(node),
            "person-selector" | "room-selector" => super::elements::check_selected(node, tag),
            "date-picker" => super::elements::check_dates(node),
            "time-picker" => super::elements::check_times(node),
            "dialog" => self.dialog(node),
            "ui-action" => ui_action(node),
            _ => Ok(()),
        }
    }

    fn id(&mut self, node: Node<'_, '_>) -> Result<(), String> {
        let id = node.attribute("id").unwrap_or("");
        if id.is_empty() || id.contains(char::is_whitespace) {
            return Err(
                "The attribute \"id\" is required and must not contain any whitespace".to_owned(),
            );
        }
        if id.chars().count() > ID_LENGTH {
            return Err(format!(
                "The attribute \"id\" length is bigger than maximum allowed [{ID_LENGTH}]"
            ));
        }
        if !self.ids.insert(id.to_owned()) {
            return Err(format!(
                "Elements must have unique ids. The following value is not unique: [{id}]."
            ));
        }
        Ok(())
    }

    fn form(&mut self, node: Node<'_, '_>) -> Result<(), String> {
        if is_inside(node, "form") {
            return Err(
                "Element \"form\" cannot be an inner child of the following elements: [form]"
                    .to_owned(),
            );
        }
        for kind in ["checkbox", "radio"] {
            if count(node, kind) > CHOICES {
                return Err(format!(
                    "Element \"form\" cannot have more than {CHOICES} children of the following elements: [checkbox, radio]."
                ));
            }
        }
        let in_dialog = node
            .parent_element()
            .is_some_and(|parent| parent.tag_name().name() == "dialog");
        let acts = |it: &Node<'_, '_>| {
            it.tag_name().name() == "button"
                && it.attribute("type").is_none_or(|kind| kind == "action")
                && !is_inside(*it, "ui-action")
        };
        if !in_dialog && !node.descendants().any(|it| acts(&it)) {
            let id = node.attribute("id").unwrap_or("");
            return Err(format!(
                "The form with id '{id}' should have at least one action button"
            ));
        }
        self.id(node)
    }

    fn dialog(&mut self, node: Node<'_, '_>) -> Result<(), String> {
        let forms = elements(node)
            .filter(|it| it.tag_name().name() == "form")
            .count();
        if forms > 1 {
            return Err("A \"dialog\" element can contain only one \"form\" element".to_owned());
        }
        if forms == 1 {
            if elements(node).count() > 1 {
                return Err(
                    "A \"dialog\" element can't contain a \"form\" element and any other element."
                        .to_owned(),
                );
            }
        } else {
            for part in ["title", "body"] {
                if !elements(node).any(|it| it.tag_name().name() == part) {
                    return Err(at_least("dialog", part));
                }
            }
        }
        self.id(node)
    }

    fn mention(&self, node: Node<'_, '_>) -> Result<(), String> {
        let (shown, found) = match (node.attribute("uid"), node.attribute("email")) {
            (Some(uid), _) => {
                let id: i64 = uid.parse().map_err(|_| {
                    format!("Invalid input: uid must be a int64 value not \"{uid}\"")
                })?;
                (uid, (self.find)(Who::Id(id)))
            }
            (None, Some(email)) => (email, (self.find)(Who::Email(email))),
            (None, None) => {
                return Err("Error processing user mention. No id or email provided".to_owned());
            }
        };
        if found.is_none() && node.attribute("strict") != Some("false") {
            return Err(format!("Failed to lookup user \"{shown}\""));
        }
        Ok(())
    }

    fn chime(&self, root: Node<'_, '_>) -> Result<(), String> {
        if count(root, "chime") > 0 && (elements(root).count() != 1 || has_text(root)) {
            return Err("Element \"chime\" has to be the only element in the message.".to_owned());
        }
        Ok(())
    }
}
