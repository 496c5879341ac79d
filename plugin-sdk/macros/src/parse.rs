//! The little language inside the attributes: `"text", word, name = value, name(…)`.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, Ident, LitStr, Meta, Token};

/// One argument.
pub(crate) enum Arg {
    Text(LitStr),
    Word(Ident),
    Value(Ident, Expr),
    List(Ident, Args),
}

/// Arguments of an attribute.
pub(crate) struct Args(pub(crate) Vec<Arg>);

impl Parse for Arg {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            return Ok(Self::Text(input.parse()?));
        }
        let name = Ident::parse_any(input)?;
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            return Ok(Self::Value(name, input.parse()?));
        }
        if input.peek(syn::token::Paren) {
            let inner;
            syn::parenthesized!(inner in input);
            return Ok(Self::List(name, inner.parse()?));
        }
        Ok(Self::Word(name))
    }
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self(
            Punctuated::<Arg, Token![,]>::parse_terminated(input)?
                .into_iter()
                .collect(),
        ))
    }
}

impl Arg {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Text(text) => text.span(),
            Self::Word(name) | Self::Value(name, _) | Self::List(name, _) => name.span(),
        }
    }

    /// Refuses it, naming what was expected.
    pub(crate) fn unexpected<T>(&self, expected: &str) -> syn::Result<T> {
        Err(Error::new(self.span(), format!("expected {expected}")))
    }
}

impl Args {
    /// Reads those of an attribute; none where it stands alone.
    pub(crate) fn of(attribute: &Attribute) -> syn::Result<Self> {
        match &attribute.meta {
            Meta::Path(_) => Ok(Self(Vec::new())),
            Meta::List(list) => list.parse_args(),
            Meta::NameValue(pair) => Err(Error::new(pair.span(), "expected `(…)`")),
        }
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.0
            .iter()
            .any(|arg| matches!(arg, Arg::Word(name) if name == word))
    }

    pub(crate) fn value(&self, wanted: &str) -> Option<&Expr> {
        self.0.iter().find_map(|arg| match arg {
            Arg::Value(name, value) if name == wanted => Some(value),
            _ => None,
        })
    }

    pub(crate) fn text(&self) -> Option<&LitStr> {
        self.0.iter().find_map(|arg| match arg {
            Arg::Text(text) => Some(text),
            _ => None,
        })
    }
}

/// The last name of an attribute's path.
pub(crate) fn name_of(attribute: &Attribute) -> String {
    attribute
        .path()
        .segments
        .last()
        .map(|last| last.ident.to_string())
        .unwrap_or_default()
}

/// `member_changed` to `MemberChanged`.
pub(crate) fn camel(name: &Ident) -> Ident {
    let camel: String = name
        .to_string()
        .split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            first.chain(letters).collect::<Vec<_>>()
        })
        .collect();
    Ident::new(&camel, name.span())
}
