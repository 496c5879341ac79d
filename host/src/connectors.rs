//! Platform connectors, one folder each.

pub mod livechat;
pub mod local;
pub mod lseg;
pub mod symphony;
pub mod webex;
