//! What a component says of itself, for a person who looks at it: what it is built for and with, what
//! it imports, what was left in it. Decides nothing: `check_component` does.

use std::collections::BTreeSet;

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, KnownCustom, Parser, Payload,
    ProducersSectionReader,
};

use super::check::{contract_versions, is_known_import, split_version};

/// Tools that are told of.
const MAX_TOOLS: usize = 24;
/// Characters of a tool's name or version.
const TOOL_CHARS: usize = 60;
/// What a core module imports that is written for the system interface before components.
const PREVIEW1: &str = "wasi_snapshot_preview1";
/// How sections with debug information are called.
const DEBUG: &str = ".debug_";

/// What a component says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentFacts {
    /// The version of the contract that it is built for.
    pub contract: Option<String>,
    /// What it imports.
    pub imports: Vec<ImportFact>,
    /// The languages and tools that it was made with, each with its version where that is told.
    pub made_with: Vec<String>,
    /// The adapter through which it reaches the system, where it has one.
    pub adapter: Option<String>,
    /// Bytes of debug information.
    pub debug_bytes: u64,
}

/// An import of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFact {
    /// Its name, with its version.
    pub name: String,
    /// This host has it.
    pub is_known: bool,
    /// Something in the component uses it.
    pub is_used: bool,
}

/// Reads what a component says of itself; nothing of what is no component, and of one that is cut
/// short what comes before the end.
pub fn component_facts(bytes: &[u8]) -> ComponentFacts {
    let mut reading = Reading::default();
    if Parser::is_core_wasm(bytes) {
        return ComponentFacts::default();
    }
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { break };
        reading.take(payload);
    }
    reading.finish()
}

#[derive(Default)]
struct Reading {
    depth: usize,
    exports: Vec<String>,
    imports: Vec<String>,
    /// Which import each instance of the component is, in the order of their indices.
    instances: Vec<Option<usize>>,
    used: BTreeSet<usize>,
    tools: Vec<String>,
    has_preview1: bool,
    debug_bytes: u64,
}

