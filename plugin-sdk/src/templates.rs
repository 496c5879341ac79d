//! Messages from templates, in the language of Jinja2 (minijinja). Feature `templates`; it adds
//! about 0.5 MiB to a component, so the first answer after a save takes longer.
//!
//! ```
//! use parlor_sdk::{prelude::*, templates};
//!
//! let values = std::collections::BTreeMap::from([("name", "<Ada>")]);
//! let hello = templates::render("Hello {{ name }}", &values).expect("a sound template");
//! assert_eq!(hello, "Hello <Ada>");
//! ```

use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use crate::Error;
use crate::content::Content;

/// Fills a template as plain text: nothing is escaped.
///
/// # Errors
/// `failed` where the template is not sound or a value does not fit.
pub fn render(template: &str, values: &impl Serialize) -> Result<String, Error> {
    fill(template, values, AutoEscape::None)
}

/// Fills a template of MessageML; values are escaped, so they cannot become tags.
///
/// # Errors
/// As [`render`].
pub fn render_message_ml(template: &str, values: &impl Serialize) -> Result<Content, Error> {
    fill(template, values, AutoEscape::Html).map(Content::MessageMl)
}

fn fill(template: &str, values: &impl Serialize, escape: AutoEscape) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(move |_| escape);
    environment
        .render_str(template, values)
        .map_err(|error| Error::Failed(error.to_string()))
}
