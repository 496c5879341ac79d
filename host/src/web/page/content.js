// Blocks and spans as elements. Text is only ever set as text: nothing a plugin or a person wrote
// is read as markup.

import EMOJI from "./emoji.js";

// Drawn and coloured by the page.
const ARROWS = { up: "▲", dn: "▼", down: "▼" };

// What could act on a terminal, hide a text or carry a hidden one; the host takes it out of other renderings.
const SEQUENCES = /[\u001b\u009b]\[?[\u0020-\u003f]*[\u0040-\u007e]?/g;
const STRINGS = /(\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u009c\u001b\n]*(\u0007|\u009c|\u001b\\)/g;
const BREAKS = /\r\n?|[\u2028\u2029\u0085]/g;
const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Text as it may be shown: nothing in it is hidden or turns the direction of what stands around it. */
export function clean(text) {
  return String(text).replace(STRINGS, "").replace(SEQUENCES, "").replace(BREAKS, "\n").replace(TURNS, "\ufffd").replace(UNSAFE, "");
}

// Attributes that a person reads.
const READ = new Set(["aria-label", "alt", "title", "placeholder"]);

/** Makes an element. Children are elements or text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : READ.has(name) ? clean(value) : value);
  }
  const shown = children.filter((child) => child !== undefined && child !== null);
  element.append(...shown.map((child) => (child instanceof Node ? child : clean(child))));
  return element;
}

export function emoji(name) {
  const known = (table) => (Object.hasOwn(table, name) ? table[name] : undefined);
  return known(ARROWS) ?? known(EMOJI) ?? `:${name}:`;
}

/** A link that leads only where links may lead. */
function link(url, text, className) {
  let safe = false;
  try {
    safe = ["http:", "https:", "mailto:"].includes(new URL(url).protocol);
  } catch {
    safe = false;
  }
  if (!safe) return make("span", {}, text || url);
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: className }, text || url);
}

function moment({ at, format }) {
  const date = new Date(at);
  if (Number.isNaN(date.valueOf())) return make("span", {}, String(at));
  const options = {
    date: { dateStyle: "medium" }, time: { timeStyle: "short" },
    "date-time": { dateStyle: "medium", timeStyle: "short" },
  }[format];
  return make("time", { datetime: date.toISOString() }, date.toLocaleString(undefined, options));
}

function run({ text, style = {} }) {
  let node = document.createTextNode(clean(text));
  for (const [flag, tag] of [["code", "code"], ["strike", "s"], ["underline", "u"], ["italic", "em"], ["bold", "strong"]]) {
    if (style[flag]) node = make(tag, {}, node);
  }
  return make("span", { class: "text" }, node);
}

function span(value) {
  if (value === "line-break") return make("br");
  const [kind, body] = Object.entries(value)[0];
  switch (kind) {
    case "text": return run(body);
    case "link": return link(body.url, body.text);
    case "mention": return make("span", { class: "tag" }, `@${mentioned(body)}`);
    case "cashtag": return make("span", { class: "tag" }, `$${body}`);
    case "hashtag": return make("span", { class: "tag" }, `#${body}`);
    case "emoji": return make("span", { role: "img", "aria-label": body, class: body === "up" ? "up" : body === "dn" || body === "down" ? "dn" : undefined }, emoji(body));
    case "date-time": return moment(body);
    default: return make("span", {}, body?.text ?? "");
  }
}

/** The name that is shown; where there is none, what the mention itself names. */
function mentioned({ target, text }) {
  if (text) return text.replace(/^@+/, "");
  return target === "all" ? "all" : target.user ?? target.email ?? "";
}

const spans = (list = []) => list.map(span);

/**
 * The elements of a message's blocks. `act` does commands: `press(button)`, `submit(form, button, values)`,
 * `file(number)` gives the address of one of the message's files.
 */
export function blocks(list, act) {
  const out = [];
  let open = [];
  for (const block of list) {
    const [kind, body] = typeof block === "string" ? [block, null] : Object.entries(block)[0];
    if (kind !== "list-item") open = [];
    switch (kind) {
      case "paragraph": out.push(make("p", {}, ...spans(body))); break;
      case "heading": out.push(make(`h${Math.min(6, body.level + 2)}`, {}, ...spans(body.spans))); break;
      case "quote": out.push(make("blockquote", {}, ...spans(body))); break;
      case "code": out.push(make("pre", { tabindex: "0", "aria-label": body.language ? `Code, ${body.language}` : undefined }, make("code", {}, body.text))); break;
      case "divider": out.push(make("hr")); break;
      case "list-item": item(body, open, out); break;
      case "table": out.push(table(body)); break;
      case "image": out.push(image(body, act)); break;
      case "attachment": out.push(attachment(body, act)); break;
      case "card": out.push(card(body, act)); break;
      case "form": out.push(form(body, act)); break;
      case "buttons": out.push(make("div", { class: "row" }, ...body.map((one) => button(one, act)))); break;
      default: break;
    }
  }
  return out;
}

/** Flat lines become nested lists. */
function item({ indent = 0, ordered = false, spans: line }, open, out) {
  const tag = ordered ? "ol" : "ul";
  open.length = Math.min(open.length, indent + 1);
  if (open[indent] && open[indent].localName !== tag) open.length = indent;
  while (open.length <= indent) {
    const list = make(tag);
    const above = open.at(-1);
    if (above) (above.lastElementChild ?? above.appendChild(make("li"))).append(list);
    else out.push(list);
    open.push(list);
  }
  open[indent].append(make("li", {}, ...spans(line)));
}

