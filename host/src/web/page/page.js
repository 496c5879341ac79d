// The page: shows the model, sends commands, and finds its way back after a lost connection.

import { blocks, clean, emoji, make } from "./content.js";
import { Model } from "./model.js";

const $ = (id) => document.getElementById(id);
const model = new Model();
const notes = new Map();
const history = [];
let socket = null;
let wait = 500;
let nextId = 1;
let current = localStorage.getItem("parlor-room");
let user = localStorage.getItem("parlor-user") || "Anna";
let historyPlace = 0;
let typingUntil = 0;
let beside = localStorage.getItem("parlor-elsewhere") === "on";
const waiting = new Map();

// ---- connection ----

function connect() {
  status("connecting", "Connecting…");
  socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onopen = () => {
    wait = 500;
    socket.send(JSON.stringify({ as: user }));
  };
  socket.onmessage = ({ data }) => take(JSON.parse(data));
  socket.onclose = () => {
    status("lost", wait > 3000 ? "Connection lost. Was parlor started again? Then open its new address." : "Connection lost, trying again…");
    for (const done of waiting.values()) done({ error: "the connection was lost" });
    waiting.clear();
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 5000);
  };
}

function status(state, text) {
  $("status").dataset.state = state;
  $("status").textContent = text;
}

function ask(what) {
  return new Promise((resolve) => {
    if (socket?.readyState !== WebSocket.OPEN) {
      resolve({ error: "not connected" });
      return;
    }
    const id = nextId++;
    waiting.set(id, resolve);
    socket.send(JSON.stringify({ id, ...what }));
  });
}

function act(command) {
  return ask({ do: command }).then((answer) => {
    problem(answer.error);
    return answer;
  });
}

function problem(text) {
  $("problem").textContent = text ? clean(text[0].toUpperCase() + text.slice(1)) : "";
}

function take(frame) {
  if (frame.snapshot) {
    model.snapshot(frame.snapshot);
    status("connected", "Connected");
    $("user").value = model.viewer.name;
    choosePlace();
    showAll();
  } else if (frame.event) {
    showChange(frame.event);
  } else if (frame.answer) {
    waiting.get(frame.answer.id)?.(frame.answer);
    waiting.delete(frame.answer.id);
  } else if (frame.plugins) {
    showPlugins(frame.plugins);
  } else if (frame.failed) {
    problem(frame.failed);
  }
}

// ---- places ----

function choosePlace() {
  if (model.rooms.has(current)) return;
  // A room that one is in, else any room, else whatever there is.
  const worth = (room) => (room.kind === "room" ? 2 : 0) + (model.isMember(room) ? 1 : 0);
  const all = [...model.rooms.values()].sort((a, b) => worth(b) - worth(a) || a.id.localeCompare(b.id));
  current = all[0]?.id ?? null;
  const room = model.rooms.get(current);
  if (room && !model.isMember(room) && room.kind === "room") act({ join: { conversation: current } });
}

function go(id) {
  current = id;
  localStorage.setItem("parlor-room", id);
  const room = model.rooms.get(id);
  if (room) room.unread = 0;
  problem("");
  showAll();
  $("composer").focus();
}

function showPlaces() {
  const signs = { room: "#", "customer-chat": "☏", direct: "@", group: "@" };
  for (const [list, kinds, empty] of [
    ["rooms", ["room", "post", "other"], "no rooms"], ["directs", ["direct", "group"], "nobody yet"],
    ["chats", ["customer-chat"], "no customers"],
  ]) {
    const rooms = [...model.rooms.values()].filter((room) => kinds.includes(room.kind));
    rooms.sort((a, b) => model.title(a).localeCompare(model.title(b)));
    const focused = document.activeElement?.dataset?.place;
    $(list).replaceChildren(...rooms.map((room) => make("li", {},
      make("button", { type: "button", "data-place": room.id, "aria-current": room.id === current ? "true" : undefined, onclick: () => go(room.id) },
        make("span", { class: "sign", "aria-hidden": "true" }, signs[room.kind] ?? "#"),
        make("span", { class: model.isMember(room) ? "label" : "label out" }, model.title(room)),
        room.unread ? make("span", { class: "unread" }, String(room.unread), make("span", { class: "unseen" }, " unread")) : undefined))));
    if (!rooms.length) $(list).append(make("li", { class: "empty" }, empty));
    if (focused) $(list).querySelector(`[data-place="${CSS.escape(focused)}"]`)?.focus();
  }
  const named = [...model.rooms.values()].filter((room) => room.kind === "room");
  $("known-places").replaceChildren(...named.map((room) => make("option", { value: room.name })));
}

