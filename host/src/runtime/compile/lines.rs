//! Source lines of places in a component, from the debug sections that its build has left in it.
//!
//! Only ever run in a child process, or for tests: debug sections can be built to exhaust a reader.

use std::borrow::Cow;
use std::ops::Range;

use addr2line::Context;
use gimli::{EndianSlice, LittleEndian, SectionId};
use wasmparser::{Parser, Payload};

/// The section without which there are no lines.
const LINES_SECTION: &str = ".debug_line";
/// Parts of a path that are shown, from its end.
const SHOWN_PARTS: usize = 3;
/// Characters of a place that are shown.
const SHOWN_CHARS: usize = 100;

/// A core module inside a component.
#[derive(Default)]
struct Module<'a> {
    range: Range<usize>,
    /// Where its code section begins; addresses count from there.
    code: usize,
    debug: Vec<(&'a str, &'a [u8])>,
}

/// Tells whether a component was built with source lines.
pub(in crate::runtime) fn has_lines(bytes: &[u8]) -> bool {
    let mut sections = Parser::new(0).parse_all(bytes).map_while(Result::ok);
    sections.any(|payload| {
        matches!(payload, Payload::CustomSection(section) if section.name() == LINES_SECTION)
    })
}

/// The source lines of places, each as its offset in the component's bytes.
pub(in crate::runtime) fn find_lines(bytes: &[u8], offsets: &[u64]) -> Vec<Option<String>> {
    let modules = read_modules(bytes);
    let mut lines = vec![None; offsets.len()];
    for module in modules.iter().filter(|module| !module.debug.is_empty()) {
        let Some(context) = context(module) else {
            continue;
        };
        for (offset, line) in offsets.iter().zip(&mut lines) {
            let place = usize::try_from(*offset).ok();
            let place = place.filter(|place| module.range.contains(place));
            if let Some(address) = place.and_then(|place| place.checked_sub(module.code)) {
                *line = find_line(&context, address as u64);
            }
        }
    }
    lines
}

fn read_modules(bytes: &[u8]) -> Vec<Module<'_>> {
    let mut modules: Vec<Module<'_>> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        match payload {
            Payload::ModuleSection {
                unchecked_range, ..
            } => modules.push(Module {
                range: unchecked_range,
                ..Module::default()
            }),
            Payload::CodeSectionStart { range, .. } => {
                if let Some(module) = modules.last_mut() {
                    module.code = range.start;
                }
            }
            Payload::CustomSection(section) if section.name().starts_with(".debug_") => {
                if let Some(module) = modules.last_mut() {
                    module.debug.push((section.name(), section.data()));
                }
            }
            _ => {}
        }
    }
    modules
}

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

fn context<'a>(module: &Module<'a>) -> Option<Context<Bytes<'a>>> {
    let section = |id: SectionId| {
        let found = module.debug.iter().find(|(name, _)| *name == id.name());
        let data = found.map_or(&[][..], |(_, data)| *data);
        Ok::<_, gimli::Error>(EndianSlice::new(data, LittleEndian))
    };
    let dwarf = gimli::Dwarf::load(section).ok()?;
    Context::from_dwarf(dwarf).ok()
}

fn find_line(context: &Context<Bytes<'_>>, address: u64) -> Option<String> {
    let mut frames = context.find_frames(address).skip_all_loads().ok()?;
    // The first is the innermost: what was inlined there.
    let place = frames.next().ok()??.location?;
    let file = shown(place.file?);
    Some(match place.line {
        Some(line) => format!("{file}:{line}"),
        None => file.into_owned(),
    })
}

/// The end of a path, without what could break a line: where the author builds is nobody's concern.
fn shown(path: &str) -> Cow<'_, str> {
    let parts: Vec<&str> = path.split(['/', '\\']).collect();
    let from = parts.len().saturating_sub(SHOWN_PARTS);
    let end = parts[from..].join("/");
    let clean = end.chars().filter(|c| !c.is_control());
    clean.take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_end_of_a_path() {
        assert_eq!(shown("/bots/echo/src/lib.rs"), "echo/src/lib.rs");
        assert_eq!(shown(r"D:\bots\echo\src\lib.rs"), "echo/src/lib.rs");
        assert_eq!(shown("lib.rs"), "lib.rs");
        assert_eq!(shown("a\nb.rs"), "ab.rs");
    }

    #[test]
    fn what_is_no_component_has_no_lines() {
        assert!(!has_lines(b"no wasm at all"));
        assert_eq!(find_lines(b"no wasm at all", &[1, 2]), [None, None]);
    }
}
