//! From an event to the method that handles it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, LitStr};

use crate::describe::filter;
use crate::handler::{Handler, Parameter, Trigger};
use crate::parse::{Arg, camel};

/// Writes the body of `dispatch`.
pub(crate) fn dispatch(handlers: &[Handler]) -> syn::Result<TokenStream> {
    let commands: Vec<_> = handlers.iter().filter_map(command_arm).collect();
    let mut arms = TokenStream::new();
    if !commands.is_empty() {
        arms.extend(quote! {
            ::parlor_sdk::events::EventPayload::Command(payload) => match payload.name.as_str() {
                #(#commands)*
                _ => {}
            },
        });
    }
    let messages = messages(handlers)?;
    if !messages.is_empty() {
        arms.extend(quote! {
            ::parlor_sdk::events::EventPayload::Message(payload) => { #messages }
        });
    }
    for (variant, steps) in grouped(handlers) {
        arms.extend(quote! {
            ::parlor_sdk::events::EventPayload::#variant(payload) => { #(#steps)* }
        });
    }
    Ok(quote! {
        match &cx.event().payload {
            #arms
            _ => {}
        }
        ::core::result::Result::Ok(::parlor_sdk::Reply::none())
    })
}

fn command_arm(handler: &Handler) -> Option<TokenStream> {
    let Trigger::Command { name, .. } = &handler.trigger else {
        return None;
    };
    let call = call(handler, argument);
    Some(quote!(#name => return #call,))
}

fn messages(handlers: &[Handler]) -> syn::Result<TokenStream> {
    let mut ours: Vec<_> = handlers
        .iter()
        .filter_map(|handler| match &handler.trigger {
            Trigger::Message { args } => Some((handler, args)),
            _ => None,
        })
        .collect();
    // Only the host evaluates regular expressions, so handlers with one come last.
    let has_regex = |args: &crate::parse::Args| {
        args.0
            .iter()
            .any(|arg| matches!(arg, Arg::Value(name, _) if name == "regex"))
    };
    ours.sort_by_key(|(_, args)| has_regex(args));
    if let Some((second, _)) = ours.iter().filter(|(_, args)| has_regex(args)).nth(1) {
        let text = "one `regex` handler at most: tell them apart inside it";
        return Err(syn::Error::new(second.method.span(), text));
    }
    let alone = ours.len() == 1;
    let mut steps = TokenStream::new();
    for (handler, args) in ours {
        let call = call(handler, argument);
        let filter = filter(args)?;
        steps.extend(if alone {
            quote!(return #call;)
        } else {
            quote! {
                if ::parlor_sdk::__private::message_matches(&#filter, payload) {
                    return #call;
                }
            }
        });
    }
    Ok(steps)
}

fn grouped(handlers: &[Handler]) -> Vec<(Ident, Vec<TokenStream>)> {
    let mut groups: Vec<(Ident, Vec<TokenStream>)> = Vec::new();
    for handler in handlers {
        let (variant, step) = match &handler.trigger {
            Trigger::Named {
                variant,
                field,
                name,
                prefix,
            } => {
                let field = format_ident!("{field}");
                let call = if *variant == "FormSubmitted" {
                    call(handler, |id| {
                        let error =
                            ["field `", &id.value(), "` is missing or does not fit"].concat();
                        quote!(::parlor_sdk::__private::field(&payload.values, #id, #error)?)
                    })
                } else {
                    call(handler, |_| {
                        quote!(::parlor_sdk::__private::payload(payload))
                    })
                };
                let test = if *prefix {
                    quote!(payload.#field.starts_with(#name))
                } else {
                    quote!(payload.#field == #name)
                };
                (
                    format_ident!("{variant}"),
                    quote!(if #test { return #call; }),
                )
            }
            Trigger::On { kind } => {
                let call = call(handler, |_| {
                    quote!(::parlor_sdk::__private::payload(payload))
                });
                (camel(kind), quote!(return #call;))
            }
            _ => continue,
        };
        match groups.iter_mut().find(|(known, _)| *known == variant) {
            Some((_, steps)) => steps.push(step),
            None => groups.push((variant, vec![step])),
        }
    }
    groups
}

fn argument(name: &LitStr) -> TokenStream {
    let error = ["argument `", &name.value(), "` is missing or does not fit"].concat();
    quote!(::parlor_sdk::__private::argument(&payload.arguments, #name, #error)?)
}

fn call(handler: &Handler, value: impl Fn(&LitStr) -> TokenStream) -> TokenStream {
    let method = &handler.method;
    let values = handler.parameters.iter().map(|parameter| match parameter {
        Parameter::Context => quote!(cx),
        Parameter::Payload => quote!(payload),
        Parameter::Value(name) => value(name),
    });
    quote!(::parlor_sdk::IntoReply::into_reply(self.#method(#(#values),*)))
}
