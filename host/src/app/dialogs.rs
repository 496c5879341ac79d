//! Dialogs: what people say to a plugin and what it is to answer, in text files, and a host of its own
//! for each on which it is run. The format is described in `docs/testing.md`.
//!
//! [`parse`] is pure. [`TestedBuild`] is a component that was compiled once; it runs any number of
//! dialogs, at one time too, and each gives a [`DialogReport`].

mod answers;
mod build;
mod checks;
mod contract;
mod difference;
mod heard;
mod look;
mod parse;
mod places;
mod report;
mod run;
mod said;
mod script;
mod steps;
mod update;
mod world;

pub use build::{RefusedBuild, TestedBuild};
pub use contract::{ContractSettings, is_contract};
pub use difference::{DiffLine, difference};
pub use parse::{MAX_DIALOG_BYTES, parse, parse_file};
pub use report::{ActionNote, Coverage, DialogFailure, DialogReport, Loss, Used};
pub use run::DialogMode;
pub use said::{Act, ActionForm};
pub use script::{
    Dialog, DialogFile, Expectation, ExpectedPlace, Fixture, FixtureAnswer, HttpRequest, Matcher,
    SettingsBlock, Step, StepKind, SubmitStep, What,
};
pub use update::{Change, apply_changes, expect_lines};
