//! What a file is, before anything is compiled. Pure.

use wasmparser::{Encoding, Parser, Payload};

use super::CompileError;

/// The interface that a plugin exports, without its version.
const BEHAVIOUR: &str = "parlor:bot/behaviour";
/// The version of the contract that this host speaks.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// Interfaces of the contract that a plugin may import.
const CONTRACT_IMPORTS: [&str; 8] = [
    "actions",
    "config",
    "content",
    "description",
    "directory",
    "events",
    "log",
    "state",
];
/// Packages of WASI that are linked.
const WASI_PACKAGES: [&str; 7] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

/// Names shown in an error.
const SHOWN: usize = 8;

/// Looks whether bytes are a plugin for this host.
///
/// # Errors
/// [`CompileError`], with what was expected and what was found.
pub(in crate::runtime) fn check_component(bytes: &[u8]) -> Result<(), CompileError> {
    check_header(bytes)?;
    let (imports, exports) = read_names(bytes)?;
    check_exports(&exports)?;
    check_imports(&imports)
}

fn check_header(bytes: &[u8]) -> Result<(), CompileError> {
    const MAGIC: &[u8] = b"\0asm";
    if bytes.is_empty() {
        return Err(CompileError::NotWasm("the file is empty".to_owned()));
    }
    if !bytes.starts_with(MAGIC) {
        let start = &bytes[..bytes.len().min(64)];
        let is_text = start
            .iter()
            .all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
        return Err(CompileError::NotWasm(if MAGIC.starts_with(bytes) {
            "the file ends within its first four bytes".to_owned()
        } else if is_text {
            "the file is text; a plugin is a binary component".to_owned()
        } else {
            "the file does not begin as WebAssembly does".to_owned()
        }));
    }
    if !Parser::is_core_wasm(bytes) {
        return Ok(());
    }
    Err(CompileError::CoreModule)
}

type Names = (Vec<String>, Vec<String>);

fn read_names(bytes: &[u8]) -> Result<Names, CompileError> {
    let mut imports = Vec::new();
    let mut exports = Vec::new();
    let mut depth = 0_usize;
    let mut is_whole = false;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| {
            let at = error.offset();
            if at >= bytes.len().saturating_sub(1) || error.message().contains("unexpected end") {
                CompileError::Truncated(bytes.len())
            } else {
                CompileError::Invalid(error.to_string())
            }
        })?;
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err(CompileError::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => {
                is_whole = depth == 0;
                depth = depth.saturating_sub(1);
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(|e| CompileError::Invalid(e.to_string()))?;
                    imports.push(import.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(|e| CompileError::Invalid(e.to_string()))?;
                    exports.push(export.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    if is_whole {
        Ok((imports, exports))
    } else {
        Err(CompileError::Truncated(bytes.len()))
    }
}

pub(super) fn split_version(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// The versions of the contract whose behaviour is exported.
pub(super) fn contract_versions(exports: &[String]) -> Vec<&str> {
    let names = exports.iter().map(|name| split_version(name));
    names
        .filter(|(name, _)| *name == BEHAVIOUR)
        .map(|(_, version)| version)
        .collect()
}

fn check_exports(exports: &[String]) -> Result<(), CompileError> {
    let versions = contract_versions(exports);
    if versions.contains(&CONTRACT_VERSION) {
        return Ok(());
    }
    Err(match versions.first() {
        Some(version) => wrong_version(version),
        None => not_plugin(exports),
    })
}

fn wrong_version(found: &str) -> CompileError {
    let parts = |version: &str| -> Vec<u64> {
        let parts = version.split(['.', '-', '+']);
        parts.map_while(|part| part.parse().ok()).collect()
    };
    // Which of the two is to change is told by who is behind.
    CompileError::WrongVersion {
        found: found.to_owned(),
        remedy: match parts(found) > parts(CONTRACT_VERSION) {
            true => "a later parlor runs it",
            false => "build it again with the SDK of this version",
        },
    }
}

fn not_plugin(exports: &[String]) -> CompileError {
    let has = |interface: &str| {
        let mut names = exports.iter().map(|name| split_version(name).0);
        names.any(|name| name == interface)
    };
    let (what, remedy) = if has("wasi:cli/run") {
        (
            "a command-line program",
            "; a Rust plugin is a library of crate-type = [\"cdylib\"] without a `main`",
        )
    } else if has("wasi:http/incoming-handler") {
        ("an HTTP server", "")
    } else if exports.is_empty() {
        (
            "a component without a behaviour",
            "; in Rust that is an `impl` with `#[behaviour(summary = \"…\")]` before it",
        )
    } else {
        ("a component of another world", "")
    };
    CompileError::NotPlugin {
        what,
        exports: list(exports),
        remedy,
    }
}

fn check_imports(imports: &[String]) -> Result<(), CompileError> {
    let unknown: Vec<String> = imports
        .iter()
        .filter(|name| !is_known_import(name))
        .cloned()
        .collect();
    if let Some(version) = unknown
        .iter()
        .map(|name| split_version(name))
        .find_map(|(name, version)| name.starts_with("parlor:bot/").then_some(version))
        .filter(|version| *version != CONTRACT_VERSION)
    {
        return Err(wrong_version(version));
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(CompileError::UnknownImports(list(&unknown)))
    }
}

/// Tells whether this host has what a component imports.
pub(super) fn is_known_import(name: &str) -> bool {
    let (path, version) = split_version(name);
    let Some((package, interface)) = path.split_once('/') else {
        return false;
    };
    if package == "parlor:bot" {
        return version == CONTRACT_VERSION && CONTRACT_IMPORTS.contains(&interface);
    }
    WASI_PACKAGES.contains(&package) && version.starts_with("0.2.")
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let mut text = names
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}