function table({ header = [], rows = [], columns = [] }) {
  const width = Math.max(header.length, ...rows.map((row) => row.length), 0);
  const cells = (row, tag) => Array.from({ length: width }, (_, column) =>
    make(tag, { class: columns[column], scope: tag === "th" ? "col" : undefined }, ...spans(row[column])));
  const head = header.length ? make("thead", {}, make("tr", {}, ...cells(header, "th"))) : undefined;
  const body = make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row, "td"))));
  return make("div", { class: "scroll" }, make("table", {}, head, body));
}

function image({ source, alternative }, act) {
  if (source.url) return make("p", {}, link(source.url, `🖼 ${alternative || source.url}`));
  return make("img", { src: act.file(source.attachment), alt: alternative });
}

function attachment({ source, name }, act) {
  if (source.url) return make("p", {}, link(source.url, `📎 ${name}`));
  return make("p", {}, make("a", { href: act.file(source.attachment), download: name }, `📎 ${name}`));
}

function card({ title, subtitle, paragraphs = [], facts = [], buttons = [] }, act) {
  return make("section", { class: "card", "aria-label": title },
    make("h3", {}, title),
    subtitle && make("p", { class: "subtitle" }, subtitle),
    ...paragraphs.map((line) => make("p", {}, ...spans(line))),
    facts.length ? make("dl", {}, ...facts.flatMap((fact) => [make("dt", {}, fact.name), make("dd", {}, fact.value)])) : undefined,
    buttons.length ? make("div", { class: "row" }, ...buttons.map((one) => button(one, act))) : undefined);
}

function button({ label, kind, style }, act) {
  if (kind.link !== undefined) return link(kind.link, label, "buttonlink");
  const id = kind.action ? kind.action.id : label;
  return make("button", { type: "button", class: style, onclick: () => act.press(id) }, label);
}

let fieldNumber = 0;

function form({ id, title, fields = [], buttons = [] }, act) {
  const readers = [];
  const rows = fields.filter((field) => field.kind !== "hidden").map((field) => {
    const { element, read } = input(field);
    readers.push([field, read]);
    return element;
  });
  const actions = buttons.filter((one) => one.kind.action);
  const submits = (actions.length ? actions : [{ label: "Submit", style: "primary", kind: { action: { id: "submit" } } }])
    .map((one) => make("button", { type: "submit", class: one.style, value: one.kind.action.id }, one.label));
  const links = buttons.filter((one) => !one.kind.action).map((one) => button(one, act));
  return make("form", {
    class: "form", "aria-label": title ?? id, novalidate: true,
    onsubmit: (event) => {
      event.preventDefault();
      const values = {};
      for (const [field, read] of readers) {
        if (!field.read_only) values[field.id] = read().filter((value) => value !== "");
      }
      act.submit(id, event.submitter?.value, values);
    },
  }, title && make("h3", {}, title), ...rows, make("div", { class: "row" }, ...submits, ...links));
}

const INPUTS = { number: "number", date: "date", time: "time" };
const LISTS = { user: "known-users", conversation: "known-places", timezone: "known-zones" };

function input(field) {
  const key = `field-${++fieldNumber}`;
  const kind = typeof field.kind === "string" ? field.kind : "text";
  const defaults = field.defaults ?? [];
  const common = { id: key, name: field.id, required: field.required, placeholder: field.placeholder, "aria-required": field.required ? "true" : undefined };
  const label = `${field.label}${field.required ? " *" : ""}`;
  if (kind === "checkbox") {
    const box = make("input", { ...common, type: "checkbox", disabled: field.read_only });
    box.checked = ["true", "on", "yes", "1"].includes((defaults[0] ?? "").toLowerCase());
    const element = make("div", { class: "field" }, make("label", { class: "check", for: key }, box, label));
    return { element, read: () => [box.checked ? "true" : "false"] };
  }
  if (kind === "radio" || kind === "multi-select") {
    const type = kind === "radio" ? "radio" : "checkbox";
    const boxes = (field.choices ?? []).map((choice, place) => {
      const box = make("input", { type, name: key, id: `${key}-${place}`, value: choice.value, disabled: field.read_only });
      box.checked = defaults.includes(choice.value);
      return [box, make("label", { class: "check", for: `${key}-${place}` }, box, choice.label || choice.value)];
    });
    const element = make("fieldset", { class: "field" }, make("legend", {}, label), ...boxes.map(([, row]) => row));
    return { element, read: () => boxes.filter(([box]) => box.checked).map(([box]) => box.value) };
  }
  let control;
  if (kind === "select") {
    const empty = make("option", { value: "" }, field.placeholder ?? "—");
    const options = (field.choices ?? []).map((choice) => make("option", { value: choice.value }, choice.label || choice.value));
    control = make("select", { ...common, disabled: field.read_only }, empty, ...options);
  } else if (kind === "multiline") {
    control = make("textarea", { ...common, rows: "3", readonly: field.read_only });
  } else {
    const bounds = INPUTS[kind] ? { min: field.min, max: field.max } : { minlength: field.min, maxlength: field.max };
    const list = LISTS[kind];
    control = make("input", { ...common, ...(list ? {} : bounds), type: INPUTS[kind] ?? "text", step: kind === "number" ? "any" : undefined, list, readonly: field.read_only });
  }
  const several = field.multiple && (kind === "user" || kind === "conversation");
  control.value = several ? defaults.join(", ") : defaults[0] ?? "";
  const element = make("div", { class: "field" }, make("label", { for: key }, label), control);
  return { element, read: () => (several ? control.value.split(",").map((one) => one.trim()) : [control.value]) };
}