function showPlace() {
  const room = model.rooms.get(current);
  const title = room ? clean(model.title(room)) : "…";
  $("place-name").textContent = title;
  document.title = room ? `${title} · parlor` : "parlor";
  const kinds = { room: "Room", direct: "Direct conversation", group: "Group", "customer-chat": "Customer chat" };
  const about = room ? [kinds[room.kind] ?? "Conversation", room.description, room.closed && "closed", ...(room.tags ?? []).map((tag) => `#${tag}`)] : [];
  $("place-about").textContent = clean(about.filter(Boolean).join(" · "));
  const member = room && model.isMember(room);
  const may = room && (room.kind === "room" || room.kind === "customer-chat") && model.roleIn(room) !== "customer";
  $("membership").hidden = !may;
  $("membership").textContent = member ? "Leave" : "Join";
  $("composer").disabled = !member;
  $("send").disabled = !member;
  $("composer").placeholder = member ? `Message ${title}` : "Join to say something";
  $("agents-only-label").hidden = !(member && room.kind === "customer-chat" && model.roleIn(room) !== "customer");
  showMembers();
  showTyping();
}

function showMembers() {
  const room = model.rooms.get(current);
  const members = [...(room?.members ?? [])].sort((a, b) => a.user.name.localeCompare(b.user.name));
  $("members").replaceChildren(...members.map(({ user: person, role }) => {
    const present = person.kind === "bot" || model.present.has(person.id);
    const what = person.kind === "bot" ? "bot" : role === "member" || role === "unknown" ? "" : role;
    return make("li", {},
      make("span", { class: present ? "dot present" : "dot", role: "img", "aria-label": present ? "there" : "away" }),
      make("span", {}, person.name), make("span", { class: "role" }, what));
  }));
  const people = [...model.users.values()].filter((person) => person.id !== "system");
  $("known-users").replaceChildren(...people.map((person) => make("option", { value: person.name })));
}

function showTyping() {
  const room = model.rooms.get(current);
  const who = [...(room?.typing ?? [])].filter((id) => id !== model.viewer?.id).map((id) => model.name(id));
  $("typing").textContent = who.length ? `${clean(who.join(", "))} ${who.length > 1 ? "are" : "is"} typing…` : "";
}

// ---- messages ----

function showAll() {
  showPlaces();
  showPlace();
  showMessages();
}

function showMessages() {
  const room = model.rooms.get(current);
  const items = (room?.messages ?? []).map((message) => ({ at: message.at, element: messageElement(message) }));
  for (const note of notes.get(current) ?? []) items.push({ at: note.at, element: noteElement(note) });
  items.sort((a, b) => a.at - b.at);
  $("messages").replaceChildren(...items.map((item) => item.element));
  if (room && !items.length) {
    $("messages").append(noteElement({ text: "Nothing was said here yet. Try hello, /joke, or /help." }));
  }
  toEnd();
}

function toEnd() {
  $("messages").scrollTop = $("messages").scrollHeight;
}

function noteElement({ text }) {
  return make("p", { class: "note" }, text);
}

function time(at) {
  const date = new Date(at);
  return make("time", { datetime: date.toISOString(), title: date.toLocaleString() },
    date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }));
}

