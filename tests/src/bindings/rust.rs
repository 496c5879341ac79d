//! The contract in Rust, as wit-bindgen makes it: an author's first build would take three times as long if the macro
//! made it there.

use anyhow::Context as _;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::Opts;

use super::Contract;
use crate::tidy::{GENERATED, RepoFile};

const HEAD: &str = "\
// Made of `wit/` by a test, `--test bindings` of parlor-tests; made anew where that runs with `INSTA_UPDATE=always`.

";

/// What the SDK includes.
pub(super) fn file(contract: &Contract) -> anyhow::Result<RepoFile> {
    let mut resolve = contract.resolve.clone();
    let world = resolve.select_world(&[contract.package], Some("plugin"))?;
    let derives = ["PartialEq", "parlor_sdk_macros::Canonical"];
    let options = Opts {
        pub_export_macro: true,
        export_macro_name: Some("export".to_owned()),
        default_bindings_module: Some("parlor_sdk::bindings".to_owned()),
        additional_derive_attributes: derives.map(str::to_owned).to_vec(),
        // These two go through `boundary`, which is several times smaller.
        skip: ["describe", "handle"].map(str::to_owned).to_vec(),
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let (_, made) = files.iter().next().context("nothing was made")?;
    let text = [HEAD, std::str::from_utf8(made)?].concat();
    Ok(RepoFile::new(GENERATED, &text))
}
