//! Runs plugins: compiles artifacts, keeps instances under limits, gives each lane its deliveries in order.

mod artifact;
#[expect(missing_docs, reason = "generated; the documentation is in wit/")]
pub mod bindings;
mod call;
pub mod compare;
pub mod compile;
mod convert;
mod describe;
pub mod engine;
mod fair;
mod fault;
pub mod guest;
pub mod host;
pub mod lanes;
mod limiter;
mod lines;
mod notes;
pub mod plugin;
pub mod settings;
mod slow;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_http;
mod ticker;
pub mod turn;
mod world;

pub use artifact::{Artifact, ArtifactHash};
pub use compile::CompileError;
pub use describe::DescribeError;
pub use engine::{Engine, EngineError};
pub use host::log::{LogLevel, LogLine, LogSink, TracingLog};
pub use host::{DirectoryReads, NoReads, StateReads};
pub use notes::{HttpNote, Notes};
pub use plugin::{PluginBuild, PluginParts, Weight};
pub use settings::{CompileBounds, CompilerProgram, LARGE_ARTIFACT_BYTES, RuntimeConfig};
pub use world::World;
