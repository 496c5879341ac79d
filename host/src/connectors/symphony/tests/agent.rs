//! The agent's rules for MessageML, as `messageml-utils` has them: what breaks one is refused with 400.

use roxmltree::{Document, Node};

/// Tags that may stand in headings, bold and italic text.
const PHRASING: [&str; 13] = [
    "a", "b", "i", "img", "br", "span", "emoji", "hash", "cash", "mention", "sub", "sup", "chime",
];
const FORM_ELEMENTS: [&str; 13] = [
    "button",
    "text-field",
    "textarea",
    "richtextarea",
    "checkbox",
    "radio",
    "select",
    "person-selector",
    "room-selector",
    "date-picker",
    "date-selector",
    "time-picker",
    "timezone-picker",
];
const STYLES: [&str; 5] = [
    "text-align",
    "text-decoration",
    "font-family",
    "border-left",
    "padding-left",
];
const LANGUAGES: [&str; 19] = [
    "plaintext",
    "c",
    "cpp",
    "csharp",
    "css",
    "html",
    "java",
    "js",
    "jsx",
    "php",
    "python",
    "r",
    "typescript",
    "tsx",
    "markdown",
    "json",
    "scala",
    "shell",
    "yaml",
];

type Checked = Result<(), String>;

/// Tells why the agent would refuse a message.
pub(super) fn check(message: &str) -> Checked {
    for template in ["<#", "<@", "${", "#{"] {
        expect(
            !message.contains(template),
            &format!("no {template}"),
            &message,
        )?;
    }
    let odd = |sign: char| sign < ' ' && !matches!(sign, '\n' | '\r' | '\t');
    expect(!message.contains(odd), "no control characters", &message)?;
    let document = Document::parse(message).map_err(|error| format!("{error}: {message}"))?;
    let root = document.root_element();
    expect(
        root.has_tag_name("messageML"),
        "the root",
        &root.tag_name().name(),
    )?;
    let count = |names: &[&str]| {
        let found = root
            .descendants()
            .filter(|node| names.contains(&node.tag_name().name()));
        found.count()
    };
    let entities = count(&["mention", "hash", "cash", "emoji", "dateTime", "tag"]);
    expect(entities <= 80, "at most 80 entities", &entities)?;
    if count(&["chime"]) > 0 {
        expect(root.children().count() == 1, "a chime alone", &message)?;
    }
    let mut ids = Vec::new();
    for form in root.descendants().filter(|node| node.has_tag_name("form")) {
        let id = form.attribute("id").unwrap_or_default();
        expect(!ids.contains(&id), "ids of their own", &id)?;
        ids.push(id);
    }
    for node in root.descendants().filter(|node| *node != root) {
        match node.node_type() {
            roxmltree::NodeType::Element => {
                element(node).map_err(|why| format!("{why} in {message}"))?
            }
            roxmltree::NodeType::Text => {}
            other => return Err(format!("{other:?} in {message}")),
        }
    }
    Ok(())
}

fn expect(holds: bool, expected: &str, found: &dyn std::fmt::Display) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(format!("expected {expected}, found {found}"))
    }
}