function messageElement(message) {
  const author = model.users.get(message.author) ?? { id: message.author, name: message.author, kind: "human" };
  const agents = message.visibility === "agents";
  const tint = [...author.id].reduce((sum, c) => sum + c.codePointAt(0), 0) % 5;
  const own = author.id === model.viewer?.id && !message.deleted;
  const tools = own ? make("span", { class: "tools" },
    make("button", { type: "button", onclick: () => edit(message) }, "Edit"),
    make("button", { type: "button", onclick: () => act({ delete: { message: message.id } }) }, "Delete")) : undefined;
  return make("article", { class: agents ? "message agents" : "message", id: `m-${message.id}`, "aria-label": `${author.name} said` },
    make("span", { class: author.kind === "bot" ? "face bot" : `face t${tint}`, "aria-hidden": "true" }, [...author.name][0]?.toUpperCase() ?? "?"),
    make("div", {},
      make("div", { class: "who" }, make("b", {}, author.name),
        author.kind === "bot" ? make("span", { class: "badge" }, "bot") : undefined,
        agents ? make("span", { class: "badge agents" }, "agents only") : undefined,
        time(message.at), message.edited_at && !message.deleted ? make("span", { class: "edited" }, "edited") : undefined, tools),
      body(message), beside && author.kind === "bot" && !message.deleted ? elsewhere(message) : undefined,
      make("div", { class: "foot" }, ...foot(message))));
}

/** A message of a bot as other platforms would get it, side by side; filled in when the host has told. */
function elsewhere(message) {
  const place = make("div", { class: "elsewhere", role: "group", "aria-label": "As other platforms would get it", tabindex: "0" });
  ask({ elsewhere: message.id }).then((answer) => {
    const box = $("messages");
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
    const platforms = answer.elsewhere ?? [];
    place.replaceChildren(...platforms.map(({ platform, sent, notes }) => make("section", { "data-platform": platform },
      make("h4", {}, platform), ...sent.map(request), ...notes.map((note) => make("p", { class: "degraded" }, note)),
      sent.length || notes.length ? undefined : make("p", { class: "degraded" }, "nothing"))));
    if (!platforms.length) {
      place.append(make("p", { class: "degraded" }, answer.error ?? "How others would get it is known of the last messages since the start."));
    }
    if (atEnd) toEnd();
  });
  return place;
}

/** The first line says what it is. */
function request(text) {
  const [caption, ...lines] = text.split("\n");
  return make("figure", {}, make("figcaption", {}, caption), make("pre", { tabindex: "0" }, lines.join("\n")));
}

function body(message) {
  if (message.deleted) return make("div", { class: "body" }, make("p", { class: "gone" }, "This message was deleted."));
  const files = message.attachments;
  const file = (number) => files[number] && `/file/${encodeURIComponent(files[number].id)}?as=${encodeURIComponent(model.viewer.id)}`;
  const quote = message.quoted ? make("blockquote", {}, make("b", {}, `${model.name(message.quoted.author)}: `), message.quoted.text) : undefined;
  const content = message.content.length
    ? blocks(message.content, {
      file,
      press: (button) => act({ press: { message: message.id, button } }),
      submit: (form, button, values) => act({ submit: { message: message.id, form, button, values } }),
    })
    : [make("p", { class: "text" }, message.text)];
  const links = files.map((one, number) => make("p", {}, make("a", { href: file(number), download: one.name }, `📎 ${one.name}`)));
  const degraded = message.notes.length ? make("p", { class: "degraded" }, message.notes.join("; ")) : undefined;
  return make("div", { class: "body" }, quote, ...content, ...links, degraded);
}

function foot(message) {
  const reactions = message.reactions.map((reaction) =>
    make("span", { title: reaction.users.map((id) => model.name(id)).join(", ") }, `${emoji(reaction.emoji)} ${reaction.users.length}`));
  const last = message.answers.at(-1);
  return [
    reactions.length ? make("div", { class: "reactions" }, ...reactions) : undefined,
    last ? make("p", { class: "answers" }, `✓ ${model.name(last.user)} ${last.form ? "sent this form" : "pressed a button"} `, time(last.at)) : undefined,
  ].filter(Boolean);
}

function edit(message) {
  const element = $(`m-${message.id}`);
  const box = make("textarea", { rows: "2", "aria-label": "New text of the message" });
  box.value = message.text;
  const back = () => showMessage(message);
  const save = make("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      const answer = await act({ edit: { message: message.id, text: box.value } });
      if (!answer.error) back();
    },
  }, box, make("div", { class: "row" }, make("button", { type: "submit", class: "primary" }, "Save"), make("button", { type: "button", onclick: back }, "Cancel")));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") back();
  });
  element.querySelector(".body").replaceChildren(save);
  box.focus();
}

