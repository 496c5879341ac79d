//! Attribute macros of `parlor-sdk`.

mod canonical;
mod describe;
mod dispatch;
mod handler;
mod parse;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Error, ItemImpl};

use handler::Handler;
use parse::Args;

/// Makes an `impl` block a plugin: describes it, calls its handlers, exports it.
///
/// Arguments: `name`, `version`, `summary`, `author`, `licence`, `homepage` (texts; Cargo's own by
/// default), `state_version` (a number), `platforms("symphony", …)`, `subscribe(typing, …)`, and
/// `no_export`, which leaves the export to `export!`.
///
/// On the `impl`, below it:
/// - `#[config("key", text, required, default = "…", help = "…")]`; the kind is `text`, `number`,
///   `flag`, `duration`, `list` or `choice("a", "b")`
/// - `#[capability(http = "GET https://…", reason = "…", optional)]`; or `action`, `read`, `other`
///
/// On methods, which take `&mut self`, optionally `&Context`, then typed values, and return
/// whatever is `IntoReply`:
/// - `#[command("/buy {quantity} {$ticker}", name = "buy", help = "…", mention = required, hidden,
///   arguments(quantity = "how many"))]`: parameters by the names in the pattern; may stand twice
/// - `#[message(contains = "…", word = "…", equals = "…", regex = "…", has(cashtag), from_bots)]`:
///   parameters by the names of a regular expression's captures. The first that matches is called,
///   those with a `regex` last
/// - `#[form("id")]`: parameters by field; `#[named("first-name")]` on one names its field
/// - `#[button("id")]`, `#[timer("name")]`, `#[response("key")]`, `#[webhook("name")]`,
///   `#[form_closed("id")]`: at most one parameter; `prefix = "…"` takes all that begin so
/// - `#[on(member_changed)]`, or any other kind of event: at most one parameter, the payload
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// #[derive(Default)]
/// struct Desk;
///
/// #[behaviour(name = "desk", summary = "Takes orders")]
/// #[config("limit", number, default = "100", help = "The most that may be ordered")]
/// impl Desk {
///     #[command("/buy {quantity:int} {$ticker}", help = "Orders")]
///     fn buy(&mut self, cx: &Context, quantity: u32, ticker: String) -> Reply {
///         cx.reply([&quantity.to_string(), " of ", &ticker].concat())
///     }
///
///     #[message(word = "thanks")]
///     fn thanked(&mut self) -> &'static str {
///         "Any time"
///     }
///
///     #[timer(prefix = "remind:")]
///     fn remind(&mut self, cx: &Context, text: String) -> Reply {
///         cx.reply(text)
///     }
/// }
///
/// # fn main() {
/// let mut bench = Bench::new(Desk);
/// assert_eq!(bench.say("/buy 3 $goog").texts(), ["3 of goog"]);
/// assert_eq!(bench.say("Thanks a lot").texts(), ["Any time"]);
/// # }
/// ```
#[proc_macro_attribute]
pub fn behaviour(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(arguments.into(), item.into())
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

/// Writes how a contract's type lies in memory. Not for authors.
#[doc(hidden)]
#[proc_macro_derive(Canonical)]
pub fn canonical(item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::DeriveInput);
    canonical::derive(&item)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn expand(
    arguments: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> syn::Result<proc_macro2::TokenStream> {
    let arguments: Args = syn::parse2(arguments)?;
    let mut block: ItemImpl = syn::parse2(item)?;
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new_spanned(
            path,
            "expected an `impl` block without a trait",
        ));
    }
    let mut asked = Vec::new();
    let mut kept = Vec::new();
    for attribute in std::mem::take(&mut block.attrs) {
        match parse::name_of(&attribute).as_str() {
            "config" | "capability" => asked.push(attribute),
            _ => kept.push(attribute),
        }
    }
    block.attrs = kept;
    let mut handlers: Vec<Handler> = Vec::new();
    for item in &mut block.items {
        if let syn::ImplItem::Fn(method) = item {
            handlers.extend(handler::take(method)?);
        }
    }
    let plugin = &block.self_ty;
    let describe = describe::describe(&arguments, &asked, &handlers)?;
    let dispatch = dispatch::dispatch(&handlers)?;
    let export = (!arguments.has("no_export")).then(|| quote!(::parlor_sdk::export!(#plugin);));
    Ok(quote! {
        #block

        impl ::parlor_sdk::Behaviour for #plugin {
            fn describe() -> ::parlor_sdk::description::Description {
                #describe
            }

            fn dispatch(
                &mut self,
                cx: &::parlor_sdk::Context,
            ) -> ::core::result::Result<::parlor_sdk::Reply, ::parlor_sdk::Error> {
                #dispatch
            }
        }

        #export
    })
}
