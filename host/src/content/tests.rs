//! What content promises: reading, showing, checking, forms, and nothing hostile through any of it.

mod check;
mod dialog;
mod forms;
mod hosted;
mod hostile;
mod markdown;
mod messageml;
mod properties;
mod show;
