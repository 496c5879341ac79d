// {{summary}}.

import { Plugin } from "parlor";

const plugin = new Plugin("my-plugin", "{{summary}}");

// `plugin.message({ word: "hello" }, …)` would hear only what has that word in it.
plugin.message((cx) => cx.text);

export const { behaviour } = plugin;
