//! The contract's types as wasmtime generates them from `wit/`. They stop at `runtime::convert`.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
    imports: { default: async | trappable },
    exports: { default: async },
});
