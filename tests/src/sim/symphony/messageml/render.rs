//! MessageML into PresentationML and entity data. The message has been checked.

use roxmltree::Node;
use serde_json::{Map, Value, json};

use super::{Find, Who, elements, escape};

/// Emoji that the simulator can draw; of others only the code is shown.
const EMOJI: [(&str, &str); 14] = [
    ("smile", "😄"),
    ("smiley", "😃"),
    ("grinning", "😀"),
    ("laughing", "😆"),
    ("wink", "😉"),
    ("heart", "❤️"),
    ("thumbsup", "👍"),
    ("+1", "👍"),
    ("thumbsdown", "👎"),
    ("tada", "🎉"),
    ("fire", "🔥"),
    ("warning", "⚠️"),
    ("white_check_mark", "✅"),
    ("x", "❌"),
];

/// Writes PresentationML, and counts entities: one counter for all kinds.
pub(super) struct Writer<'a> {
    pub(super) out: String,
    data: Map<String, Value>,
    count: usize,
    /// Numbers the ids that fields get for their labels.
    pub(super) fields: usize,
    find: Find<'a>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(data: Map<String, Value>, find: Find<'a>) -> Self {
        Self {
            out: String::new(),
            data,
            count: 0,
            fields: 0,
            find,
        }
    }

    pub(super) fn done(self) -> (String, Map<String, Value>) {
        (self.out, self.data)
    }

    pub(super) fn root(&mut self, root: Node<'_, '_>) {
        let mut attributes = vec![("data-format", "PresentationML"), ("data-version", "2.0")];
        for name in ["class", "style"] {
            if let Some(value) = root.attribute(name) {
                attributes.push((name, value));
            }
        }
        self.open("div", &attributes);
        self.children(root);
        self.close("div");
    }

    pub(super) fn open(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.start(tag, attributes);
        self.out.push('>');
    }

    /// An element without content.
    pub(super) fn single(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.start(tag, attributes);
        self.out.push_str("/>");
    }

    fn start(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push_str(&format!(" {name}=\"{}\"", escape(value)));
        }
    }

    pub(super) fn close(&mut self, tag: &str) {
        self.out.push_str(&format!("</{tag}>"));
    }

    pub(super) fn text(&mut self, text: &str) {
        self.out.push_str(&escape(text));
    }

    pub(super) fn children(&mut self, node: Node<'_, '_>) {
        for child in node.children() {
            self.node(child);
        }
    }

    fn node(&mut self, node: Node<'_, '_>) {
        if node.is_text() {
            self.text(node.text().unwrap_or(""));
            return;
        }
        if !node.is_element() {
            return;
        }
        let tag = node.tag_name().name();
        match tag {
            "br" | "hr" => self.single(tag, &[]),
            "img" => self.single(tag, &own(node)),
            "a" => self.link(node),
            "hash" | "cash" => self.keyword(node, tag),
            "mention" => self.mention(node),
            "emoji" => self.emoji(node),
            "dateTime" => self.date_time(node),
            "tag" => self.financial(node),
            "chime" => self.single(
                "audio",
                &[
                    ("src", "https://asset.symphony.com/symphony/audio/chime.mp3"),
                    ("autoplay", "true"),
                ],
            ),
            "card" | "expandable-card" => self.card(node, tag),
            _ => {
                if !elements::write(self, node, tag) {
                    self.open(tag, &own(node));
                    self.children(node);
                    self.close(tag);
                }
            }
        }
    }

    fn link(&mut self, node: Node<'_, '_>) {
        self.open("a", &own(node));
        if node.has_children() {
            self.children(node);
        } else {
            self.text(node.attribute("href").unwrap_or(""));
        }
        self.close("a");
    }

    /// Writes an entity that the agent made, and keeps its data.
    fn entity(&mut self, prefix: &str, text: &str, data: Value) {
        let id = self.number(prefix);
        self.open("span", &[("class", "entity"), ("data-entity-id", &id)]);
        self.text(text);
        self.close("span");
        self.data.insert(id, data);
    }

    fn number(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}{}", self.count)
    }

    fn keyword(&mut self, node: Node<'_, '_>, tag: &str) {
        let value = node.attribute("tag").unwrap_or("");
        let (sign, data) = if tag == "hash" {
            ('#', hashtag(value))
        } else {
            ('$', cashtag(value))
        };
        self.entity("keyword", &format!("{sign}{value}"), data);
    }

    fn mention(&mut self, node: Node<'_, '_>) {
        let (uid, email) = (node.attribute("uid"), node.attribute("email"));
        let found = match (uid.and_then(|uid| uid.parse().ok()), email) {
            (Some(id), _) => (self.find)(Who::Id(id)),
            (None, Some(email)) => (self.find)(Who::Email(email)),
            (None, None) => None,
        };
        match (found, uid, email) {
            (Some((id, name)), ..) => self.entity("mention", &format!("@{name}"), mention(id)),
            (None, Some(uid), _) => {
                let id = uid.parse().unwrap_or_default();
                self.entity("mention", uid, mention(id));
            }
            (None, None, email) => {
                self.count += 1;
                let email = email.unwrap_or("");
                self.open("a", &[("href", &format!("mailto:{email}"))]);
                self.text(email);
                self.close("a");
            }
        }
    }

    fn emoji(&mut self, node: Node<'_, '_>) {
        let code = node
            .attribute("shortcode")
            .or_else(|| node.attribute("annotation"));
        let code = code.unwrap_or("");
        let drawn = EMOJI
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(_, drawn)| *drawn);
        let mut data = json!({ "shortcode": code, "annotation": code, "size": node.attribute("size").unwrap_or("normal") });
        if let Some(drawn) = drawn {
            data["unicode"] = drawn.into();
        }
        let data = json!({ "type": "com.symphony.emoji", "version": "1.0", "data": data });
        if drawn.is_none() && node.has_children() {
            let id = self.number("emoji");
            self.open("span", &[("class", "entity"), ("data-entity-id", &id)]);
            self.children(node);
            self.close("span");
            self.data.insert(id, data);
        } else {
            let shown = drawn.map_or_else(|| format!(":{code}:"), str::to_owned);
            self.entity("emoji", &shown, data);
        }
    }

    fn date_time(&mut self, node: Node<'_, '_>) {
        let value = node.attribute("value").unwrap_or("");
        let format = node.attribute("format");
        let id = self.number("datetime");
        let mut attributes = vec![("data-entity-id", id.as_str())];
        attributes.extend(format.map(|format| ("data-format", format)));
        attributes.push(("datetime", value));
        self.open("span", &[]);
        self.open("time", &attributes);
        self.text(value);
        self.close("time");
        self.close("span");
        self.data.insert(
            id,
            json!({
                "type": "org.symphonyoss", "version": "1.0",
                "data": { "type": "org.symphonyoss.datetime", "value": value, "format": format },
            }),
        );
    }

    /// An enhanced financial tag: an id for each thing that is said of the instrument.
    fn financial(&mut self, node: Node<'_, '_>) {
        let kinds = [
            ("fallback-ticker", "ticker"),
            ("fullbbgcompticker", "fullBbgCompTicker"),
            ("figi", "figi"),
            ("isin", "isin"),
            ("unique-id", "uniqueId"),
            ("local-code", "localCode"),
            ("operational-mic", "operationalMic"),
        ];
        let ids: Vec<Value> = kinds
            .iter()
            .filter_map(|(attribute, kind)| {
                let value = node.attribute(*attribute)?;
                Some(json!({ "type": format!("org.symphonyoss.fin.security.id.{kind}"), "value": value }))
            })
            .collect();
        let shown = kinds
            .iter()
            .find_map(|(attribute, _)| node.attribute(*attribute));
        let text = format!("${}", shown.unwrap_or(""));
        let data = json!({ "type": "org.symphonyoss.fin.security", "version": "2.0", "id": ids });
        self.entity("tag", &text, data);
    }

    fn card(&mut self, node: Node<'_, '_>, tag: &str) {
        let is_plain = tag == "card";
        let class = node
            .attribute("class")
            .map(|class| format!("{tag} {class}"));
        let mut attributes = vec![("class", class.as_deref().unwrap_or(tag))];
        let names: [(&str, &str); 3] = [
            ("iconSrc", "data-icon-src"),
            ("accent", "data-accent-color"),
            ("state", "data-state"),
        ];
        for (name, shown) in names {
            attributes.extend(node.attribute(name).map(|value| (shown, value)));
        }
        self.open("div", &attributes);
        for child in node.children() {
            let class = match (child.tag_name().name(), is_plain) {
                ("header", true) => "cardHeader",
                ("body", true) => "cardBody",
                ("header", false) => "expandableCardHeader",
                ("body", false) => "expandableCardBody",
                _ => {
                    self.node(child);
                    continue;
                }
            };
            let mut attributes = vec![("class", class)];
            attributes.extend(child.attribute("variant").map(|it| ("data-variant", it)));
            self.open("div", &attributes);
            self.children(child);
            self.close("div");
        }
        self.close("div");
    }
}

/// An element's attributes as they are.
pub(super) fn own<'a>(node: Node<'a, '_>) -> Vec<(&'a str, &'a str)> {
    node.attributes()
        .map(|attribute| (attribute.name(), attribute.value()))
        .collect()
}

/// The data of a mention.
pub(in crate::sim::symphony) fn mention(user: i64) -> Value {
    json!({
        "type": "com.symphony.user.mention", "version": "1.0",
        "id": [{ "type": "com.symphony.user.userId", "value": user.to_string() }],
    })
}

/// The data of a hashtag.
pub(in crate::sim::symphony) fn hashtag(value: &str) -> Value {
    json!({
        "type": "org.symphonyoss.taxonomy", "version": "1.0",
        "id": [{ "type": "org.symphonyoss.taxonomy.hashtag", "value": value }],
    })
}

/// The data of a cashtag.
pub(in crate::sim::symphony) fn cashtag(value: &str) -> Value {
    json!({
        "type": "org.symphonyoss.fin.security", "version": "1.0",
        "id": [{ "type": "org.symphonyoss.fin.security.id.ticker", "value": value }],
    })
}
