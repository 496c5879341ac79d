//! The contract as componentize-py hands it over: the stubs of `plugin-sdk/python/stubs`.
//!
//! componentize-py makes the modules themselves, and only while it builds; editors and type checkers want
//! them before. The names are its own, which a test compares.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use wit_bindgen_core::wit_parser::{Function, Interface, Type, TypeDef, TypeDefKind, TypeId};

use super::{Contract, Shape, docs, pascal, snake};
use crate::tidy::RepoFile;

const FOLDER: &str = "plugin-sdk/python/stubs";

const HEAD: &str = "# Made of wit/ by tests/tests/bindings.rs; do not edit.\n";

/// What results are made of.
const TYPES: &str = r#"from dataclasses import dataclass
from typing import Generic, TypeVar, Union

S = TypeVar("S")
T = TypeVar("T")
E = TypeVar("E")

@dataclass
class Some(Generic[S]):
    """A value that is there, where an optional value holds an optional one."""

    value: S

@dataclass
class Ok(Generic[T]):
    """How something ended well."""

    value: T

@dataclass(frozen=True)
class Err(Generic[E], Exception):
    """How something failed; raised by the functions of the contract."""

    value: E

Result = Union[Ok[T], Err[E]]
"#;

/// Modules that the layer alone uses, for HTTP.
const UNTYPED: &str = "from typing import Any

def __getattr__(name: str) -> Any: ...
";

const KEYWORDS: [&str; 12] = [
    "and", "as", "class", "def", "del", "from", "global", "import", "in", "is", "not", "with",
];

pub(super) fn files(contract: &Contract) -> Vec<RepoFile> {
    let mut files = vec![
        file("componentize_py_types", TYPES),
        file("poll_loop", UNTYPED),
        file(
            "wit_world/__init__",
            "from typing import Protocol\n\nclass WitWorld(Protocol): ...\n",
        ),
        file("wit_world/imports/__init__", ""),
        file("wit_world/imports/types", UNTYPED),
    ];
    for (name, interface) in contract.interfaces() {
        if contract.is_exported(name) {
            // Its types are a module of its name, and its functions a class that plugins fill in.
            let types = module(contract, name, interface, &[]);
            files.push(file(&format!("wit_world/exports/{}", snake(name)), &types));
            files.push(file(
                "wit_world/exports/__init__",
                &class(contract, name, interface),
            ));
        } else {
            let functions: Vec<&Function> = interface.functions.values().collect();
            let text = module(contract, name, interface, &functions);
            files.push(file(&format!("wit_world/imports/{}", snake(name)), &text));
        }
    }
    files
}

fn file(name: &str, text: &str) -> RepoFile {
    RepoFile::new(&format!("{FOLDER}/{name}.pyi"), &format!("{HEAD}{text}"))
}

/// Writes a module, and knows what it has to import.
struct Writer<'a> {
    contract: &'a Contract,
    /// The interface whose names need no module's.
    own: Option<&'a str>,
    body: String,
    modules: BTreeSet<&'a str>,
    names: BTreeSet<(&'static str, &'static str)>,
}

fn module(
    contract: &Contract,
    name: &str,
    interface: &Interface,
    functions: &[&Function],
) -> String {
    let mut writer = Writer::new(contract, Some(name));
    for (name, definition) in contract.types(interface) {
        writer.define(name, definition);
    }
    for function in functions {
        writer.body.push('\n');
        writer.function(function, "", &[]);
    }
    writer.finish("from .", docs(&interface.docs))
}

fn class(contract: &Contract, name: &str, interface: &Interface) -> String {
    let mut writer = Writer::new(contract, None);
    writer.needs("typing", "Protocol");
    writer.needs("abc", "abstractmethod");
    let _ = writeln!(writer.body, "\nclass {}(Protocol):", pascal(name));
    writer.docstring("    ", docs(&interface.docs));
    for function in interface.functions.values() {
        writer.body.push_str("\n    @abstractmethod\n");
        writer.function(function, "    ", &["self"]);
    }
    writer.finish("from ..imports", "")
}

