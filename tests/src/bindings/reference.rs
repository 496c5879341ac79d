//! The contract as a page for people: `docs/reference/wit.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use wit_bindgen_core::wit_parser::{Docs, Function, Type, TypeDef, TypeDefKind};

use super::{Contract, Shape, docs};

const HEAD: &str = "<!-- Made of wit/ by tests/tests/bindings.rs; do not edit. -->
# The contract

Everything that passes between parlor and a plugin, whatever the plugin is written in. It is made of the files in
[`wit/`](https://github.com/parlor-bots/parlor/tree/main/wit). A published version never changes; the next one stands
beside it.
";

pub(super) fn text(contract: &Contract) -> String {
    let mut out = HEAD.to_owned();
    let mut names = BTreeSet::new();
    out.push('\n');
    for (name, interface) in contract.interfaces() {
        let first = docs(&interface.docs).replace('\n', " ");
        let sentence = first
            .split_inclusive(". ")
            .next()
            .unwrap_or_default()
            .trim();
        let _ = writeln!(out, "- [`{name}`](#interface-{name}): {sentence}");
    }
    for (name, interface) in contract.interfaces() {
        let side = if contract.is_exported(name) {
            "The plugin provides it."
        } else if interface.functions.is_empty() {
            "Types only."
        } else {
            "The host provides it."
        };
        let _ = writeln!(
            out,
            "\n## Interface `{name}`\n\n{}\n\n`{}`. {side}",
            docs(&interface.docs),
            contract.full_name(name)
        );
        for function in interface.functions.values() {
            describe_function(&mut out, contract, function);
        }
        for (name, definition) in contract.types(interface) {
            assert!(
                names.insert(name),
                "two types are named {name}: links would not tell them apart"
            );
            describe_type(&mut out, contract, name, definition);
        }
    }
    out
}

fn describe_function(out: &mut String, contract: &Contract, function: &Function) {
    let parameters = function
        .params
        .iter()
        .map(|it| format!("`{}`: {}", it.name, show(contract, &it.ty)));
    let parameters: Vec<String> = parameters.collect();
    let result = match function.result.as_ref().map(|ty| (ty, contract.shape(ty))) {
        None => String::new(),
        Some((_, Shape::Outcome(ok, error))) => {
            let ok = ok.map_or_else(|| "nothing".to_owned(), |ty| show(contract, ty));
            let error = error.map(|ty| format!(", or {}", show(contract, ty)));
            format!(" → {ok}{}", error.unwrap_or_default())
        }
        Some((ty, _)) => format!(" → {}", show(contract, ty)),
    };
    let told = docs(&function.docs).replace('\n', " ");
    let _ = writeln!(
        out,
        "\n**`{}`** ({}){result}<br>\n{told}",
        function.name,
        parameters.join(", ")
    );
}

fn describe_type(out: &mut String, contract: &Contract, name: &str, definition: &TypeDef) {
    let _ = writeln!(out, "\n### `{name}`\n\n{}", docs(&definition.docs));
    match &definition.kind {
        TypeDefKind::Record(record) => {
            head(out, &["Field", "Type", "Means"]);
            for field in &record.fields {
                row(
                    out,
                    &field.name,
                    Some(&show(contract, &field.ty)),
                    &field.docs,
                );
            }
        }
        TypeDefKind::Variant(variant) => {
            head(out, &["Case", "Holds", "Means"]);
            for case in &variant.cases {
                let holds = case.ty.as_ref().map(|ty| show(contract, ty));
                row(
                    out,
                    &case.name,
                    Some(holds.as_deref().unwrap_or_default()),
                    &case.docs,
                );
            }
        }
        TypeDefKind::Enum(cases) => {
            head(out, &["Case", "Means"]);
            for case in &cases.cases {
                row(out, &case.name, None, &case.docs);
            }
        }
        TypeDefKind::Flags(flags) => {
            head(out, &["Flag", "Means"]);
            for flag in &flags.flags {
                row(out, &flag.name, None, &flag.docs);
            }
        }
        TypeDefKind::Type(ty) => {
            let _ = writeln!(out, "\nIs {}.", show(contract, ty));
        }
        other => panic!("nothing is made of a {} yet", other.as_str()),
    }
}

fn head(out: &mut String, names: &[&str]) {
    let _ = writeln!(
        out,
        "\n| {} |\n|{}",
        names.join(" | "),
        "---|".repeat(names.len())
    );
}

fn row(out: &mut String, name: &str, ty: Option<&str>, told: &Docs) {
    let ty = ty.map(|ty| format!(" {ty} |")).unwrap_or_default();
    // A bar would begin a cell.
    let told = docs(told).replace('\n', " ").replace('|', "\\|");
    let _ = writeln!(out, "| `{name}` |{ty} {told} |");
}

fn show(contract: &Contract, ty: &Type) -> String {
    match contract.shape(ty) {
        Shape::Primitive(name) => format!("`{name}`"),
        Shape::Bytes => "bytes".to_owned(),
        Shape::List(of) => format!("list of {}", show(contract, of)),
        Shape::Optional(of) => format!("optional {}", show(contract, of)),
        Shape::Tuple(types) => {
            let types: Vec<String> = types.iter().map(|ty| show(contract, ty)).collect();
            format!("({})", types.join(", "))
        }
        Shape::Outcome(ok, error) => {
            let shown = |ty: Option<&Type>| {
                ty.map_or_else(|| "nothing".to_owned(), |ty| show(contract, ty))
            };
            format!("{}, or {}", shown(ok), shown(error))
        }
        Shape::Named(id) => {
            let (_, name) = contract.place(id);
            format!("[`{name}`](#{name})")
        }
    }
}
