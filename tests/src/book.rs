//! The book in `docs/` and the README: its pages, their blocks of code, and what holds for each.
//!
//! A block's first word is its language, what follows says how it is to be read: `toml pyproject.toml`,
//! `sh run`. `check` knows what is done with which; a block that nobody knows is a complaint.

mod blocks;
mod commands;
mod control;
mod dialogs;
mod layers;
mod limits;
mod links;
mod output;
mod plugins;
mod recipes;
mod script;
mod session;
mod settings;
mod shell;

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::guests::workspace;
use crate::tidy::read_tree;

pub use blocks::{Kind, kind};
pub use commands::reference as command_reference;
pub use dialogs::run as run_dialogs;
pub use layers::{javascript_reference, names_of_rust, python_reference};
pub use limits::check as check_limits;
pub use links::check as check_links;
pub use plugins::{Built, build as build_plugins};
pub use recipes::{RecipeLanguage, build as build_recipes};
pub use script::{Said, differs, javascript, python};
pub use session::run as run_session;

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its path from the root.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// A block of code.
#[derive(Clone, Debug)]
pub struct Block {
    /// The page's path.
    pub page: String,
    /// The line of its first fence.
    pub line: usize,
    /// Its language.
    pub language: String,
    /// What else stands behind the fence.
    pub marks: Vec<String>,
    /// The code.
    pub text: String,
}

impl Block {
    /// Tells whether it carries a mark.
    pub fn is(&self, mark: &str) -> bool {
        self.marks.iter().any(|it| it == mark)
    }

    /// Names it for complaints.
    pub fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }

    /// Names it for files: letters, digits and `_`.
    pub fn name(&self) -> String {
        let page = self
            .page
            .trim_start_matches("docs/")
            .trim_end_matches(".md");
        let page: String = page
            .chars()
            .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
            .collect();
        format!("{}_line_{}", page.to_lowercase(), self.line)
    }
}

/// Reads the README and every page of the book.
///
/// # Panics
/// They cannot be read.
pub fn pages() -> Vec<Page> {
    let root = workspace();
    let docs = read_tree(&root.join("docs")).expect("the book can be read");
    let docs = docs.into_iter().filter(|file| file.path.ends_with(".md"));
    let mut pages: Vec<Page> = docs
        .map(|file| Page {
            path: format!("docs/{}", file.path),
            text: file.text,
        })
        .collect();
    let text = std::fs::read_to_string(root.join("README.md")).expect("there is a README");
    pages.push(Page {
        path: "README.md".to_owned(),
        text,
    });
    pages
}

impl Page {
    /// What the page is made of, with the bytes where it stands.
    fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    fn line_of(&self, at: usize) -> usize {
        self.text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    }

    /// Its blocks of code.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (event, place) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let info = match kind {
                        CodeBlockKind::Fenced(info) => info.to_string(),
                        CodeBlockKind::Indented => "indented".to_owned(),
                    };
                    let mut words = info.split([' ', ',']).map(str::to_owned);
                    open = Some(Block {
                        page: self.path.clone(),
                        line: self.line_of(place.start),
                        language: words.next().unwrap_or_default(),
                        marks: words.filter(|word| !word.is_empty()).collect(),
                        text: String::new(),
                    });
                }
                Event::Text(text) => {
                    if let Some(block) = &mut open {
                        block.text.push_str(&text);
                    }
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
                _ => {}
            }
        }
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_their_place_and_marks() {
        let page = Page {
            path: "docs/a-page.md".to_owned(),
            text: "# One\n\n```sh run\nparlor\n```\n\n- in a list:\n  ```toml\n  data = \"x\"\n  ```\n".to_owned(),
        };
        let blocks = page.blocks();
        let places: Vec<String> = blocks.iter().map(Block::place).collect();
        assert_eq!(places, ["docs/a-page.md:3", "docs/a-page.md:8"]);
        assert!(blocks[0].is("run") && !blocks[1].is("run"));
        assert_eq!(blocks[1].text, "data = \"x\"\n");
        assert_eq!(blocks[0].name(), "a_page_line_3");
    }
}