fn element(node: Node<'_, '_>) -> Checked {
    let name = node.tag_name().name();
    let parent = node.parent().map_or("", |parent| parent.tag_name().name());
    match name {
        "p" | "div" | "span" => {
            attributes(node, &["class", "style"])?;
            parent_is_flow(node, parent)
        }
        "b" | "i" | "sub" | "sup" => {
            attributes(node, &["class", "style"])?;
            phrasing(node, &[])
        }
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" => {
            attributes(node, &["class", "style"])?;
            phrasing(node, &[])
        }
        "code" => {
            attributes(node, &["language"])?;
            let language = node.attribute("language").unwrap_or("c");
            expect(LANGUAGES.contains(&language), "a language", &language)?;
            phrasing(node, &["pre"])
        }
        "br" | "hr" => {
            attributes(node, &[])?;
            empty(node)
        }
        "a" => {
            attributes(node, &["href"])?;
            address(node.attribute("href"))
        }
        "img" => {
            attributes(node, &["src"])?;
            address(node.attribute("src"))?;
            empty(node)
        }
        "ul" | "ol" => {
            attributes(node, &[])?;
            only(node, &["li"], 1)
        }
        "li" => expect(matches!(parent, "ul" | "ol"), "a list", &parent),
        "table" => {
            attributes(node, &[])?;
            only(node, &["thead", "tbody", "tr"], 1)
        }
        "thead" | "tbody" => only(node, &["tr"], 1),
        "tr" => only(node, &["th", "td"], 1),
        "th" | "td" => attributes(node, &["style"]),
        "hash" => {
            attributes(node, &["tag"])?;
            let tag = node.attribute("tag").unwrap_or_default();
            let word = |sign: char| {
                !sign.is_whitespace() && !"!@#$%^&*()+=<>,./?`~:;'\"\\|-".contains(sign)
            };
            expect(
                tag.contains(word) && !tag.contains(char::is_whitespace),
                "a hashtag",
                &tag,
            )?;
            empty(node)
        }
        "cash" => {
            attributes(node, &["tag"])?;
            let tag = node.attribute("tag").unwrap_or_default();
            let is_sum = tag.chars().all(|sign| sign.is_ascii_digit());
            expect(
                !is_sum && !tag.contains(char::is_whitespace),
                "a cashtag",
                &tag,
            )?;
            empty(node)
        }
        "mention" => {
            attributes(node, &["uid", "email", "strict"])?;
            let is_user = node.attribute("uid").map(|uid| uid.parse::<i64>().is_ok());
            let is_mail = node.attribute("email").map(|email| email.contains('@'));
            expect(is_user.or(is_mail) == Some(true), "somebody", &"nobody")?;
            empty(node)
        }
        "emoji" => {
            attributes(node, &["shortcode"])?;
            let code = node.attribute("shortcode").unwrap_or_default();
            let fits = |sign: char| sign.is_ascii_alphanumeric() || "_+-".contains(sign);
            expect(
                !code.is_empty() && code.chars().all(fits),
                "a shortcode",
                &code,
            )?;
            phrasing(node, &[])
        }
        "dateTime" => {
            attributes(node, &["value", "format"])?;
            let value = node.attribute("value").unwrap_or_default();
            expect(value.parse::<jiff::Timestamp>().is_ok(), "a moment", &value)?;
            empty(node)
        }
        "chime" => attributes(node, &[]),
        "card" => only(node, &["header", "body"], 1),
        "header" | "body" => {
            attributes(node, &[])?;
            expect(parent == "card", "a card", &parent)
        }
        "form" => form(node),
        "option" => {
            attributes(node, &["value", "selected"])?;
            expect(parent == "select", "a select", &parent)?;
            expect(node.attribute("value").is_some(), "a value", &"none")?;
            text_only(node, 1)
        }
        name if FORM_ELEMENTS.contains(&name) => {
            let in_form = node.ancestors().any(|above| above.has_tag_name("form"));
            expect(in_form, "a form around it", &name)?;
            form_element(node)
        }
        name => Err(format!("Invalid MessageML content at element \"{name}\"")),
    }
}

fn form(node: Node<'_, '_>) -> Checked {
    attributes(node, &["id", "multi-submit"])?;
    let id = node.attribute("id").unwrap_or_default();
    let is_id =
        !id.is_empty() && id.encode_utf16().count() <= 64 && !id.contains(char::is_whitespace);
    expect(is_id, "an id", &id)?;
    let nested = node
        .ancestors()
        .skip(1)
        .any(|above| above.has_tag_name("form"));
    expect(!nested, "no form around it", &id)?;
    let multi = node.attribute("multi-submit").unwrap_or("reset");
    expect(
        matches!(multi, "reset" | "no-reset"),
        "reset or no-reset",
        &multi,
    )?;
    for name in ["checkbox", "radio"] {
        let count = node
            .descendants()
            .filter(|below| below.has_tag_name(name))
            .count();
        expect(count <= 50, &format!("at most 50 of {name}"), &count)?;
    }
    let acts = |below: Node<'_, '_>| {
        below.has_tag_name("button") && matches!(below.attribute("type"), None | Some("action"))
    };
    expect(node.descendants().any(acts), "an action button", &id)
}