impl<'a> Writer<'a> {
    fn new(contract: &'a Contract, own: Option<&'a str>) -> Self {
        Self {
            contract,
            own,
            body: String::new(),
            modules: BTreeSet::new(),
            names: BTreeSet::new(),
        }
    }

    fn needs(&mut self, module: &'static str, name: &'static str) {
        self.names.insert((module, name));
    }

    fn finish(self, siblings: &str, told: &str) -> String {
        let mut out = String::new();
        if !told.is_empty() {
            let _ = writeln!(out, "\"\"\"{told}\"\"\"\n");
        }
        if self.body.contains("builtins.") {
            out.push_str("import builtins\n");
        }
        let mut modules: Vec<&str> = self.names.iter().map(|(module, _)| *module).collect();
        modules.dedup();
        for module in modules {
            let names = self.names.iter().filter(|(of, _)| *of == module);
            let names: Vec<&str> = names.map(|(_, name)| *name).collect();
            let _ = writeln!(out, "from {module} import {}", names.join(", "));
        }
        if !self.modules.is_empty() {
            let modules: Vec<String> = self.modules.iter().map(|name| snake(name)).collect();
            let _ = writeln!(out, "{siblings} import {}", modules.join(", "));
        }
        out + &self.body
    }

    fn docstring(&mut self, indent: &str, text: &str) {
        let text = text
            .replace('\n', &format!("\n{indent}"))
            .replace(&format!("\n{indent}\n"), "\n\n");
        if !text.is_empty() {
            let _ = writeln!(self.body, "{indent}\"\"\"{text}\"\"\"");
        }
    }

    fn define(&mut self, name: &str, definition: &'a TypeDef) {
        let told = docs(&definition.docs);
        let name = pascal(name);
        match &definition.kind {
            TypeDefKind::Record(record) => {
                self.needs("dataclasses", "dataclass");
                let _ = writeln!(self.body, "\n@dataclass\nclass {name}:");
                self.docstring("    ", told);
                self.body.push('\n');
                let taken: Vec<String> = record
                    .fields
                    .iter()
                    .map(|it| identifier(&it.name))
                    .collect();
                for field in &record.fields {
                    let ty = self.show(&field.ty, &taken);
                    let _ = writeln!(self.body, "    {}: {ty}", identifier(&field.name));
                    self.docstring("    ", docs(&field.docs));
                }
            }
            TypeDefKind::Flags(flags) => {
                self.needs("enum", "Flag");
                let _ = writeln!(self.body, "\nclass {name}(Flag):");
                self.docstring("    ", told);
                self.body.push('\n');
                for (place, flag) in flags.flags.iter().enumerate() {
                    let _ = writeln!(
                        self.body,
                        "    {} = {}",
                        constant(&flag.name),
                        1_u64 << place
                    );
                    self.docstring("    ", docs(&flag.docs));
                }
            }
            TypeDefKind::Enum(cases) => {
                self.needs("enum", "Enum");
                let _ = writeln!(self.body, "\nclass {name}(Enum):");
                self.docstring("    ", told);
                self.body.push('\n');
                for (place, case) in cases.cases.iter().enumerate() {
                    let _ = writeln!(self.body, "    {} = {place}", constant(&case.name));
                    self.docstring("    ", docs(&case.docs));
                }
            }
            TypeDefKind::Variant(variant) => {
                self.needs("dataclasses", "dataclass");
                self.needs("typing", "Union");
                let mut names = Vec::new();
                for case in &variant.cases {
                    let own = format!("{name}_{}", pascal(&case.name));
                    let _ = writeln!(self.body, "\n@dataclass\nclass {own}:");
                    self.docstring("    ", docs(&case.docs));
                    if let Some(ty) = &case.ty {
                        let ty = self.show(ty, &[]);
                        let _ = writeln!(self.body, "\n    value: {ty}");
                    } else if docs(&case.docs).is_empty() {
                        self.body.push_str("    ...\n");
                    }
                    names.push(own);
                }
                let _ = writeln!(
                    self.body,
                    "\n{name} = Union[\n    {},\n]",
                    names.join(",\n    ")
                );
                self.docstring("", told);
            }
            // Another name of a primitive is that primitive.
            TypeDefKind::Type(_) => {}
            other => panic!("nothing is made of a {} yet", other.as_str()),
        }
    }

