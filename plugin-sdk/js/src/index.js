// Behaviours for parlor in JavaScript: a plugin is a page.

export * from "./content.js";
export * from "./host.js";
export * from "./message.js";
export * from "./plugin.js";
export * from "./state.js";
