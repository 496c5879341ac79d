//! The contract's types as wasmtime generates them from `wit/`. They stop at `runtime::convert`.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
    imports: {
        "parlor:bot/log.write": trappable,
        "parlor:bot/config.get": trappable,
        "parlor:bot/config.enforced": trappable,
        default: async | trappable,
    },
    exports: { default: async },
});
