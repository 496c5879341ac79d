//! What the host runs itself where a platform has no forms or no buttons: a message's choices become
//! numbers, its form becomes questions. Pure.

use crate::model::content::{
    ActionButton, Block, Button, ButtonKind, ButtonStyle, Form, LinkSpan, Span,
};
use crate::model::dialog::{Dialog, Numbered};
use crate::model::event::User;

use super::dialog::{self, DialogContext};
use super::plain;
use super::sentence::fill;

/// The button by which somebody begins to answer a form, where a platform has buttons and no forms.
pub const ANSWER_BUTTON: &str = "parlor.answer";

/// What a platform shows beyond text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shows {
    /// Forms.
    pub forms: bool,
    /// Buttons.
    pub buttons: bool,
}

impl Shows {
    /// Forms and buttons.
    pub const ALL: Self = Self {
        forms: true,
        buttons: true,
    };
    /// Neither.
    pub const NONE: Self = Self {
        forms: false,
        buttons: false,
    };
}

/// For whom a form is asked.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    /// Who is asked with the message itself.
    pub person: Option<User>,
    /// Others may answer too: they are told how to begin.
    pub others: bool,
}

/// A message as a platform without forms or buttons gets it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hosted {
    /// What is sent.
    pub blocks: Vec<Block>,
    /// What the numbers mean, from 1.
    pub numbered: Vec<Numbered>,
    /// The person who is asked, before the first answer.
    pub dialog: Option<Dialog>,
    /// What was not shown as it is.
    pub notes: Vec<String>,
}

/// Makes a message for a platform that shows less; none where it shows everything that is in it.
pub fn host_run(
    blocks: &[Block],
    shows: Shows,
    audience: &Audience,
    context: &DialogContext<'_>,
) -> Option<Hosted> {
    let is_shown = |block: &Block| match block {
        Block::Form(_) => shows.forms,
        Block::Buttons(_) => shows.buttons,
        Block::Card(card) => shows.buttons || card.buttons.is_empty(),
        _ => true,
    };
    if blocks.iter().all(is_shown) {
        return None;
    }
    let mut page = Page {
        shows,
        context,
        hosted: Hosted::default(),
        questions: Vec::new(),
    };
    for block in blocks {
        page.block(block, audience);
    }
    Some(page.finish())
}

struct Page<'c> {
    shows: Shows,
    context: &'c DialogContext<'c>,
    hosted: Hosted,
    // They stand at the end, where the answer follows.
    questions: Vec<Block>,
}

impl Page<'_> {
    fn block(&mut self, block: &Block, audience: &Audience) {
        match block {
            Block::Form(form) if !self.shows.forms => self.form(form, audience),
            Block::Buttons(row) if !self.shows.buttons => self.buttons(row),
            Block::Card(card) if !self.shows.buttons => {
                let mut bare = card.clone();
                bare.buttons.clear();
                self.hosted.blocks.push(Block::Card(bare));
                self.buttons(&card.buttons);
            }
            block => self.hosted.blocks.push(block.clone()),
        }
    }

    fn buttons(&mut self, row: &[Button]) {
        if row.is_empty() {
            return;
        }
        self.note("buttons → numbers");
        let mut spans = Vec::new();
        for button in row {
            if !spans.is_empty() {
                spans.push(Span::LineBreak);
            }
            spans.push(match &button.kind {
                ButtonKind::Action(action) => {
                    self.number(&button.label, Numbered::Press(action.clone()))
                }
                ButtonKind::Reply(text) => self.number(&button.label, Numbered::Say(text.clone())),
                ButtonKind::Link(url) => Span::Link(LinkSpan {
                    text: button.label.clone(),
                    url: url.clone(),
                }),
            });
        }
        self.hosted.blocks.push(Block::Paragraph(spans));
    }

    fn number(&mut self, label: &str, what: Numbered) -> Span {
        self.hosted.numbered.push(what);
        let number = self.hosted.numbered.len().to_string();
        plain(fill(
            "{number}. {label}",
            &[("number", &number), ("label", label)],
        ))
    }

    fn form(&mut self, form: &Form, audience: &Audience) {
        self.note("form → questions");
        let is_asked = audience.person.is_some() && self.hosted.dialog.is_none();
        if let Some(title) = form
            .title
            .as_deref()
            .filter(|title| !title.trim().is_empty())
        {
            self.hosted
                .blocks
                .push(Block::Heading(crate::model::content::Heading {
                    level: 2,
                    spans: vec![plain(title)],
                }));
        }
        let rest: Vec<Button> = form
            .buttons
            .iter()
            .filter(|button| !matches!(button.kind, ButtonKind::Action(_)))
            .cloned()
            .collect();
        if self.shows.buttons && !rest.is_empty() {
            self.hosted.blocks.push(Block::Buttons(rest));
        } else {
            self.buttons(&rest);
        }
        if audience.others || !is_asked {
            let title = dialog::title(form);
            let label = fill(&self.context.sentences.invite, &[("form", title)]);
            if self.shows.buttons {
                self.hosted.blocks.push(Block::Buttons(vec![Button {
                    label,
                    kind: ButtonKind::Action(ActionButton {
                        id: ANSWER_BUTTON.to_owned(),
                        value: String::new(),
                    }),
                    style: ButtonStyle::Primary,
                }]));
            } else {
                let line = self.number(&label, Numbered::Answer);
                self.hosted.blocks.push(Block::Paragraph(vec![line]));
            }
        }
        if let Some(person) = audience.person.clone().filter(|_| is_asked) {
            let (dialog, says) = dialog::begin(form, person, self.context);
            self.hosted.dialog = Some(dialog);
            self.questions.extend(says);
        }
    }

    fn note(&mut self, note: &str) {
        if !self.hosted.notes.iter().any(|known| known == note) {
            self.hosted.notes.push(note.to_owned());
        }
    }

    fn finish(mut self) -> Hosted {
        if !self.hosted.numbered.is_empty() && !self.context.sentences.numbers.is_empty() {
            let hint = self.context.sentences.numbers.clone();
            self.hosted.blocks.push(paragraph(hint));
        }
        self.hosted.blocks.append(&mut self.questions);
        self.hosted
    }
}

fn paragraph(text: String) -> Block {
    Block::Paragraph(vec![plain(text)])
}
