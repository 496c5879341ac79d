// Makes a component of a JavaScript or TypeScript module: bundled first, since the component's engine loads one file.
// Run by `parlor build`: node build.mjs ENTRY SDK WIT OUT

import { readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { componentize } from "@bytecodealliance/componentize-js";
import { build } from "esbuild";

/** Which file and line each line of the bundle was, out of a source map (https://tc39.es/ecma426/). */
function linesOf({ sources, mappings }) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const numbers = (segment) => {
    const found = [];
    let value = 0;
    let shift = 0;
    for (const digit of segment) {
      const bits = digits.indexOf(digit);
      value += (bits & 31) << shift;
      shift += 5;
      if (bits & 32) continue;
      found.push(value & 1 ? -(value >> 1) : value >> 1);
      value = shift = 0;
    }
    return found;
  };
  const at = {};
  let file = 0;
  let line = 0;
  for (const [number, segments] of mappings.split(";").entries()) {
    for (const segment of segments.split(",").filter(Boolean)) {
      const [, files = 0, lines = 0] = numbers(segment);
      file += files;
      line += lines;
      at[number + 1] ??= [file, line + 1];
    }
  }
  return { files: sources, at };
}

const [entry, sdk, wit, out] = process.argv.slice(2);
const bundled = await build({
  entryPoints: [entry],
  bundle: true,
  // Never written: it names the bundle, and places in it are told from here.
  outfile: "source.js",
  sourcemap: "external",
  metafile: true,
  format: "esm",
  target: "es2022",
  write: false,
  alias: { parlor: sdk },
  // What the host provides is imported by the component.
  external: ["parlor:*", "wasi:*"],
  logLevel: "warning",
}).catch(() => process.exit(1));
const { exports } = Object.values(bundled.metafile.outputs).find(({ entryPoint }) => entryPoint);
if (!exports.includes("behaviour")) {
  const file = relative(process.cwd(), entry);
  const [, name] = /\b(\w+)(?:\s*:\s*Plugin)?\s*=\s*new\s+Plugin\b/.exec(readFileSync(entry, "utf8")) ?? [];
  const where = name ? "" : '\nwhere `plugin` is a `new Plugin(NAME, SUMMARY)` of "parlor"\n';
  console.error(
    `${file} has no export \`behaviour\`, which is what the host calls; its last line is to be\n\n` +
      `    export const { behaviour } = ${name ?? "plugin"};\n${where}`,
  );
  process.exit(1);
}
const output = (end) => bundled.outputFiles.find(({ path }) => path.endsWith(end)).text;
// The engine knows lines of the bundle only; with these the author's own are told where something fails.
const lines = JSON.stringify(linesOf(JSON.parse(output(".js.map"))));
const source = `${output(".js")}\nglobalThis[Symbol.for("parlor.lines")] = ${lines};\n`;
const { component } = await componentize(source, { witPath: wit, worldName: "plugin" });
writeFileSync(out, component);
