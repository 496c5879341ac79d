//! The contract as the engine of JavaScript components hands it over: `plugin-sdk/js/src/contract.d.ts`.

use std::fmt::Write as _;

use wit_bindgen_core::wit_parser::{Function, Interface, Type, TypeDef, TypeDefKind};

use super::{Contract, Shape, camel, docs, pascal};

const HEAD: &str = "// The contract between parlor and a plugin, as JavaScript has it. Made of wit/ by \
    tests/tests/bindings.rs; do not edit.
//
// A record is an object, a variant has `tag` and `val`, flags are an object of booleans, an optional value
// that is not there is `undefined`, 64-bit numbers are `bigint`, and what fails throws its error's `payload`.
";

/// Names that no function may have.
const RESERVED: [&str; 2] = ["delete", "default"];

pub(super) fn text(contract: &Contract) -> String {
    let mut out = HEAD.to_owned();
    for (name, interface) in contract.interfaces() {
        out.push('\n');
        comment(&mut out, "", docs(&interface.docs));
        let _ = writeln!(out, "declare module \"{}\" {{", contract.full_name(name));
        uses(&mut out, contract, interface);
        for (name, definition) in contract.types(interface) {
            define(&mut out, contract, name, definition);
        }
        for function in interface.functions.values() {
            declare(&mut out, contract, function);
        }
        // The blank line after the last one.
        out.truncate(out.trim_end().len());
        out.push_str("\n}\n");
    }
    out
}

fn uses(out: &mut String, contract: &Contract, interface: &Interface) {
    let mut last = None;
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for (own, id) in contract.used(interface) {
        let (from, name) = contract.place(id);
        let (own, name) = (pascal(own), pascal(name));
        let import = if own == name {
            own
        } else {
            format!("{name} as {own}")
        };
        if last == Some(from) {
            lines
                .last_mut()
                .expect("there is a last one")
                .1
                .push(import);
        } else {
            lines.push((contract.full_name(from), vec![import]));
        }
        last = Some(from);
    }
    for (from, names) in &lines {
        let _ = writeln!(
            out,
            "  import type {{ {} }} from \"{from}\";",
            names.join(", ")
        );
    }
    if !lines.is_empty() {
        out.push('\n');
    }
}

fn define(out: &mut String, contract: &Contract, name: &str, definition: &TypeDef) {
    comment(out, "  ", docs(&definition.docs));
    let name = pascal(name);
    match &definition.kind {
        TypeDefKind::Record(record) => {
            let _ = writeln!(out, "  export interface {name} {{");
            for field in &record.fields {
                comment(out, "    ", docs(&field.docs));
                let (mark, ty) = match contract.shape(&field.ty) {
                    Shape::Optional(of) => ("?", of),
                    _ => ("", &field.ty),
                };
                let _ = writeln!(
                    out,
                    "    {}{mark}: {};",
                    camel(&field.name),
                    show(contract, ty)
                );
            }
            out.push_str("  }\n");
        }
        TypeDefKind::Flags(flags) => {
            let _ = writeln!(out, "  export interface {name} {{");
            for flag in &flags.flags {
                comment(out, "    ", docs(&flag.docs));
                let _ = writeln!(out, "    {}?: boolean;", camel(&flag.name));
            }
            out.push_str("  }\n");
        }
        TypeDefKind::Variant(variant) => {
            let _ = writeln!(out, "  export type {name} =");
            for case in &variant.cases {
                comment(out, "    ", docs(&case.docs));
                let val = case
                    .ty
                    .as_ref()
                    .map(|ty| format!("; val: {}", show(contract, ty)));
                let _ = writeln!(
                    out,
                    "    | {{ tag: \"{}\"{} }}",
                    case.name,
                    val.unwrap_or_default()
                );
            }
            end_union(out);
        }
        TypeDefKind::Enum(cases) => {
            let _ = writeln!(out, "  export type {name} =");
            for case in &cases.cases {
                comment(out, "    ", docs(&case.docs));
                let _ = writeln!(out, "    | \"{}\"", case.name);
            }
            end_union(out);
        }
        TypeDefKind::Type(ty) => {
            let _ = writeln!(out, "  export type {name} = {};", show(contract, ty));
        }
        other => panic!("nothing is made of a {} yet", other.as_str()),
    }
    out.push('\n');
}

fn end_union(out: &mut String) {
    out.truncate(out.trim_end().len());
    out.push_str(";\n");
}

fn declare(out: &mut String, contract: &Contract, function: &Function) {
    let parameters = function
        .params
        .iter()
        .map(|it| format!("{}: {}", camel(&it.name), show(contract, &it.ty)));
    let parameters: Vec<String> = parameters.collect();
    let mut told = docs(&function.docs).to_owned();
    let result = match function.result.as_ref().map(|ty| (ty, contract.shape(ty))) {
        None => "void".to_owned(),
        Some((_, Shape::Outcome(ok, error))) => {
            if let Some(error) = error {
                let _ = write!(told, "\n@throws its `payload` is {}", show(contract, error));
            }
            ok.map_or_else(|| "void".to_owned(), |ty| show(contract, ty))
        }
        Some((ty, _)) => show(contract, ty),
    };
    comment(out, "  ", &told);
    let name = camel(&function.name);
    let parameters = parameters.join(", ");
    if RESERVED.contains(&name.as_str()) {
        let _ = writeln!(
            out,
            "  function _{name}({parameters}): {result};\n  export {{ _{name} as {name} }};"
        );
    } else {
        let _ = writeln!(out, "  export function {name}({parameters}): {result};");
    }
}

fn show(contract: &Contract, ty: &Type) -> String {
    match contract.shape(ty) {
        Shape::Primitive("bool") => "boolean".to_owned(),
        Shape::Primitive("u64" | "s64") => "bigint".to_owned(),
        Shape::Primitive("string") => "string".to_owned(),
        Shape::Primitive(_) => "number".to_owned(),
        Shape::Bytes => "Uint8Array".to_owned(),
        Shape::List(of) => format!("{}[]", show(contract, of)),
        Shape::Optional(of) => format!("{} | undefined", show(contract, of)),
        Shape::Tuple(types) => {
            let types: Vec<String> = types.iter().map(|ty| show(contract, ty)).collect();
            format!("[{}]", types.join(", "))
        }
        Shape::Outcome(ok, error) => {
            let val = |ty: Option<&Type>| {
                ty.map(|ty| format!("; val: {}", show(contract, ty)))
                    .unwrap_or_default()
            };
            format!(
                "{{ tag: \"ok\"{} }} | {{ tag: \"err\"{} }}",
                val(ok),
                val(error)
            )
        }
        Shape::Named(id) => {
            let name = contract.definition(id).name.as_deref();
            pascal(name.expect("a named type has a name"))
        }
    }
}

/// A doc comment, on one line where the text is one.
fn comment(out: &mut String, indent: &str, text: &str) {
    assert!(!text.contains("*/"), "it would end its comment: {text}");
    if text.is_empty() {
        return;
    }
    if !text.contains('\n') {
        let _ = writeln!(out, "{indent}/** {text} */");
        return;
    }
    let _ = writeln!(out, "{indent}/**");
    for line in text.lines() {
        let line = format!("{indent} * {line}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let _ = writeln!(out, "{indent} */");
}