impl Reading {
    fn take(&mut self, payload: Payload<'_>) {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => self.depth += 1,
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::CustomSection(section) => {
                if section.name().starts_with(DEBUG) {
                    self.debug_bytes += section.data().len() as u64;
                }
                if let KnownCustom::Producers(producers) = section.as_known() {
                    self.note_tools(producers);
                }
            }
            Payload::ImportSection(section) => {
                let mut imports = section.into_imports().map_while(Result::ok);
                self.has_preview1 |= imports.any(|import| import.module == PREVIEW1);
            }
            _ if self.depth > 0 => {}
            Payload::ComponentImportSection(section) => {
                for import in section.into_iter().map_while(Result::ok) {
                    if import.ty.kind() == ComponentExternalKind::Instance {
                        self.instances.push(Some(self.imports.len()));
                    }
                    self.imports.push(import.name.name.to_owned());
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.into_iter().map_while(Result::ok) {
                    let parts: Vec<_> = match instance {
                        ComponentInstance::Instantiate { args, .. } => {
                            args.iter().map(|arg| (arg.kind, arg.index)).collect()
                        }
                        ComponentInstance::FromExports(exports) => {
                            exports.iter().map(|it| (it.kind, it.index)).collect()
                        }
                    };
                    for (kind, index) in parts {
                        self.note_use(kind, index);
                    }
                    self.instances.push(None);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.into_iter().map_while(Result::ok) {
                    if let ComponentAlias::InstanceExport {
                        kind,
                        instance_index,
                        ..
                    } = alias
                    {
                        self.note_use(ComponentExternalKind::Instance, instance_index);
                        if kind == ComponentExternalKind::Instance {
                            self.instances.push(None);
                        }
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.into_iter().map_while(Result::ok) {
                    self.note_use(export.kind, export.index);
                    if export.kind == ComponentExternalKind::Instance {
                        self.instances.push(None);
                    }
                    self.exports.push(export.name.name.to_owned());
                }
            }
            _ => {}
        }
    }

    fn note_use(&mut self, kind: ComponentExternalKind, index: u32) {
        let import = self.instances.get(index as usize).copied().flatten();
        if let Some(import) = import.filter(|_| kind == ComponentExternalKind::Instance) {
            self.used.insert(import);
        }
    }

    fn note_tools(&mut self, producers: ProducersSectionReader<'_>) {
        for field in producers.into_iter().map_while(Result::ok) {
            for tool in field.values.into_iter().map_while(Result::ok) {
                let name = match clean(tool.version) {
                    version if version.is_empty() => clean(tool.name),
                    version => format!("{} {version}", clean(tool.name)),
                };
                if self.tools.len() < MAX_TOOLS && !self.tools.contains(&name) {
                    self.tools.push(name);
                }
            }
        }
    }

    fn finish(self) -> ComponentFacts {
        let Self {
            exports,
            imports,
            used,
            mut tools,
            ..
        } = self;
        tools.sort_by_key(|tool| tool.to_lowercase());
        // What has a version says more than the same without one.
        let whole = tools.clone();
        tools.retain(|tool| !whole.iter().any(|it| it.starts_with(&format!("{tool} "))));
        let import = |(number, name): (usize, String)| ImportFact {
            is_known: is_known_import(&name),
            is_used: used.contains(&number),
            name,
        };
        let contract = contract_versions(&exports).first().map(|it| it.to_string());
        let of_contract = |name: &String| {
            let (path, version) = split_version(name);
            path.starts_with("parlor:bot/").then(|| version.to_owned())
        };
        ComponentFacts {
            contract: contract.or_else(|| imports.iter().find_map(of_contract)),
            imports: imports.into_iter().enumerate().map(import).collect(),
            made_with: tools,
            adapter: self.has_preview1.then(|| PREVIEW1.to_owned()),
            debug_bytes: self.debug_bytes,
        }
    }
}

/// A text of somebody else's, for a line.
fn clean(text: &str) -> String {
    // A compiler's version may name the place where it was built.
    let text = text.split(" (").next().unwrap_or_default();
    let clean = text.chars().filter(|c| !c.is_control());
    clean.take(TOOL_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::testing::Guest;

    fn facts(text: &str) -> ComponentFacts {
        component_facts(&wat::parse_str(text).expect("a component"))
    }

    #[test]
    fn an_import_is_used_where_something_takes_of_it() {
        let facts = facts(
            r#"(component
                (import "wasi:cli/exit@0.2.3" (instance $exit (export "exit" (func))))
                (import "acme:db/store@1.0.0" (instance (export "get" (func))))
                (alias export $exit "exit" (func $f))
                (core func (canon lower (func $f))))"#,
        );
        let told: Vec<_> = facts.imports.iter().collect();
        assert_eq!(told[0].name, "wasi:cli/exit@0.2.3");
        assert!(told[0].is_known && told[0].is_used, "{told:?}");
        assert!(!told[1].is_known && !told[1].is_used, "{told:?}");
        assert_eq!(facts.contract, None);
    }

    #[test]
    fn the_contract_is_told_with_its_version() {
        let guest = Guest {
            version: "0.2.0",
            ..Guest::default()
        };
        let facts = component_facts(&guest.component());
        assert_eq!(facts.contract.as_deref(), Some("0.2.0"));
    }

    #[test]
    fn tools_debug_information_and_adapter_are_found_inside() {
        let facts = facts(
            r#"(component (core module
                (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
                (@producers (language "Rust" "") (processed-by "rustc" "1.95.0 (abc 2026)"))
                (@custom ".debug_line" "0123456789")))"#,
        );
        assert_eq!(facts.made_with, ["Rust", "rustc 1.95.0"]);
        assert_eq!(facts.adapter.as_deref(), Some("wasi_snapshot_preview1"));
        assert_eq!(facts.debug_bytes, 10);
    }

    #[test]
    fn what_is_no_component_says_nothing() {
        let none = ComponentFacts::default();
        assert_eq!(component_facts(b""), none);
        assert_eq!(component_facts(b"#!/bin/sh"), none);
        assert_eq!(component_facts(&wat::parse_str("(module)").unwrap()), none);
        let whole = Guest::default().component();
        // Of one that is cut short what comes before the end; nothing in it is trusted to be there.
        let told = |len: usize| component_facts(&whole[..len]).imports.len();
        let all = told(whole.len());
        assert!((0..whole.len()).all(|len| told(len) <= all));
    }
}
