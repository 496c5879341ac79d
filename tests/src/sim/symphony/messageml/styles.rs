//! Which CSS properties the `style` attribute may have.

/// Families of which every longer name is known too.
const FAMILIES: [&str; 3] = ["border", "flex", "grid"];

const PROPERTIES: &[&str] = &[
    "align-content",
    "align-items",
    "align-self",
    "background",
    "background-attachment",
    "background-blend-mode",
    "background-clip",
    "background-color",
    "background-image",
    "background-position",
    "background-repeat",
    "background-size",
    "box-shadow",
    "box-sizing",
    "caption-side",
    "clear",
    "color",
    "content",
    "counter-increment",
    "counter-reset",
    "display",
    "empty-cells",
    "font",
    "font-family",
    "font-kerning",
    "font-size",
    "font-size-adjust",
    "font-stretch",
    "font-style",
    "font-variant",
    "font-weight",
    "gap",
    "height",
    "justify-content",
    "justify-items",
    "justify-self",
    "letter-spacing",
    "line-height",
    "list-style",
    "list-style-image",
    "list-style-position",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "opacity",
    "outline",
    "outline-color",
    "outline-offset",
    "outline-style",
    "outline-width",
    "overflow",
    "overflow-x",
    "overflow-y",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "place-content",
    "place-items",
    "place-self",
    "table-layout",
    "text-align",
    "text-align-last",
    "text-decoration",
    "text-decoration-color",
    "text-decoration-line",
    "text-decoration-style",
    "text-indent",
    "text-justify",
    "text-overflow",
    "text-shadow",
    "text-transform",
    "visibility",
    "white-space",
    "width",
    "word-break",
    "word-spacing",
    "word-wrap",
];

/// Checks a `style` attribute.
pub(super) fn check(style: &str) -> Result<(), String> {
    let mut unknown = Vec::new();
    for declaration in style
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (name, _) = declaration.split_once(':').unwrap_or((declaration, ""));
        let name = name.trim();
        let in_family = FAMILIES.iter().any(|family| {
            let rest = name.strip_prefix(family);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        if !in_family && !PROPERTIES.contains(&name) {
            unknown.push(name);
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "Invalid property(s): [{}] in the \"style\" attribute",
        unknown.join(",")
    ))
}