fn form_element(node: Node<'_, '_>) -> Checked {
    let name = node.tag_name().name();
    let given = node.attribute("name").unwrap_or_default();
    expect(!given.trim().is_empty(), "a name", &given)?;
    for flag in [
        "required",
        "readonly",
        "checked",
        "multiple",
        "selected",
        "formnovalidate",
    ] {
        let value = node.attribute(flag).unwrap_or("true");
        expect(matches!(value, "true" | "false"), "a flag", &value)?;
    }
    let label = node.attribute("label").unwrap_or_default();
    expect(
        label.encode_utf16().count() <= 256,
        "a label of at most 256",
        &label,
    )?;
    let common = [
        "name",
        "label",
        "title",
        "required",
        "placeholder",
        "formnovalidate",
    ];
    let with = |more: &[&'static str]| -> Vec<&'static str> {
        common.iter().chain(more).copied().collect()
    };
    match name {
        "button" => {
            attributes(node, &["name", "type", "class", "formnovalidate"])?;
            let class = node.attribute("class").unwrap_or("primary");
            expect(
                matches!(class, "primary" | "secondary" | "destructive"),
                "a class",
                &class,
            )?;
            text_only(node, 1)
        }
        "text-field" | "textarea" | "richtextarea" => {
            let more = [
                "minlength",
                "maxlength",
                "pattern",
                "pattern-error-message",
                "readonly",
                "disabled",
                "masked",
                "auto-submit",
                "rows",
                "cols",
            ];
            attributes(node, &with(&more))?;
            text_only(node, 0)?;
            lengths(
                node,
                if name == "text-field" {
                    (1, 128)
                } else {
                    (0, 10_000)
                },
            )?;
            pattern(node)
        }
        "checkbox" | "radio" => {
            attributes(node, &["name", "value", "checked", "readonly"])?;
            only(node, &["b", "i"], 0).or_else(|_| text_only(node, 0))
        }
        "select" => {
            attributes(
                node,
                &[
                    "name",
                    "label",
                    "required",
                    "data-placeholder",
                    "multiple",
                    "min",
                    "max",
                    "readonly",
                ],
            )?;
            only(node, &["option"], 1)?;
            let multiple = node.attribute("multiple") == Some("true");
            let selected = node
                .children()
                .filter(|option| option.attribute("selected") == Some("true"));
            let selected = selected.count();
            expect(multiple || selected <= 1, "one option selected", &selected)?;
            let bound = |name: &str| node.attribute(name).map(str::parse::<u32>);
            let (min, max) = (bound("min"), bound("max"));
            expect(
                multiple || (min.is_none() && max.is_none()),
                "bounds with multiple only",
                &name,
            )?;
            let (min, max) = (min.unwrap_or(Ok(1)), max.unwrap_or(Ok(u32::MAX)));
            let (min, max) = (min.unwrap_or(u32::MAX), max.unwrap_or(0));
            expect(
                min >= 1 && max >= 1 && min <= max,
                "sound bounds",
                &format!("{min} {max}"),
            )
        }
        "person-selector" | "room-selector" => {
            attributes(node, &with(&["value"]))?;
            let value = node.attribute("value").unwrap_or("[]");
            let people = name == "person-selector";
            let sound = if people {
                serde_json::from_str::<Vec<i64>>(value).is_ok()
            } else {
                serde_json::from_str::<Vec<String>>(value).is_ok()
            };
            expect(sound, "a list", &value)?;
            empty(node)
        }
        "date-picker" | "time-picker" => {
            let more = [
                "value",
                "min",
                "max",
                "readonly",
                "disabled",
                "disabled-date",
                "highlighted-date",
                "disabled-time",
                "step",
                "strict",
                "format",
            ];
            attributes(node, &with(&more))?;
            expect(given.encode_utf16().count() <= 64, "a short name", &given)?;
            let hint = node.attribute("placeholder").unwrap_or_default();
            expect(
                hint.encode_utf16().count() <= 64,
                "a short placeholder",
                &hint,
            )?;
            for bound in ["value", "min", "max"]
                .iter()
                .filter_map(|name| node.attribute(*name))
            {
                let sound = match name {
                    "date-picker" => {
                        bound.len() == 10 && bound.parse::<jiff::civil::Date>().is_ok()
                    }
                    _ => bound.len() == 8 && bound.parse::<jiff::civil::Time>().is_ok(),
                };
                expect(sound, "a day or time", &bound)?;
            }
            empty(node)
        }
        "timezone-picker" => {
            attributes(node, &with(&["value", "disabled-timezone"]))?;
            empty(node)
        }
        _ => attributes(node, &with(&[])),
    }
}

fn lengths(node: Node<'_, '_>, (least, most): (usize, usize)) -> Checked {
    let bound = |name: &str| node.attribute(name).map(|bound| bound.parse::<usize>());
    let (min, max) = (bound("minlength"), bound("maxlength"));
    let (min, max) = (min.unwrap_or(Ok(least)), max.unwrap_or(Ok(most)));
    let (min, max) = (min.unwrap_or(usize::MAX), max.unwrap_or(usize::MAX));
    let sound = min >= least && max <= most && min <= max && max >= least;
    expect(sound, "sound lengths", &format!("{min} {max}"))?;
    let size = node.text().unwrap_or_default().encode_utf16().count();
    expect(
        size == 0 || (min..=max).contains(&size),
        "a fitting default",
        &size,
    )
}

fn pattern(node: Node<'_, '_>) -> Checked {
    let Some(pattern) = node.attribute("pattern") else {
        return Ok(());
    };
    expect(
        pattern.encode_utf16().count() <= 256,
        "a short pattern",
        &pattern,
    )?;
    expect(regex::Regex::new(pattern).is_ok(), "a pattern", &pattern)?;
    let message = node.attribute("pattern-error-message");
    let fits = message.is_some_and(|message| message.encode_utf16().count() <= 256);
    expect(fits, "a message with the pattern", &pattern)
}

fn attributes(node: Node<'_, '_>, allowed: &[&str]) -> Checked {
    for attribute in node.attributes() {
        let name = attribute.name();
        expect(
            allowed.contains(&name),
            &format!("attributes {allowed:?}"),
            &name,
        )?;
        if name == "style" {
            for rule in attribute.value().split(';') {
                let property = rule.split(':').next().unwrap_or_default();
                expect(STYLES.contains(&property), "a listed property", &property)?;
            }
        }
    }
    Ok(())
}

fn phrasing(node: Node<'_, '_>, more: &[&str]) -> Checked {
    for child in node.children().filter(Node::is_element) {
        let name = child.tag_name().name();
        let fits = PHRASING.contains(&name) || more.contains(&name);
        expect(
            fits,
            &format!("phrasing in {}", node.tag_name().name()),
            &name,
        )?;
    }
    Ok(())
}

fn parent_is_flow(node: Node<'_, '_>, parent: &str) -> Checked {
    let flow = [
        "messageML",
        "p",
        "div",
        "span",
        "form",
        "li",
        "td",
        "th",
        "body",
        "header",
        "a",
    ];
    let name = node.tag_name().name();
    let fits = flow.contains(&parent) || name == "span";
    expect(fits, &format!("flow around {name}"), &parent)
}

fn only(node: Node<'_, '_>, names: &[&str], least: usize) -> Checked {
    let mut count = 0;
    for child in node.children() {
        let name = child.tag_name().name();
        let blank = child.is_text() && child.text().unwrap_or_default().trim().is_empty();
        expect(
            blank || names.contains(&name),
            &format!("only {names:?}"),
            &name,
        )?;
        count += usize::from(child.is_element());
    }
    expect(
        count >= least,
        &format!("at least {least} of {names:?}"),
        &count,
    )
}

fn text_only(node: Node<'_, '_>, least: usize) -> Checked {
    expect(
        node.children().all(|child| child.is_text()),
        "text only",
        &node.tag_name().name(),
    )?;
    expect(
        node.children().count() >= least,
        "some text",
        &node.tag_name().name(),
    )
}

fn empty(node: Node<'_, '_>) -> Checked {
    expect(
        !node.has_children(),
        "nothing in it",
        &node.tag_name().name(),
    )
}

fn address(found: Option<&str>) -> Checked {
    let found = found.unwrap_or_default();
    let scheme = ["http://", "https://", "mailto:"];
    expect(
        scheme.iter().any(|scheme| found.starts_with(scheme)),
        "an address",
        &found,
    )?;
    let legal = |sign: char| sign.is_ascii_graphic() && !"\"<>\\^`{|}".contains(sign);
    expect(found.chars().all(legal), "signs of an address", &found)?;
    for (place, _) in found.match_indices('%') {
        let digits = found.get(place + 1..place + 3).unwrap_or("");
        expect(u8::from_str_radix(digits, 16).is_ok(), "an escape", &found)?;
    }
    Ok(())
}