    fn function(&mut self, function: &'a Function, indent: &str, first: &[&str]) {
        let mut parameters: Vec<String> = first.iter().map(|name| (*name).to_owned()).collect();
        for parameter in &function.params {
            let ty = self.show(&parameter.ty, &[]);
            parameters.push(format!("{}: {ty}", identifier(&parameter.name)));
        }
        let mut told = docs(&function.docs).to_owned();
        let contract = self.contract;
        let result = match function.result.as_ref().map(|ty| (ty, contract.shape(ty))) {
            None => "None".to_owned(),
            Some((_, Shape::Outcome(ok, error))) => {
                if let Some(error) = error {
                    let error = self.show(error, &[]);
                    let _ = write!(told, "\n\nRaises `Err` with {error}.");
                }
                ok.map_or_else(|| "None".to_owned(), |ty| self.show(ty, &[]))
            }
            Some((ty, _)) => self.show(ty, &[]),
        };
        let name = identifier(&function.name);
        let _ = writeln!(
            self.body,
            "{indent}def {name}({}) -> {result}:",
            parameters.join(", ")
        );
        self.docstring(&format!("{indent}    "), &told);
        let _ = writeln!(self.body, "{indent}    ...");
    }

    /// A type; `taken` are names that mean something else where it stands.
    fn show(&mut self, ty: &'a Type, taken: &[String]) -> String {
        let builtin = |name: &str| {
            if taken.iter().any(|it| it == name) {
                format!("builtins.{name}")
            } else {
                name.to_owned()
            }
        };
        let contract = self.contract;
        match contract.shape(ty) {
            Shape::Primitive("bool") => builtin("bool"),
            Shape::Primitive("string") => builtin("str"),
            Shape::Primitive("f64") => builtin("float"),
            Shape::Primitive(_) => builtin("int"),
            Shape::Bytes => builtin("bytes"),
            Shape::List(of) => format!("{}[{}]", builtin("list"), self.show(of, taken)),
            Shape::Optional(of) => format!("{} | None", self.show(of, taken)),
            Shape::Tuple(types) => {
                let types: Vec<String> = types.iter().map(|ty| self.show(ty, taken)).collect();
                format!("{}[{}]", builtin("tuple"), types.join(", "))
            }
            Shape::Outcome(ok, error) => {
                self.needs("componentize_py_types", "Err");
                self.needs("componentize_py_types", "Ok");
                let mut shown =
                    |ty: Option<&'a Type>| ty.map_or("None".to_owned(), |ty| self.show(ty, taken));
                format!("Ok[{}] | Err[{}]", shown(ok), shown(error))
            }
            Shape::Named(id) => {
                let (interface, name) = contract.place(id);
                if let TypeDefKind::Type(of) = &self.original(id).kind {
                    return self.show(of, taken);
                }
                if self.own == Some(interface) {
                    return pascal(name);
                }
                // What is exported is not imported: its own types stand beside its class.
                if contract.is_exported(interface) {
                    return format!("wit_world.exports.{}.{}", snake(interface), pascal(name));
                }
                self.modules.insert(interface);
                format!("{}.{}", snake(interface), pascal(name))
            }
        }
    }

    /// The definition itself, whatever other names it has.
    fn original(&self, id: TypeId) -> &'a TypeDef {
        let definition = self.contract.definition(id);
        match definition.kind {
            TypeDefKind::Type(Type::Id(other)) => self.original(other),
            _ => definition,
        }
    }
}

fn identifier(name: &str) -> String {
    let name = snake(name);
    if KEYWORDS.contains(&name.as_str()) {
        return format!("{name}_");
    }
    name
}

fn constant(name: &str) -> String {
    snake(name).to_uppercase()
}
