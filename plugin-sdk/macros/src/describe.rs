//! From the attributes to `describe`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Ident, LitStr};

use crate::handler::{Handler, Trigger};
use crate::parse::{Arg, Args, camel, name_of};

// Kinds that come to the plugin that caused them, so nobody subscribes to them.
const UNSUBSCRIBED: &[&str] = &[
    "command",
    "timer_fired",
    "response_received",
    "webhook_received",
];

/// Writes the body of `describe`.
pub(crate) fn describe(
    args: &Args,
    asked: &[Attribute],
    handlers: &[Handler],
) -> syn::Result<TokenStream> {
    let frame = frame(args, handlers)?;
    let mut steps = TokenStream::new();
    let mut names = Vec::new();
    for handler in handlers {
        match &handler.trigger {
            Trigger::Message { args } => {
                let filter = filter(args)?;
                steps.extend(quote!(made = made.messages(#filter);));
            }
            Trigger::Command {
                name,
                pattern,
                args,
            } => {
                if names.contains(&name.value()) {
                    let text = "another command has this name: set `name = \"…\"`";
                    return Err(Error::new(name.span(), text));
                }
                names.push(name.value());
                let command = command(name, pattern, args)?;
                steps.extend(quote!(made.commands.push(#command);));
            }
            _ => {}
        }
    }
    for attribute in asked {
        let args = Args::of(attribute)?;
        steps.extend(if name_of(attribute) == "config" {
            config(attribute, &args)?
        } else {
            capability(attribute, &args)?
        });
    }
    Ok(quote! {
        let mut made = #frame;
        #steps
        made
    })
}

fn frame(args: &Args, handlers: &[Handler]) -> syn::Result<TokenStream> {
    let mut kinds: Vec<Ident> = Vec::new();
    let mut platforms = Vec::new();
    for arg in &args.0 {
        match arg {
            Arg::List(name, inner) if name == "subscribe" => {
                for arg in &inner.0 {
                    match arg {
                        Arg::Word(kind) => kinds.push(camel(kind)),
                        other => return other.unexpected("a kind of event"),
                    }
                }
            }
            Arg::List(name, inner) if name == "platforms" => {
                for arg in &inner.0 {
                    match arg {
                        Arg::Text(platform) => platforms.push(platform),
                        other => return other.unexpected("a platform's name in quotes"),
                    }
                }
            }
            Arg::Value(name, _)
                if [
                    "name",
                    "version",
                    "summary",
                    "author",
                    "licence",
                    "homepage",
                    "state_version",
                ]
                .contains(&name.to_string().as_str()) => {}
            Arg::Word(name) if name == "no_export" => {}
            other => {
                return other.unexpected(
                    "name, version, summary, author, licence, homepage, state_version, platforms, subscribe or no_export",
                );
            }
        }
    }
    for handler in handlers {
        match &handler.trigger {
            Trigger::On { kind } if !UNSUBSCRIBED.contains(&kind.to_string().as_str()) => {
                kinds.push(camel(kind));
            }
            Trigger::Named {
                variant: "FormClosed",
                ..
            } => {
                kinds.push(Ident::new("FormClosed", handler.method.span()));
            }
            _ => {}
        }
    }
    kinds.sort();
    kinds.dedup();
    let text = |name: &str, default: TokenStream| match args.value(name) {
        Some(value) => quote!(#value),
        None => default,
    };
    let name = text("name", quote!(::core::env!("CARGO_PKG_NAME")));
    let version = text("version", quote!(::core::env!("CARGO_PKG_VERSION")));
    let summary = text("summary", quote!(::core::env!("CARGO_PKG_DESCRIPTION")));
    let author = text("author", quote!(::core::env!("CARGO_PKG_AUTHORS")));
    let licence = text("licence", quote!(::core::env!("CARGO_PKG_LICENSE")));
    let homepage = text(
        "homepage",
        quote!(if ::core::env!("CARGO_PKG_HOMEPAGE").is_empty() {
            ::core::env!("CARGO_PKG_REPOSITORY")
        } else {
            ::core::env!("CARGO_PKG_HOMEPAGE")
        }),
    );
    let state_version = text("state_version", quote!(0));
    Ok(quote! {
        ::parlor_sdk::__private::description(
            [#name, #version, #summary, #author, #licence, #homepage],
            #state_version,
            &[#(::parlor_sdk::description::EventKind::#kinds),*],
            &[#(#platforms),*],
        )
    })
}

/// Writes a message filter.
pub(crate) fn filter(args: &Args) -> syn::Result<TokenStream> {
    let mut words = Vec::new();
    let mut has = Vec::new();
    let mut from_bots = false;
    for arg in &args.0 {
        match arg {
            Arg::Value(name, text)
                if ["contains", "word", "equals", "regex"].contains(&name.to_string().as_str()) =>
            {
                let kind = camel(name);
                words.push(quote!((::parlor_sdk::description::KeyWordMatch::#kind, #text)));
            }
            Arg::List(name, inner) if name == "has" => {
                for arg in &inner.0 {
                    match arg {
                        Arg::Word(what) => {
                            let what = camel(what);
                            has.push(quote!(::parlor_sdk::description::MessageHas::#what));
                        }
                        other => {
                            return other.unexpected("mention, cashtag, hashtag or attachment");
                        }
                    }
                }
            }
            Arg::Word(name) if name == "from_bots" => from_bots = true,
            other => {
                return other
                    .unexpected("contains, word, equals or regex = \"…\", has(…) or from_bots");
            }
        }
    }
    Ok(quote!(::parlor_sdk::__private::filter(&[#(#words),*], &[#(#has),*], #from_bots)))
}

fn command(name: &LitStr, pattern: &LitStr, args: &Args) -> syn::Result<TokenStream> {
    let mut mention = quote!(Optional);
    let mut hidden = false;
    let mut help = quote!("");
    let mut arguments = Vec::new();
    for arg in &args.0 {
        match arg {
            Arg::Text(_) => {}
            Arg::Word(word) if word == "hidden" => hidden = true,
            Arg::Value(key, _) if key == "name" => {}
            Arg::Value(key, value) if key == "help" => help = quote!(#value),
            Arg::Value(key, syn::Expr::Path(rule)) if key == "mention" => {
                let rule = rule.path.require_ident()?;
                let rule = camel(rule);
                mention = quote!(#rule);
            }
            Arg::List(key, inner) if key == "arguments" => {
                for arg in &inner.0 {
                    match arg {
                        Arg::Value(name, text) => {
                            let name = name.to_string();
                            arguments.push(quote!([#name, #text]));
                        }
                        other => return other.unexpected("`name = \"what it means\"`"),
                    }
                }
            }
            other => {
                return other.unexpected(
                    "name = \"…\", help = \"…\", mention = required | optional | never, hidden or arguments(…)",
                );
            }
        }
    }
    Ok(quote! {
        ::parlor_sdk::__private::command(
            [#name, #pattern, #help],
            ::parlor_sdk::description::MentionRule::#mention,
            #hidden,
            &[#(#arguments),*],
        )
    })
}

fn config(attribute: &Attribute, args: &Args) -> syn::Result<TokenStream> {
    let Some(key) = args.text() else {
        return Err(Error::new_spanned(
            attribute,
            "expected `#[config(\"key\", text, help = \"…\")]`",
        ));
    };
    let mut kind = quote!(Text);
    let mut required = false;
    let mut default = quote!(::core::option::Option::None);
    let mut help = quote!("");
    for arg in &args.0 {
        match arg {
            Arg::Text(_) => {}
            Arg::Word(word) if word == "required" => required = true,
            Arg::Word(word)
                if ["text", "number", "flag", "duration", "list"]
                    .contains(&word.to_string().as_str()) =>
            {
                let word = camel(word);
                kind = quote!(#word);
            }
            Arg::List(word, inner) if word == "choice" => {
                let mut choices = Vec::new();
                for arg in &inner.0 {
                    match arg {
                        Arg::Text(text) => choices.push(quote!(#text.into())),
                        other => return other.unexpected("a choice in quotes"),
                    }
                }
                kind = quote!(Choice(::std::vec![#(#choices),*]));
            }
            Arg::Value(name, value) if name == "default" => {
                default = quote!(::core::option::Option::Some(#value));
            }
            Arg::Value(name, value) if name == "help" => help = quote!(#value),
            other => {
                return other.unexpected(
                    "text, number, flag, duration, list, choice(…), required, default = \"…\" or help = \"…\"",
                );
            }
        }
    }
    Ok(quote! {
        made.config.push(::parlor_sdk::__private::config_key(
            #key,
            ::parlor_sdk::description::ConfigKind::#kind,
            #required,
            #default,
            #help,
        ));
    })
}

fn capability(attribute: &Attribute, args: &Args) -> syn::Result<TokenStream> {
    let mut what = None;
    let mut reason = None;
    for arg in &args.0 {
        match arg {
            Arg::Value(name, value) if name == "reason" => reason = Some(value),
            Arg::Value(name, value)
                if ["http", "action", "read", "other"].contains(&name.to_string().as_str()) =>
            {
                let make = quote::format_ident!("capability_{name}");
                what = Some(quote!(::parlor_sdk::__private::#make(#value)));
            }
            Arg::Word(word) if word == "optional" => {}
            other => {
                return other
                    .unexpected("http, action, read or other = \"…\", reason = \"…\" or optional");
            }
        }
    }
    let (Some(what), Some(reason)) = (what, reason) else {
        let text = "expected what is asked for and `reason = \"…\"`";
        return Err(Error::new_spanned(attribute, text));
    };
    let optional = args.has("optional");
    Ok(quote!(made = made.asks(#what, #reason, #optional);))
}
