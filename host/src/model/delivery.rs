//! One event for one plugin.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::content::Block;
use super::event::{Argument, Event};
use super::{Name, Timestamp};

/// The number of an event in the journal: rises with each accepted one.
pub type EventNumber = u64;

/// The number of a delivery in the journal.
pub type DeliveryNumber = u64;

/// How the router made a plugin's event out of the platform's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// As it came.
    #[default]
    Whole,
    /// The message matched a command of the plugin.
    Command {
        /// The command's name.
        name: String,
        /// What its pattern captured.
        arguments: Vec<Argument>,
    },
    /// The message matched a key word; what the expression captured.
    KeyWord {
        /// Captures of a regular expression.
        arguments: Vec<Argument>,
    },
    /// The host itself answers with this: a delivery of the built-in plugin.
    Say(Vec<Block>),
    /// The host itself does this, because an operator asked for it: a delivery of the built-in plugin.
    Act(Vec<Action>),
}

/// What the router decides for one plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The plugin.
    pub plugin: Name,
    /// How it sees the event.
    pub view: View,
    /// The operator's roles that the actor holds, as this plugin's settings see them.
    pub roles: Vec<String>,
}

/// One event for one plugin, with a place in the journal.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its number.
    pub number: DeliveryNumber,
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// The conversation whose order it keeps; empty for the plugin's own lane.
    pub lane: Name,
    /// The event.
    pub event: Arc<Event>,
    /// How the plugin sees it.
    pub view: View,
    /// 1 for the first time.
    pub attempt: u32,
    /// When an operator put it back from the dead letters, outside of its lane's order.
    pub put_back: Option<Timestamp>,
}
