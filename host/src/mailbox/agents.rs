//! What a bot does with messages for agents only, on platforms where everybody sees everything.

/// What becomes of a message for agents only where not everybody there is known to be of the company.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgentsOnly {
    /// It is refused.
    #[default]
    Refuse,
    /// Everybody gets it, with a note.
    All,
}
