// What the page knows: a snapshot, and the changes after it. No elements here.

const emptyMessage = { text: "", content: [], notes: [], attachments: [], reactions: [], answers: [] };

/** Everything the page shows, kept up to date by `snapshot` and `change`. */
export class Model {
  constructor() {
    this.viewer = null;
    this.users = new Map();
    this.present = new Set();
    this.rooms = new Map();
  }

  /** Takes a whole snapshot. What a person has typed, and where they are, is not part of it. */
  snapshot(snapshot) {
    this.viewer = snapshot.viewer;
    this.users = new Map(snapshot.users.map((user) => [user.id, user]));
    this.present = new Set(snapshot.present);
    const before = this.rooms;
    this.rooms = new Map();
    for (const view of snapshot.rooms) {
      this.rooms.set(view.room.id, {
        ...view.room,
        members: view.members,
        messages: view.messages.map((message) => ({ ...emptyMessage, ...message })),
        unread: before.get(view.room.id)?.unread ?? 0,
        typing: new Set(),
      });
    }
  }

  /** Takes one change; tells what it concerns: `{room, message, note, kind}`. */
  change(event) {
    const [kind, body] = Object.entries(event.change)[0];
    const room = this.rooms.get(body.conversation ?? body.room?.id);
    const name = (id) => this.name(id);
    switch (kind) {
      case "user":
        this.users.set(body.id, body);
        return { kind };
      case "presence":
        if (body.status === "offline") this.present.delete(event.by);
        else this.present.add(event.by);
        return { kind };
      case "created":
        if (!room) {
          this.rooms.set(body.room.id, { ...body.room, members: body.members, messages: [], unread: 0, typing: new Set() });
        }
        return { kind, room: this.rooms.get(body.room.id) };
      case "updated": {
        if (!room) return { kind };
        Object.assign(room, body.room);
        const what = typeof body.what === "string" ? body.what : Object.keys(body.what)[0];
        const notes = {
          closed: "closed the chat", reopened: "opened the chat again",
          transferred: `handed the chat to ${body.what.transferred?.to}`,
        };
        return { kind, room, note: notes[what] && `${name(event.by)} ${notes[what]}` };
      }
      case "member":
        return room ? { kind, room, note: this.member(room, event, body) } : { kind };
      case "typing":
        if (!room) return { kind };
        if (body.active) room.typing.add(event.by);
        else room.typing.delete(event.by);
        return { kind, room };
      case "posted": {
        if (!room) return { kind };
        const message = { ...emptyMessage, ...body };
        room.messages.push(message);
        if (room.messages.length > 400) room.messages.shift();
        room.typing.delete(body.author);
        return { kind, room, message };
      }
      default: {
        const id = kind === "edited" ? body.id : body.message;
        const message = room?.messages.find((known) => known.id === id);
        if (!message) return { kind };
        this.changeMessage(kind, message, body, event);
        return { kind, room, message };
      }
    }
  }

  changeMessage(kind, message, body, event) {
    if (kind === "edited") Object.assign(message, emptyMessage, body);
    if (kind === "deleted") Object.assign(message, emptyMessage, { deleted: true });
    if (kind === "submitted" || kind === "pressed") {
      message.answers = [...message.answers, { user: event.by, at: event.at, form: body.form, button: body.button }].slice(-20);
    }
    if (kind === "reacted") {
      const others = message.reactions.filter((reaction) => reaction.emoji !== body.emoji);
      const users = new Set(message.reactions.find((reaction) => reaction.emoji === body.emoji)?.users ?? []);
      if (body.added) users.add(event.by);
      else users.delete(event.by);
      message.reactions = users.size ? [...others, { emoji: body.emoji, users: [...users] }] : others;
    }
  }

  member(room, event, body) {
    const user = this.users.get(body.user) ?? { id: body.user, name: body.user, kind: "human" };
    const others = room.members.filter((member) => member.user.id !== body.user);
    const who = this.name(body.user);
    if (body.change === "left") room.members = others;
    else if (body.change !== "join-requested") room.members = [...others, { user, role: body.role }];
    switch (body.change) {
      case "joined": return `${who} joined`;
      case "left": return event.by === body.user ? `${who} left` : `${this.name(event.by)} took ${who} out`;
      case "invited": return `${this.name(event.by)} brought ${who} in`;
      case "promoted": return `${who} is an owner now`;
      case "demoted": return `${who} is a member now`;
      case "join-requested": return `${who} asks to come in`;
      default: return undefined;
    }
  }

  name(id) {
    return this.users.get(id)?.name ?? id;
  }

  isMember(room) {
    return room.members.some((member) => member.user.id === this.viewer?.id);
  }

  roleIn(room) {
    return room.members.find((member) => member.user.id === this.viewer?.id)?.role;
  }

  /** What a conversation is called in the list: a direct one by the other person. */
  title(room) {
    if (room.kind !== "direct" && room.kind !== "group") return room.name;
    const others = room.members.filter((member) => member.user.id !== this.viewer?.id);
    return others.map((member) => member.user.name).join(", ") || room.name;
  }
}
