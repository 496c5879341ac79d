//! A form that the host asks question by question, where the platform has no forms of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::content::ActionButton;
use super::event::User;
use super::payload::FieldValue;

/// How far one person has come with the questions of a form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dialog {
    /// Who is asked.
    pub person: User,
    /// The field that is asked for; none: which button submits the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// What was answered so far, by the field's id; none for a question that was left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, Option<FieldValue>>,
    /// How often the open question was asked again because its answer was wrong.
    #[serde(default)]
    pub tries: u32,
    /// When the person was asked or last answered.
    pub heard_at: Timestamp,
    /// It has ended for another reason than the person's, who has not been told yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<DialogEnd>,
}

/// Why a dialog ends that its person did not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialogEnd {
    /// Another form is asked of the same person in the same conversation.
    Replaced,
    /// Somebody else gave the one answer that the form takes.
    Taken,
    /// The form's message is gone or has another form.
    Gone,
}

/// What a number stands for that is written before a choice, where the platform has no buttons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Numbered {
    /// Presses this button.
    Press(ActionButton),
    /// Says this text.
    Say(String),
    /// Begins the questions of the message's form.
    Answer,
}
