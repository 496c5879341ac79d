//! The methods that handle something.

use syn::{Attribute, Error, Expr, FnArg, Ident, ImplItemFn, LitStr, Pat, Type};

use crate::parse::{Arg, Args, name_of};

const KINDS: &[&str] = &[
    "command",
    "message",
    "form",
    "button",
    "timer",
    "response",
    "webhook",
    "form_closed",
    "on",
];

/// What a handler is for.
pub(crate) enum Trigger {
    Command {
        name: LitStr,
        pattern: LitStr,
        args: Args,
    },
    Message {
        args: Args,
    },
    /// A named thing: the payload's variant, the field that names it, and whether a prefix is enough.
    Named {
        variant: &'static str,
        field: &'static str,
        name: Expr,
        prefix: bool,
    },
    On {
        kind: Ident,
    },
}

/// How a parameter is filled.
pub(crate) enum Parameter {
    Context,
    /// A reference: the payload itself.
    Payload,
    /// A value by name.
    Value(LitStr),
}

/// A method with one trigger.
pub(crate) struct Handler {
    pub(crate) method: Ident,
    pub(crate) trigger: Trigger,
    pub(crate) parameters: Vec<Parameter>,
}

/// Takes the attributes off a method and gives a handler for each.
pub(crate) fn take(method: &mut ImplItemFn) -> syn::Result<Vec<Handler>> {
    let (ours, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut method.attrs)
        .into_iter()
        .partition(|attribute| KINDS.contains(&name_of(attribute).as_str()));
    method.attrs = kept;
    if ours.is_empty() {
        return Ok(Vec::new());
    }
    let values = parameters(method)?;
    let mut handlers = Vec::new();
    for attribute in &ours {
        let trigger = trigger(attribute, &method.sig.ident)?;
        check_parameters(&trigger, &values)?;
        handlers.push(Handler {
            method: method.sig.ident.clone(),
            trigger,
            parameters: values.iter().map(Parameter::copy).collect(),
        });
    }
    Ok(handlers)
}

impl Parameter {
    fn copy(&self) -> Self {
        match self {
            Self::Context => Self::Context,
            Self::Payload => Self::Payload,
            Self::Value(name) => Self::Value(name.clone()),
        }
    }
}

fn parameters(method: &mut ImplItemFn) -> syn::Result<Vec<Parameter>> {
    let mut found = Vec::new();
    let mut has_self = false;
    for input in &mut method.sig.inputs {
        let FnArg::Typed(input) = input else {
            has_self = true;
            continue;
        };
        let mut named = None;
        let mut kept = Vec::new();
        for attribute in std::mem::take(&mut input.attrs) {
            if name_of(&attribute) == "named" {
                named = Some(attribute.parse_args::<LitStr>()?);
            } else {
                kept.push(attribute);
            }
        }
        input.attrs = kept;
        found.push(match &*input.ty {
            Type::Reference(reference) if is_context(&reference.elem) => Parameter::Context,
            Type::Reference(_) => Parameter::Payload,
            _ => Parameter::Value(match named {
                Some(name) => name,
                None => name_of_pattern(&input.pat)?,
            }),
        });
    }
    if has_self {
        Ok(found)
    } else {
        Err(Error::new_spanned(
            &method.sig,
            "a handler takes `&mut self` or `&self`",
        ))
    }
}

fn is_context(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Context"))
}

fn name_of_pattern(pattern: &Pat) -> syn::Result<LitStr> {
    match pattern {
        Pat::Ident(name) => {
            let text = name.ident.to_string();
            let text = text.trim_start_matches("r#").trim_start_matches('_');
            Ok(LitStr::new(text, name.ident.span()))
        }
        other => Err(Error::new_spanned(other, "expected a plain name")),
    }
}

fn trigger(attribute: &Attribute, method: &Ident) -> syn::Result<Trigger> {
    let args = Args::of(attribute)?;
    let (variant, field) = match name_of(attribute).as_str() {
        "command" => return command(attribute, args, method),
        "message" => return Ok(Trigger::Message { args }),
        "on" => {
            return match args.0.as_slice() {
                [Arg::Word(kind)] => Ok(Trigger::On { kind: kind.clone() }),
                _ => Err(Error::new_spanned(
                    attribute,
                    "expected one kind: `#[on(member_changed)]`",
                )),
            };
        }
        "form" => ("FormSubmitted", "form_id"),
        "form_closed" => ("FormClosed", "form_id"),
        "button" => ("ButtonPressed", "button_id"),
        "timer" => ("TimerFired", "name"),
        "response" => ("ResponseReceived", "key"),
        _ => ("WebhookReceived", "name"),
    };
    let (name, prefix) = match args.0.as_slice() {
        [Arg::Text(text)] => (syn::parse_quote!(#text), false),
        [Arg::Value(word, value)] if word == "prefix" => (value.clone(), true),
        _ => {
            return Err(Error::new_spanned(
                attribute,
                "expected a name, or `prefix = \"…\"`",
            ));
        }
    };
    Ok(Trigger::Named {
        variant,
        field,
        name,
        prefix,
    })
}

fn command(attribute: &Attribute, args: Args, method: &Ident) -> syn::Result<Trigger> {
    let Some(pattern) = args.text().cloned() else {
        return Err(Error::new_spanned(
            attribute,
            "expected a pattern: `#[command(\"/hello {name}\")]`",
        ));
    };
    let name = match args.value("name") {
        Some(Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(name),
            ..
        })) => name.clone(),
        Some(other) => return Err(Error::new_spanned(other, "expected a text")),
        None => LitStr::new(&method.to_string().replace('_', "-"), method.span()),
    };
    Ok(Trigger::Command {
        name,
        pattern,
        args,
    })
}

fn check_parameters(trigger: &Trigger, parameters: &[Parameter]) -> syn::Result<()> {
    match trigger {
        Trigger::Command { pattern, .. } => {
            let known = names_in(&pattern.value());
            for parameter in parameters {
                if let Parameter::Value(name) = parameter
                    && !known.contains(&name.value())
                {
                    let text = format!("the pattern has no `{{{}}}`", name.value());
                    return Err(Error::new(name.span(), text));
                }
            }
            Ok(())
        }
        Trigger::Named {
            variant: "FormSubmitted",
            ..
        }
        | Trigger::Message { .. } => Ok(()),
        Trigger::Named { .. } | Trigger::On { .. } => {
            let mut values = parameters.iter().filter_map(|parameter| match parameter {
                Parameter::Value(name) => Some(name),
                _ => None,
            });
            match values.nth(1) {
                None => Ok(()),
                Some(second) => Err(Error::new(
                    second.span(),
                    "at most one parameter, the payload",
                )),
            }
        }
    }
}

/// The names that a pattern captures.
fn names_in(pattern: &str) -> Vec<String> {
    pattern
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .filter(|(inside, _)| !inside.starts_with('='))
        .map(|(inside, _)| {
            let inside = inside.trim_start_matches(['@', '#', '$']);
            let inside = inside.split(':').next().unwrap_or(inside);
            inside
                .trim_end_matches("...")
                .trim_end_matches('?')
                .to_owned()
        })
        .collect()
}
