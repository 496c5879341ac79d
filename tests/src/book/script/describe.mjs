// Loads modules as the engine would, on a host that has nothing, and prints what each says of itself:
// node describe.mjs LAYER NAMES MODULE…; NAMES are what the host's modules export, as JSON.

import { register } from "node:module";
import { pathToFileURL } from "node:url";

const [layer, names, ...modules] = process.argv.slice(2);

const hooks = `
  import { readFileSync } from "node:fs";
  import { fileURLToPath } from "node:url";
  let layer, names;
  export const initialize = (data) => ({ layer, names } = data);
  export const resolve = (specifier, context, next) => {
    if (specifier === "parlor") return { url: layer, shortCircuit: true };
    if (specifier.startsWith("parlor:")) return { url: specifier, shortCircuit: true };
    return next(specifier, context);
  };
  export const load = (url, context, next) => {
    if (url.startsWith("parlor:")) {
      const [own] = url.slice("parlor:bot/".length).split("@");
      const exported = names[own].map((name) => "const _" + name + " = () => undefined; export { _" + name + " as " + name + " };");
      return { format: "module", source: exported.join("\\n"), shortCircuit: true };
    }
    if (url.startsWith("file:") && url.endsWith(".js")) {
      return { format: "module", source: readFileSync(fileURLToPath(url), "utf8"), shortCircuit: true };
    }
    return next(url, context);
  };
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`, {
  data: { layer: pathToFileURL(layer).href, names: JSON.parse(names) },
});

for (const module of modules) {
  const { behaviour } = await import(pathToFileURL(module).href);
  const { name, summary, commands } = behaviour.describe();
  console.log(JSON.stringify({ module, name, summary, commands: commands.map(({ pattern }) => pattern) }));
}