function showMessage(message) {
  $(`m-${message.id}`)?.replaceWith(messageElement(message));
}

function showChange(event) {
  const { kind, room, message, note } = model.change(event);
  if (note && room) {
    const list = notes.get(room.id) ?? [];
    list.push({ at: event.at, text: note });
    notes.set(room.id, list.slice(-100));
  }
  if (kind === "user" || kind === "presence") {
    showMembers();
  } else if (kind === "created") {
    // The answer to the command that made it may have come before it.
    if (room.id === current) go(current);
    else showPlaces();
  } else if (room && room.id === current) {
    const box = $("messages");
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
    if (kind === "posted") {
      if (room.messages.length === 1) box.replaceChildren();
      box.append(messageElement(message));
      while (box.childElementCount > 500) box.firstElementChild.remove();
    } else if (kind === "submitted" || kind === "pressed" || kind === "reacted") {
      // Only the foot, so that what somebody is filling in stays.
      $(`m-${message.id}`)?.querySelector(".foot").replaceChildren(...foot(message));
    } else if (message) {
      showMessage(message);
    }
    if (note) box.append(noteElement({ text: note }));
    if (kind !== "typing" && (atEnd || event.by === model.viewer?.id)) toEnd();
    if (kind === "member" || kind === "updated") showPlaces();
    showPlace();
  } else if (room) {
    if (kind === "posted" && !message.quiet && event.by !== model.viewer?.id) room.unread += 1;
    showPlaces();
  }
}

// ---- plugins ----

function showPlugins(rows) {
  const good = ["serving", "ready", "running", "loaded"];
  $("plugins").replaceChildren(...rows.map((row) => {
    const state = good.includes(row.state) ? "state good" : row.last_error || /refus|fail|quarant/.test(row.state) ? "state bad" : "state";
    const facts = [row.compiling && compilingText(row.compiling), row.last_reload && `loaded ${new Date(row.last_reload).toLocaleTimeString()}`, row.waiting ? `${row.waiting} waiting` : "", ...healthFacts(row.health)];
    return make("li", { "data-plugin": row.name },
      make("div", { class: "head" }, make("b", {}, row.name), make("span", { class: "version" }, row.version ?? ""), make("span", { class: state }, row.state)),
      make("div", { class: "facts" }, facts.filter(Boolean).join(" · ")),
      ...(row.webhooks ?? []).map(webhookLine),
      row.last_error ? make("div", { class: "error" }, row.last_error) : undefined,
      ...(row.health?.recent ?? []).map((fault) => make("div", { class: "facts" }, faultText(fault))),
      ...shadowLines(row.shadow).map((line) => make("div", { class: "facts" }, line)));
  }));
  if (!rows.length) $("plugins").append(make("li", { class: "empty" }, "Drop a .wasm into the plugins folder."));
}

function compilingText({ bytes, secs }) {
  const size = `${Math.ceil(bytes / 1048576)} MiB`;
  return secs === undefined ? `${size} wait for the compiler` : `compiling ${size}, ${secs} s so far`;
}

function webhookLine(hook) {
  const refused = Object.values(hook.refused).reduce((sum, count) => sum + count, 0);
  const last = hook.last_refusal && `last: ${hook.last_refusal}, ${new Date(hook.last_refused_at).toLocaleTimeString()}`;
  const facts = [`${hook.taken} taken`, hook.duplicates ? `${hook.duplicates} again` : "", refused ? `${refused} refused (${last})` : ""];
  return make("div", { class: "facts", "data-webhook": hook.name, title: hook.url },
    `webhook ${hook.name}: ${hook.trouble ?? facts.filter(Boolean).join(" · ")}`);
}

function healthFacts(health) {
  if (!health) return [];
  const probe = health["probe-at"];
  const left = `${health["failed-left"]} faults left, in ${health["conversations-left"]} more conversations`;
  return [health.probation ? "on probation" : "", probe ? `tried again at ${new Date(probe).toLocaleTimeString()}` : "", health.failed ? left : ""];
}

