//! Reading and writing the contract's types in the memory layout of the canonical ABI.
//!
//! wit-bindgen writes that code out in full wherever a type is used; one function a type makes a
//! component several times smaller.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields};

/// Writes `impl Canonical` for a record, variant or enum that wit-bindgen made.
pub(crate) fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let name = &input.ident;
    let body = match &input.data {
        Data::Struct(data) => record(&data.fields),
        Data::Enum(data) => {
            let mut cases = Vec::new();
            for variant in &data.variants {
                let payload = match &variant.fields {
                    Fields::Unit => None,
                    Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                        Some(&fields.unnamed[0].ty)
                    }
                    other => return Err(Error::new_spanned(other, "expected one payload at most")),
                };
                cases.push((&variant.ident, payload));
            }
            variant(&cases)
        }
        Data::Union(_) => return Err(Error::new_spanned(name, "expected a struct or enum")),
    };
    Ok(quote! {
        #[cfg(target_arch = "wasm32")]
        impl ::parlor_sdk::__private::Canonical for #name {
            #body
        }
    })
}

fn record(fields: &Fields) -> TokenStream {
    let names: Vec<_> = fields
        .iter()
        .filter_map(|field| field.ident.as_ref())
        .collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    quote! {
        const LAYOUT: ::parlor_sdk::__private::Layout =
            ::parlor_sdk::__private::Layout::record(&[
                #(<#types as ::parlor_sdk::__private::Canonical>::LAYOUT),*
            ]);

        #[inline(never)]
        unsafe fn lift(at: *mut u8) -> Self {
            let mut place = ::parlor_sdk::__private::Place::new(at);
            // SAFETY: the host wrote a whole record here; fields are read in their order.
            unsafe { Self { #(#names: place.read::<#types>()),* } }
        }

        #[inline(never)]
        unsafe fn lower(&self, at: *mut u8, arena: &mut ::parlor_sdk::__private::Arena) {
            let mut place = ::parlor_sdk::__private::Place::new(at);
            // SAFETY: there is room for a whole record; fields are written in their order.
            unsafe { #(place.write::<#types>(&self.#names, arena);)* }
        }
    }
}

fn variant(cases: &[(&syn::Ident, Option<&syn::Type>)]) -> TokenStream {
    let payloads = cases.iter().filter_map(|(_, payload)| *payload);
    let lifts = cases.iter().enumerate().map(|(index, (name, payload))| {
        let index = tag(index, cases.len());
        match payload {
            Some(ty) => quote! {
                #index => Self::#name(<#ty as ::parlor_sdk::__private::Canonical>::lift(
                    at.add(Self::LAYOUT.payload),
                )),
            },
            None => quote!(#index => Self::#name,),
        }
    });
    let lowers = cases.iter().enumerate().map(|(index, (name, payload))| {
        let index = tag_value(index);
        match payload {
            Some(ty) => quote! {
                Self::#name(payload) => {
                    at.write(#index);
                    <#ty as ::parlor_sdk::__private::Canonical>::lower(
                        payload,
                        at.add(Self::LAYOUT.payload),
                        arena,
                    );
                }
            },
            None => quote!(Self::#name => at.write(#index),),
        }
    });
    // A plain number is not worth a call.
    let inline = if cases.iter().any(|(_, payload)| payload.is_some()) {
        quote!(#[inline(never)])
    } else {
        quote!(#[inline])
    };
    quote! {
        const LAYOUT: ::parlor_sdk::__private::Layout =
            ::parlor_sdk::__private::Layout::variant(&[
                #(<#payloads as ::parlor_sdk::__private::Canonical>::LAYOUT),*
            ]);

        #inline
        unsafe fn lift(at: *mut u8) -> Self {
            // SAFETY: the host wrote a case's number, and its payload, here.
            unsafe {
                match at.read() {
                    #(#lifts)*
                }
            }
        }

        #inline
        unsafe fn lower(&self, at: *mut u8, arena: &mut ::parlor_sdk::__private::Arena) {
            let _unused = &arena;
            // SAFETY: there is room for a case's number and the largest payload.
            unsafe {
                match self {
                    #(#lowers)*
                }
            }
        }
    }
}

/// The pattern of a case's number; the last one takes all that is left, which the host never writes.
fn tag(index: usize, count: usize) -> TokenStream {
    if index + 1 == count {
        quote!(_)
    } else {
        let index = tag_value(index);
        quote!(#index)
    }
}

fn tag_value(index: usize) -> Literal {
    // The contract has no variant of more than 256 cases, so a number is one byte.
    Literal::u8_suffixed(u8::try_from(index).unwrap_or(u8::MAX))
}
