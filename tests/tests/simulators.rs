//! Simulators behave as their platforms' documents say, and official clients work against them unchanged.

#[path = "simulators/bdk.rs"]
mod bdk;
#[path = "simulators/lc_sdk.rs"]
mod lc_sdk;
#[path = "simulators/livechat.rs"]
mod livechat;
#[path = "simulators/lseg.rs"]
mod lseg;
#[path = "simulators/symphony.rs"]
mod symphony;
#[path = "simulators/webex.rs"]
mod webex;
#[path = "simulators/webex_sdk.rs"]
mod webex_sdk;
