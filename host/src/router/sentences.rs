//! What the host itself says about commands.

use crate::content::{clean_line, plain};
use crate::model::Name;
use crate::model::content::{Block, ListItem, Span, TextSpan, TextStyle};

/// Every sentence the router makes the host say. Words in braces are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentences {
    /// Above the list of commands.
    pub help_title: String,
    /// Where there is no command to list.
    pub help_none: String,
    /// Behind a command that wants to be mentioned; `{bot}` is the bot's name.
    pub mention_note: String,
    /// A command whose arguments do not fit; `{usage}` is how it is written.
    pub usage: String,
    /// Between two ways to write a command.
    pub or: String,
    /// A command that the asker may not use; `{command}` is what it begins with.
    pub refused: String,
    /// A command that may not be used in this conversation; `{command}` is what it begins with.
    pub refused_here: String,
}

impl Default for Sentences {
    fn default() -> Self {
        Self {
            help_title: "You can say:".to_owned(),
            help_none: "There is no command for you here.".to_owned(),
            mention_note: " (mention {bot} first)".to_owned(),
            usage: "Usage: {usage}".to_owned(),
            or: " or ".to_owned(),
            refused: "You may not use {command}.".to_owned(),
            refused_here: "{command} cannot be used here.".to_owned(),
        }
    }
}

/// What the host itself answers.
#[derive(Clone, Debug, PartialEq)]
pub enum HostSays {
    /// The commands that the asker may use.
    Help(Vec<Block>),
    /// How a command is written.
    Usage(Vec<Block>),
    /// A command may not be used.
    Refused {
        /// One line for the asker.
        content: Vec<Block>,
        /// The plugin that has the command.
        plugin: Name,
        /// The settings line that forbids it, for the operator's log.
        key: String,
    },
}

impl HostSays {
    /// Gives what is to be sent.
    pub fn content(&self) -> &[Block] {
        match self {
            Self::Help(content) | Self::Usage(content) | Self::Refused { content, .. } => content,
        }
    }
}

pub(super) struct HelpLine<'a> {
    pub(super) usage: String,
    pub(super) help: &'a str,
    pub(super) mention: bool,
}

impl Sentences {
    pub(super) fn help(&self, lines: &[HelpLine<'_>], bot: &str) -> Vec<Block> {
        if lines.is_empty() {
            return vec![paragraph(&self.help_none)];
        }
        let mut blocks = vec![paragraph(&self.help_title)];
        blocks.extend(lines.iter().map(|line| {
            let mut spans = vec![code(&line.usage)];
            if !line.help.is_empty() {
                spans.push(plain(format!(" — {}", clean_line(line.help))));
            }
            if line.mention {
                spans.push(plain(self.mention_note.replace("{bot}", &clean_line(bot))));
            }
            Block::ListItem(ListItem {
                indent: 0,
                ordered: false,
                spans,
            })
        }));
        blocks
    }

    pub(super) fn usage(&self, usages: &[String]) -> Vec<Block> {
        let (before, after) = self
            .usage
            .split_once("{usage}")
            .unwrap_or((&self.usage, ""));
        let mut spans = vec![plain(before)];
        for (place, usage) in usages.iter().enumerate() {
            if place > 0 {
                spans.push(plain(&self.or));
            }
            spans.push(code(usage));
        }
        if !after.is_empty() {
            spans.push(plain(after));
        }
        vec![Block::Paragraph(spans)]
    }

    pub(super) fn refused(&self, command: &str, here: bool) -> Vec<Block> {
        let sentence = if here {
            &self.refused_here
        } else {
            &self.refused
        };
        vec![paragraph(
            &sentence.replace("{command}", &clean_line(command)),
        )]
    }
}

fn paragraph(text: &str) -> Block {
    Block::Paragraph(vec![plain(text)])
}

fn code(text: &str) -> Span {
    Span::Text(TextSpan {
        text: clean_line(text).into_owned(),
        style: TextStyle {
            code: true,
            ..TextStyle::default()
        },
    })
}
