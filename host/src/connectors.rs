//! Platform connectors, one folder each.

pub mod livechat;
pub mod local;
pub mod symphony;
pub mod webex;
