//! What the host itself says to a person: help, usage, refusals.

use crate::model::content::{Block, ListItem, Span, TextSpan, TextStyle};
use crate::model::description::{CommandSpec, MentionRule};

/// The sentences that the host says, each with its marks in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentences {
    /// Above the list of commands.
    pub help: String,
    /// Where there is no command to list.
    pub no_commands: String,
    /// After a near miss; `{usage}`, `{help}`.
    pub usage: String,
    /// To a person who may not use a command; `{command}`.
    pub refused: String,
    /// After a command that wants a mention.
    pub mention_required: String,
}

impl Default for Sentences {
    fn default() -> Self {
        Self {
            help: "You can say:".to_owned(),
            no_commands: "There are no commands here.".to_owned(),
            usage: "Usage: {usage} ({help})".to_owned(),
            refused: "You may not use {command} here.".to_owned(),
            mention_required: "mention me first".to_owned(),
        }
    }
}

/// Something that the host answers itself.
#[derive(Clone, Debug, PartialEq)]
pub struct HostSays(Vec<Block>);

impl HostSays {
    /// The message.
    pub fn into_blocks(self) -> Vec<Block> {
        self.0
    }

    pub(super) fn help(sentences: &Sentences, commands: &[&CommandSpec]) -> Self {
        if commands.is_empty() {
            return Self(vec![paragraph(&sentences.no_commands)]);
        }
        let mut blocks = vec![paragraph(&sentences.help)];
        blocks.extend(commands.iter().map(|command| {
            let mut rest = String::new();
            if !command.help.is_empty() {
                rest.push_str(" – ");
                rest.push_str(&command.help);
            }
            if command.mention == MentionRule::Required {
                rest.push_str(" (");
                rest.push_str(&sentences.mention_required);
                rest.push(')');
            }
            Block::ListItem(ListItem {
                indent: 0,
                ordered: false,
                spans: vec![
                    text(
                        &command.pattern,
                        TextStyle {
                            code: true,
                            ..TextStyle::default()
                        },
                    ),
                    text(&rest, TextStyle::default()),
                ],
            })
        }));
        Self(blocks)
    }

    pub(super) fn usage(sentences: &Sentences, command: &CommandSpec) -> Self {
        let line = sentences
            .usage
            .replace("{help}", &command.help)
            .replace("{usage}", &command.pattern);
        Self(vec![paragraph(&line)])
    }

    pub(super) fn refused(sentences: &Sentences, pattern: &str) -> Self {
        let command = pattern.split(" {").next().unwrap_or(pattern);
        Self(vec![paragraph(
            &sentences.refused.replace("{command}", command),
        )])
    }
}

fn paragraph(line: &str) -> Block {
    Block::Paragraph(vec![text(line, TextStyle::default())])
}

fn text(text: &str, style: TextStyle) -> Span {
    Span::Text(TextSpan {
        text: text.to_owned(),
        style,
    })
}
