// What a message says: text, Markdown, MessageML, or blocks made of spans.

const PLAIN = {};

/** Words with a style: `{ bold: true }`. */
export const text = (words, style = PLAIN) => ({
  tag: "text",
  val: { text: words, style: { ...style } },
});

/** Bold words. */
export const bold = (words) => text(words, { bold: true });

/** Words in italics. */
export const italic = (words) => text(words, { italic: true });

/** Words as code. */
export const code = (words) => text(words, { code: true });

/** Words that open an address. */
export const link = (words, url) => ({ tag: "link", val: { text: words, url } });

/** Somebody, by user id. */
export const mention = (user, shown = "") => ({
  tag: "mention",
  val: { target: { tag: "user", val: user }, text: shown },
});

/** An emoji by its shortcode, without colons. */
export const emoji = (shortcode) => ({ tag: "emoji", val: shortcode });

const span = (part) => (typeof part === "string" ? text(part) : part);

/** A text, a span, or several, as spans. */
export const spans = (line) => (Array.isArray(line) ? line : [line]).map(span);

/** Running text. */
export const paragraph = (...line) => ({ tag: "paragraph", val: spans(line) });

/** A title. */
export const heading = (level, line) => ({ tag: "heading", val: { level, spans: spans(line) } });

/** Somebody's words. */
export const quote = (...line) => ({ tag: "quote", val: spans(line) });

/** A line across. */
export const divider = () => ({ tag: "divider" });

/** An image by its address, with what is said where it is not shown. */
export const image = (url, alternative) => ({
  tag: "image",
  val: { source: { tag: "url", val: url }, alternative },
});

/** CommonMark with tables. */
export const markdown = (words) => ({ tag: "markdown", val: words });

/** Symphony's markup; other platforms show the nearest. */
export const messageMl = (markup) => ({ tag: "message-ml", val: markup });

const ALIGNMENTS = { l: "left", c: "center", r: "right" };

/** A table. `align` has a letter a column: `l`, `c` or `r`. */
export const table = ({ header, rows, align = "" }) => ({
  tag: "table",
  val: {
    header: header.map(spans),
    rows: rows.map((row) => row.map(spans)),
    columns: header.map((_, column) => ALIGNMENTS[align[column] ?? "l"]),
  },
});

/** A button that does something (`id`), opens an address (`url`) or says something (`says`). */
export const button = (label, { id, value = "", url, says, style = "secondary" } = {}) => {
  let kind = { tag: "action", val: { id: id ?? label, value } };
  if (url !== undefined) kind = { tag: "link", val: url };
  else if (says !== undefined) kind = { tag: "reply", val: says };
  return { label, kind, style };
};

/** A row of buttons. */
export const buttons = (...row) => ({ tag: "buttons", val: row });

/** A framed summary. */
export const card = ({ title, subtitle, paragraphs = [], facts = {}, buttons: row = [] }) => ({
  tag: "card",
  val: {
    title,
    subtitle,
    paragraphs: paragraphs.map(spans),
    facts: Object.entries(facts).map(([name, value]) => ({ name, value })),
    buttons: row,
  },
});

const KINDS = [
  "text", "multiline", "number", "checkbox", "radio", "select", "multi-select", "date", "time",
  "timezone", "user", "conversation", "hidden",
];

const asText = (value) => (value === undefined ? undefined : String(value));

/** A question of a form. `kind` is the contract's name: `text`, `number`, `select`, … */
export const field = (id, label, options = {}) => {
  const { kind = "text", choices = [], pattern } = options;
  if (!KINDS.includes(kind)) {
    throw new TypeError(`field ${id}: kind "${kind}" is none of ${KINDS.join(", ")}`);
  }
  const pairs = Array.isArray(choices) ? choices.map((it) => [it, it]) : Object.entries(choices);
  return {
    id,
    label,
    kind: { tag: kind },
    choices: pairs.map(([value, shown]) => ({ value, label: shown })),
    required: options.required ?? false,
    multiple: options.multiple ?? false,
    readOnly: options.readOnly ?? false,
    defaults: [options.default ?? []].flat().map(String),
    placeholder: options.placeholder,
    pattern: pattern && { regex: pattern[0], message: pattern[1] },
    min: asText(options.min),
    max: asText(options.max),
  };
};

/** Questions asked together; the host wakes the plugin with a valid answer only. */
export const form = (id, { title, fields, submit, buttons: row = [], answers = "any", audience, end }) => ({
  tag: "form",
  val: {
    id,
    title,
    fields,
    buttons: submit === undefined ? row : [...row, button(submit, { id: "submit", style: "primary" })],
    answers,
    audience: audience ?? { tag: "anyone" },
    end: end ?? { tag: "never" },
  },
});

const CONTENTS = ["plain", "markdown", "message-ml", "blocks"];

/** One text, one content, or blocks (tables, forms, cards, paragraphs; a text is a paragraph). */
export const content = (parts) => {
  const [first] = parts;
  if (parts.length === 1 && typeof first === "string") return { tag: "plain", val: first };
  if (parts.length === 1 && CONTENTS.includes(first?.tag)) return first;
  const block = (part) => (typeof part === "string" ? paragraph(part) : part);
  return { tag: "blocks", val: parts.map(block) };
};
