// Makes a component of a JavaScript or TypeScript module: bundled first, since the component's engine loads one file.
// Run by `parlor build`: node build.mjs ENTRY SDK WIT OUT

import { writeFileSync } from "node:fs";
import { componentize } from "@bytecodealliance/componentize-js";
import { build } from "esbuild";

const [entry, sdk, wit, out] = process.argv.slice(2);
const bundled = await build({
  entryPoints: [entry],
  bundle: true,
  format: "esm",
  target: "es2022",
  write: false,
  alias: { parlor: sdk },
  // What the host provides is imported by the component.
  external: ["parlor:*", "wasi:*"],
  logLevel: "info",
}).catch(() => process.exit(1));
const source = bundled.outputFiles[0].text;
const { component } = await componentize(source, { witPath: wit, worldName: "plugin" });
writeFileSync(out, component);
