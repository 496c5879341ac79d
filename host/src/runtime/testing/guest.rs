//! Tiny plugins written as text: a body for `handle`, and what it needs. Shared by tests and benches.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What a guest is made of.
pub(crate) struct Guest<'a> {
    /// Lines for the world beside the contract's: imports.
    pub(crate) world: &'a str,
    /// Packages that those lines name.
    pub(crate) packages: &'a str,
    /// Imports, functions, data and tables of the module.
    pub(crate) module: &'a str,
    /// Body of `describe`, run before the description is returned.
    pub(crate) describe: &'a str,
    /// Body of `handle`, run before an empty list is returned. `$event` points to the event,
    /// `$i`, `$j` are free.
    pub(crate) handle: &'a str,
    /// Pages of memory at the start.
    pub(crate) pages: u32,
    /// The version of the contract.
    pub(crate) version: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self {
            world: "",
            packages: "",
            module: "",
            describe: "",
            handle: "",
            pages: 2,
            version: "0.1.0",
        }
    }
}

/// Address of the description record.
const DESCRIPTION: u32 = 1024;
/// Address of the result of `handle`: all zero is an empty list.
const RESULT: u32 = 2048;
/// Where `cabi_realloc` begins; below it a guest may keep data from 4096 on.
const HEAP: u32 = 32 * 1024;

impl Guest<'_> {
    /// The guest as a core module, in text.
    pub(crate) fn module_text(&self) -> String {
        let Self {
            module,
            describe,
            handle,
            pages,
            version,
            ..
        } = self;
        format!(
            r#"(module
  {module}
  (memory (export "memory") {pages})
  (global $heap (mut i32) (i32.const {HEAP}))
  (data (i32.const 512) "guest1.0.0")
  (data (i32.const {DESCRIPTION}) "\00\02\00\00\05\00\00\00\05\02\00\00\05\00\00\00")
  (func $alloc (export "cabi_realloc") (param $old i32) (param $was i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))))
        (then unreachable))))
    (local.get $at))
  (func $describe (export "parlor:bot/behaviour@{version}#describe") (result i32)
    {describe}
    (i32.const {DESCRIPTION}))
  (func $handle (export "parlor:bot/behaviour@{version}#handle") (param $event i32) (result i32)
    (local $i i32) (local $j i32)
    (global.set $heap (i32.const {HEAP}))
    {handle}
    (i32.const {RESULT})))"#
        )
    }

    /// The guest as a component.
    pub(crate) fn component(&self) -> Vec<u8> {
        let mut module = wat::parse_str(self.module_text()).expect("the text is a module");
        let mut resolve = Resolve::default();
        let version = self.version;
        let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
        let contract = copy_contract(wit, version);
        resolve
            .push_dir(contract.path())
            .expect("the contract parses");
        if !self.packages.is_empty() {
            resolve
                .push_str("packages.wit", self.packages)
                .expect("the packages parse");
        }
        let world = format!(
            "package test:guest;\nworld guest {{ include parlor:bot/plugin@{version};\n{} }}",
            self.world
        );
        let package = resolve
            .push_str("guest.wit", &world)
            .expect("the world parses");
        let world = resolve
            .select_world(&[package], Some("guest"))
            .expect("there is a world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("the world fits");
        ComponentEncoder::default()
            .module(&module)
            .expect("the module fits")
            .validate(true)
            .encode()
            .expect("a component")
    }
}

/// The contract as if it had another version.
fn copy_contract(from: &str, version: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in std::fs::read_dir(from).expect("the contract") {
        let file = file.expect("a file");
        let text = std::fs::read_to_string(file.path()).expect("text");
        let text = text.replace("parlor:bot@0.1.0", &format!("parlor:bot@{version}"));
        std::fs::write(folder.path().join(file.file_name()), text).expect("written");
    }
    folder
}
