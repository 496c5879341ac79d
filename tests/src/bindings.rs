//! What is made of the contract: bindings for Rust, types for TypeScript and Python, and its reference.
//!
//! Each is committed, since people read it where nothing was built; a test holds it against `wit/`.

mod python;
mod reference;
mod rust;
mod typescript;

use std::collections::BTreeMap;
use std::path::Path;

use wit_bindgen_core::wit_parser::{
    Docs, Interface, InterfaceId, PackageId, Resolve, Type, TypeDef, TypeDefKind, TypeId,
    TypeOwner, WorldItem,
};

use crate::tidy::RepoFile;

/// The contract, as its files say it.
#[derive(Debug)]
pub struct Contract {
    resolve: Resolve,
    package: PackageId,
}

/// A type, as far as languages tell types apart.
enum Shape<'a> {
    /// One of the contract's own primitives, by its name there.
    Primitive(&'static str),
    Bytes,
    List(&'a Type),
    Optional(&'a Type),
    Tuple(&'a [Type]),
    Outcome(Option<&'a Type>, Option<&'a Type>),
    Named(TypeId),
}

impl Contract {
    /// Reads the folder of the contract.
    ///
    /// # Errors
    /// It does not parse.
    pub fn read(wit: &Path) -> anyhow::Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(wit)?;
        Ok(Self { resolve, package })
    }

    /// Everything that is made of it.
    ///
    /// # Panics
    /// wit-bindgen does not know what to make of it.
    pub fn generated(&self) -> Vec<RepoFile> {
        let rust = rust::file(self).unwrap_or_else(|why| panic!("{why:#}"));
        let mut files = vec![
            rust,
            RepoFile::new("plugin-sdk/js/src/contract.d.ts", &typescript::text(self)),
            RepoFile::new("docs/reference/wit.md", &reference::text(self)),
        ];
        files.extend(python::files(self));
        files
    }

    /// The functions that the host provides, by interface, as JavaScript names them.
    pub fn host_functions(&self) -> BTreeMap<String, Vec<String>> {
        let interfaces = self
            .interfaces()
            .filter(|(name, _)| !self.is_exported(name));
        let functions = |it: &Interface| it.functions.keys().map(|name| camel(name)).collect();
        interfaces
            .map(|(name, it)| (name.to_owned(), functions(it)))
            .collect()
    }

    /// The interfaces in the order of their files.
    fn interfaces(&self) -> impl Iterator<Item = (&str, &Interface)> {
        let interfaces = self.resolve.packages[self.package].interfaces.iter();
        interfaces.map(|(name, id)| (name.as_str(), &self.resolve.interfaces[*id]))
    }

    /// The interface as a component names it: `parlor:bot/content@0.1.0`.
    fn full_name(&self, interface: &str) -> String {
        let id = self.resolve.packages[self.package].interfaces[interface];
        let name = self.resolve.id_of(id);
        name.expect("an interface of a package has a name")
    }

    /// Tells whether plugins provide the interface, and not the host.
    fn is_exported(&self, interface: &str) -> bool {
        let id = self.resolve.packages[self.package].interfaces[interface];
        let is_it =
            |item: &WorldItem| matches!(item, WorldItem::Interface { id: it, .. } if *it == id);
        let mut worlds = self.resolve.worlds.iter();
        worlds.any(|(_, world)| world.exports.values().any(is_it))
    }

    /// The types that an interface declares itself.
    fn types<'a>(
        &'a self,
        interface: &'a Interface,
    ) -> impl Iterator<Item = (&'a str, &'a TypeDef)> {
        let types = interface
            .types
            .iter()
            .map(|(name, id)| (name.as_str(), &self.resolve.types[*id]));
        types.filter(|(_, definition)| !is_use(definition))
    }

    /// The types that an interface takes from others: its own name of each, and the type there.
    fn used<'a>(&'a self, interface: &'a Interface) -> impl Iterator<Item = (&'a str, TypeId)> {
        interface.types.iter().filter_map(|(name, id)| {
            let definition = &self.resolve.types[*id];
            match definition.kind {
                TypeDefKind::Type(Type::Id(original)) if is_use(definition) => {
                    Some((name.as_str(), original))
                }
                _ => None,
            }
        })
    }

    fn definition(&self, id: TypeId) -> &TypeDef {
        &self.resolve.types[id]
    }

    /// Where a type is declared: its interface and its name there.
    fn place(&self, id: TypeId) -> (&str, &str) {
        let definition = self.definition(id);
        if let TypeDefKind::Type(Type::Id(original)) = definition.kind {
            return self.place(original);
        }
        let name = definition
            .name
            .as_deref()
            .expect("what is asked for has a name");
        (self.interface_name(definition), name)
    }

    fn interface_name(&self, definition: &TypeDef) -> &str {
        let TypeOwner::Interface(id) = definition.owner else {
            panic!("a type of the contract belongs to an interface")
        };
        self.name_of(id)
    }

    fn name_of(&self, id: InterfaceId) -> &str {
        self.resolve.interfaces[id]
            .name
            .as_deref()
            .expect("the contract's interfaces have names")
    }

    /// What a type is.
    ///
    /// # Panics
    /// It is none that the contract has had so far: every generator has to learn it.
    fn shape<'a>(&'a self, ty: &'a Type) -> Shape<'a> {
        let id = match ty {
            Type::Bool => return Shape::Primitive("bool"),
            Type::U8 => return Shape::Primitive("u8"),
            Type::U16 => return Shape::Primitive("u16"),
            Type::U32 => return Shape::Primitive("u32"),
            Type::U64 => return Shape::Primitive("u64"),
            Type::S64 => return Shape::Primitive("s64"),
            Type::F64 => return Shape::Primitive("f64"),
            Type::String => return Shape::Primitive("string"),
            Type::Id(id) => *id,
            other => panic!("nothing is made of {other:?} yet"),
        };
        let definition = self.definition(id);
        if definition.name.is_some() {
            return Shape::Named(id);
        }
        match &definition.kind {
            TypeDefKind::List(Type::U8) => Shape::Bytes,
            TypeDefKind::List(of) => Shape::List(of),
            TypeDefKind::Option(of) => Shape::Optional(of),
            TypeDefKind::Tuple(tuple) => Shape::Tuple(&tuple.types),
            TypeDefKind::Result(result) => Shape::Outcome(result.ok.as_ref(), result.err.as_ref()),
            other => panic!("nothing is made of a {} yet", other.as_str()),
        }
    }
}

/// Tells whether a type is one of another interface, under its name or another.
fn is_use(definition: &TypeDef) -> bool {
    matches!(definition.kind, TypeDefKind::Type(Type::Id(_)))
}

fn docs(docs: &Docs) -> &str {
    docs.contents.as_deref().unwrap_or_default().trim()
}

/// `text-span` as `TextSpan`.
fn pascal(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|it| it.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

/// `text-span` as `textSpan`.
fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let mut letters = pascal.chars();
    let first = letters.next().map(|it| it.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// `text-span` as `text_span`.
fn snake(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_each_language() {
        assert_eq!(pascal("key-word-match"), "KeyWordMatch");
        assert_eq!(camel("as-user"), "asUser");
        assert_eq!(snake("ttl-ms"), "ttl_ms");
    }
}
