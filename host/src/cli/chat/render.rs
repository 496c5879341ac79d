//! Messages under their heads, with what the console's own commands need to know of them.

use crate::content::{terminal, terminal_notes};
use crate::model::content::{Block, Button, ButtonKind, FieldKind, Form};
use crate::model::event::ReceivedAttachment;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// Renders for one terminal.
#[derive(Clone, Debug)]
pub(super) struct Renderer {
    width: usize,
    colour: bool,
}

impl Renderer {
    pub(super) fn new(width: usize, colour: bool) -> Self {
        Self {
            width: width.clamp(20, 400),
            colour,
        }
    }

    /// A line of the console's own.
    pub(super) fn note(&self, text: &str) -> String {
        self.style(DIM, &clean(text))
    }

    /// A line below what is said; its indent is its own.
    pub(super) fn aside(&self, line: &str) -> String {
        self.style(DIM, &clean(line))
    }

    /// A message under its head.
    pub(super) fn message(
        &self,
        head: &str,
        text: &str,
        blocks: &[Block],
        files: &[ReceivedAttachment],
        notes: &[String],
    ) -> String {
        let body = if blocks.is_empty() {
            crate::content::clean(text).into_owned()
        } else {
            terminal(blocks, self.width, self.colour)
        };
        let mut lines: Vec<String> = body.lines().map(str::to_owned).collect();
        lines.extend(
            files
                .iter()
                .map(|file| self.style(DIM, &format!("[file {}]", clean(&file.name)))),
        );
        lines.extend(self.hints(blocks));
        // A note of several lines has them to itself.
        let (apart, mut degraded): (Vec<String>, Vec<String>) =
            notes.iter().cloned().partition(|note| note.contains('\n'));
        degraded.extend(terminal_notes(blocks));
        if !degraded.is_empty() {
            let degraded = clean(&degraded.join("; "));
            lines.push(self.style(DIM, &format!("({degraded})")));
        }
        for note in &apart {
            lines.extend(note.lines().map(|line| self.style(DIM, &clean(line))));
        }
        let head = self.style(BOLD, &clean(head));
        match lines.as_slice() {
            [] => head,
            [one] => format!("{head} {one}"),
            more => {
                let mut whole = head;
                for line in more {
                    whole.push_str("\n  ");
                    whole.push_str(line);
                }
                whole
            }
        }
    }

    /// How the form and the buttons are used from here.
    fn hints(&self, blocks: &[Block]) -> Vec<String> {
        let mut hints: Vec<String> = blocks
            .iter()
            .filter_map(|block| match block {
                Block::Form(form) => Some(self.style(DIM, &submit_usage(form))),
                _ => None,
            })
            .collect();
        let numbered: Vec<String> = buttons(blocks)
            .enumerate()
            .map(|(place, button)| format!("{} {}", place + 1, clean(&button.label)))
            .collect();
        if !numbered.is_empty() {
            hints.push(self.style(DIM, &format!("/click {}", numbered.join(" · "))));
        }
        hints
    }

    fn style(&self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("{code}{text}{RESET}")
        } else {
            text.to_owned()
        }
    }
}

/// The buttons outside forms, in the order of their numbers.
pub(super) fn buttons(blocks: &[Block]) -> impl Iterator<Item = &Button> {
    blocks.iter().flat_map(|block| match block {
        Block::Buttons(buttons) => buttons.iter(),
        Block::Card(card) => card.buttons.iter(),
        _ => [].iter(),
    })
}

/// Takes what a terminal would obey out, line ends too.
pub(super) fn clean(text: &str) -> String {
    crate::content::clean(text).replace(['\n', '\t'], " ")
}

fn submit_usage(form: &Form) -> String {
    let mut usage = String::from("/submit");
    for field in &form.fields {
        if field.kind != FieldKind::Hidden && !field.read_only {
            usage.push_str(&format!(" {}=…", clean(&field.id)));
        }
    }
    let ids: Vec<String> = form
        .buttons
        .iter()
        .filter_map(|button| match &button.kind {
            ButtonKind::Action(action) => Some(clean(&action.id)),
            ButtonKind::Link(_) | ButtonKind::Reply(_) => None,
        })
        .collect();
    if ids.len() > 1 {
        usage.push_str(&format!(" {}", ids.join("|")));
    }
    usage
}