function shadowLines(shadow) {
  if (!shadow) return [];
  const counts = `version ${shadow.version} in the shadow: ${shadow.compared} compared, ${shadow.differ} different, ${shadow.skipped} skipped`;
  const last = shadow.recent?.at(-1);
  return last ? [counts, `last: ${last.was.join(" | ")} → ${last.now.join(" | ")}`] : [counts];
}

function faultText(fault) {
  const place = fault.conversation ? ` in ${fault.conversation}` : "";
  return `${new Date(fault.at).toLocaleTimeString()}, version ${fault.version}, event ${fault.event}${place}, call ${fault.attempt}: ${fault.text}`;
}

// ---- what a person does ----

async function send() {
  const text = $("composer").value;
  if (!text.trim()) return;
  const agentsOnly = !$("agents-only-label").hidden && $("agents-only").checked;
  $("composer").value = "";
  grow();
  history.push(text);
  if (history.length > 200) history.shift();
  historyPlace = history.length;
  const answer = await act({ say: { conversation: current, text, agents_only: agentsOnly } });
  if (answer.error && !$("composer").value) $("composer").value = text;
}

function grow() {
  const box = $("composer");
  box.rows = Math.min(8, box.value.split("\n").length);
}

$("composer-form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

$("composer").addEventListener("keydown", (event) => {
  const box = $("composer");
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  } else if (event.key === "ArrowUp" && (box.value === "" || historyPlace < history.length) && historyPlace > 0) {
    event.preventDefault();
    historyPlace -= 1;
    box.value = history[historyPlace];
    grow();
  } else if (event.key === "ArrowDown" && historyPlace < history.length) {
    event.preventDefault();
    historyPlace += 1;
    box.value = history[historyPlace] ?? "";
    grow();
  }
});

$("composer").addEventListener("input", () => {
  historyPlace = history.length;
  grow();
  const now = Date.now();
  if (now > typingUntil && current && socket?.readyState === WebSocket.OPEN) {
    typingUntil = now + 3000;
    const conversation = current;
    act({ typing: { conversation, active: true } });
    setTimeout(() => {
      if (socket?.readyState === WebSocket.OPEN) act({ typing: { conversation, active: false } });
    }, 4000);
  }
});

$("as-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("user").value.trim();
  if (!name) return;
  user = name;
  localStorage.setItem("parlor-user", user);
  problem("");
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ as: user }));
  $("composer").focus();
});

function showBeside() {
  $("elsewhere").checked = beside;
  document.body.classList.toggle("beside", beside);
}

$("elsewhere").addEventListener("change", () => {
  beside = $("elsewhere").checked;
  localStorage.setItem("parlor-elsewhere", beside ? "on" : "off");
  showBeside();
  showMessages();
});

$("membership").addEventListener("click", () => {
  const room = model.rooms.get(current);
  if (room) act({ [model.isMember(room) ? "leave" : "join"]: { conversation: current } });
});

const questions = {
  "open-room": ["New room", "Its name", (name) => ({ "open-room": { name } })],
  "open-direct": ["Direct conversation", "With whom", (name) => ({ "open-direct": { user: name } })],
  "open-chat": ["Customer chat", "The customer's name", (name) => ({ "open-chat": { customer: name } })],
};
let question = null;

for (const button of document.querySelectorAll("[data-open]")) {
  button.addEventListener("click", () => {
    question = questions[button.dataset.open];
    $("ask-title").textContent = question[0];
    $("ask-label").textContent = question[1];
    $("ask-name").value = "";
    $("ask").showModal();
  });
}

$("ask-cancel").addEventListener("click", () => $("ask").close());
$("ask-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("ask").close();
  const answer = await act(question[2]($("ask-name").value.trim()));
  if (answer.done?.conversation) go(answer.done.conversation);
});

$("known-zones").replaceChildren(...(Intl.supportedValuesOf?.("timeZone") ?? []).map((zone) => make("option", { value: zone })));
showBeside();
connect();
