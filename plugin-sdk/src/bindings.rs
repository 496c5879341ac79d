//! The contract as wit-bindgen makes it from `wit/`. Behaviours rarely need it; hostile test guests do.
#![expect(
    missing_docs,
    reason = "generated from wit/, where every item has its documentation"
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "plugin",
    pub_export_macro: true,
    export_macro_name: "export",
    default_bindings_module: "parlor_sdk::bindings",
    additional_derives: [PartialEq, parlor_sdk_macros::Canonical],
    // These two go through `boundary`, which is several times smaller.
    skip: ["describe", "handle"],
});
