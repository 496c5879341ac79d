//! What holds for any text: the functions of the fuzz targets, on texts that look a little like what
//! they read.

use parlor_tests::fuzz;
use proptest::prelude::*;

/// Texts made of pieces that mean something, with some that mean nothing between.
fn made_of(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => ".{0,8}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..512)
}

const GRAMMAR: &[&str] = &[
    "/buy",
    " ",
    "{",
    "}",
    "{a}",
    "{@b}",
    "{#c}",
    "{$d}",
    "{n:int}",
    "{x:number}",
    "{f:bool}",
    "{note?}",
    "{rest...}",
    "{rest...?}",
    "{=key}",
    "\"",
    "“",
    "\n",
    "@Desk",
    "$goog",
    "#topic",
    "/help",
    "12",
    "1.5",
    "true",
    "\u{202e}",
    "kbuy",
];
const MARKDOWN: &[&str] = &[
    "# ",
    "\n",
    "\n\n",
    "**",
    "*",
    "_",
    "~~",
    "`",
    "```\n",
    "> ",
    "- ",
    "1. ",
    "  ",
    "    ",
    "[a](",
    ")",
    "![",
    "](https://a.example)",
    "| a | b |\n",
    "|---|:-:|\n",
    "|",
    "<b>",
    "</b>",
    "<!--",
    "&lt;",
    "&#x202e;",
    "\\",
    "---\n",
    "\u{1b}[31m",
    "[a]: b\n",
    "[a]",
    "\t",
];
const MESSAGE_ML: &[&str] = &[
    "<messageML>",
    "</messageML>",
    "<b>",
    "</b>",
    "<p>",
    "</p>",
    "<br/>",
    "<hr/>",
    "<ul><li>",
    "</li></ul>",
    "<table><tr><td>",
    "</td></tr></table>",
    "<form id=\"f\">",
    "</form>",
    "<text-field name=\"a\" required=\"true\"/>",
    "<select name=\"s\"><option value=\"1\">",
    "</option></select>",
    "<button name=\"b\" type=\"action\">",
    "</button>",
    "<checkbox name=\"c\" value=\"1\"/>",
    "<mention email=\"a@b.c\"/>",
    "<hash tag=\"x\"/>",
    "<cash tag=\"x\"/>",
    "<a href=\"https://a.example\">",
    "</a>",
    "<card>",
    "<header>",
    "<body>",
    "<emoji shortcode=\"smile\"/>",
    "<img src=\"https://a.example/a.png\"/>",
    "&nbsp;",
    "&x;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "<code>",
    "</code>",
    "\u{202e}",
];
const PRESENTATION: &[&str] = &[
    "<div data-format=\"PresentationML\">",
    "</div>",
    "<p>",
    "</p>",
    "<br/>",
    "<span class=\"entity\" data-entity-id=\"0\">",
    "</span>",
    "@Ann",
    "\0",
    "{\"0\":",
    "{",
    "}",
    "\"type\":\"com.symphony.user.mention\"",
    "\"id\":[{\"type\":\"t\",\"value\":\"1\"}]",
    ",",
    "&nbsp;",
    "<table>",
    "</table>",
    "\u{1b}]0;x\u{7}",
];
const SETTINGS: &[&str] = &[
    "data = \"d\"\n",
    "[[bot]]\n",
    "[bot]\n",
    "name = \"desk\"\n",
    "platform = \"local\"\n",
    "text-only = true\n",
    "[plugin.joke]\n",
    "[plugin.\"",
    "\"]\n",
    "grants.http = [",
    "\"GET https://a.example/x\"",
    "{ allow = \"POST https://a/*\", bearer = \"${X}\" }",
    "]\n",
    "=",
    "config = { a = 1 }\n",
    "[sentences]\n",
    "usage = \"{usage} {x}\"\n",
    "[http]\n",
    "listen = \"127.0.0.1:0\"\n",
    "[roles]\nstaff = [\"*@a.b\"]\n",
    "limits = { cpu-ms = 100 }\n",
    "file:/etc/passwd",
    "1979-05-27",
    "'''",
    "\"\"\"",
    "#",
    "\\u0007",
    "inf",
    "0x",
    "\n",
    ".",
];
const DIALOG: &[&str] = &[
    "<messageML><form id=\"f\">",
    "</form></messageML>",
    "<text-field name=\"a\" required=\"true\"/>",
    "<text-field name=\"p\" pattern=\"[a-z]+\"/>",
    "<textarea name=\"t\"/>",
    "<select name=\"s\"><option value=\"1\">One</option><option value=\"2\">Two</option></select>",
    "<checkbox name=\"c\" value=\"1\">C</checkbox>",
    "<radio name=\"r\" value=\"1\">R</radio>",
    "<person-selector name=\"u\"/>",
    "<date-picker name=\"d\"/>",
    "<time-picker name=\"h\"/>",
    "<button name=\"b\" type=\"action\">B</button>",
    "\0",
    "\n",
    "cancel\n",
    "back\n",
    "skip\n",
    "1\n",
    "2\n",
    "ada\n",
    "yes\n",
    "2026-11-20\n",
    "14:30\n",
    "\u{202e}\n",
    "{name}\n",
];
const WEBHOOK: &[&str] = &[
    "POST",
    "\n",
    "\nX-Signature-256: sha256=",
    "\nX-Token: Bearer ",
    "\nAuthorization: Basic ",
    "\nX-Delivery: 7",
    "\nX-Forwarded-For: 10.0.0.1",
    "\nCookie: a=b",
    "\nHost: a.example",
    "\nX-Event: opened",
    "YWRhOnB3",
    "0123456789abcdef",
    "=",
    ":",
    ",",
    " ",
    "\0",
    "{\"state\":\"down\"}",
];

const FEED: &[&str] = &[
    "{\"events\":[",
    "],\"ackId\":\"a\"}",
    "{\"type\":\"MESSAGESENT\",\"payload\":{\"messageSent\":{\"message\":",
    "{\"type\":\"SYMPHONYELEMENTSACTION\",\"payload\":{\"symphonyElementsAction\":",
    "{\"type\":\"USERJOINEDROOM\",\"payload\":{\"userJoinedRoom\":",
    "{\"messageId\":\"m==\",\"message\":\"<div>x</div>\",\"data\":\"{}\"}",
    "{\"formMessageId\":\"m==12\",\"formId\":\"f\",\"formValues\":{\"action\":\"a\",\"p\":[1]}}",
    "{\"affectedUser\":{\"userId\":2},\"stream\":{\"streamId\":\"s\"}}",
    "}}}",
    ",\"initiator\":{\"user\":{\"userId\":1}}",
    "{",
    "}",
    "[",
    "]",
    ",",
    "null",
    "\"id\":\"x\"",
    "\"timestamp\":1",
    "1e99",
];

const LIVECHAT: &[&str] = &[
    "{\"action\":\"incoming_chat\",\"secret_key\":\"s\",\"payload\":{\"chat\":",
    "{\"action\":\"incoming_event\",\"secret_key\":\"s\",\"payload\":{\"chat_id\":\"c\",\"event\":",
    "{\"action\":\"user_added_to_chat\",\"payload\":{\"chat_id\":\"c\",\"user\":",
    "{\"id\":\"c\",\"users\":[{\"id\":\"u\",\"type\":\"customer\"}],\"thread\":{\"id\":\"t\",\"events\":[",
    "{\"id\":\"e\",\"type\":\"message\",\"text\":\"@desk bot x\",\"author_id\":\"u\",\"postback\":{\"id\":\"press:a\",\"event_id\":\"f\"}}",
    "{\"id\":\"g\",\"type\":\"message\",\"text\":\"own\",\"author_id\":\"bot\"}",
    "]}}",
    "}}",
    ",",
    "{",
    "}",
    "null",
    "1e99",
];

macro_rules! holds {
    ($($name:ident: $target:path, $pieces:ident;)*) => {
        proptest! {
            $(
                #[test]
                fn $name(made in made_of($pieces), random in bytes()) {
                    $target(&made);
                    $target(&random);
                }
            )*
        }
    };
}

/// Notices, frames, messages and presses of Webex.
const NOTICE: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "true",
    "7",
    "\"resource\":\"messages\"",
    "\"event\":\"created\"",
    "\"event\":\"deleted\"",
    "\"resource\":\"memberships\"",
    "\"data\":{\"id\":\"M1\",\"roomId\":\"R1\"}",
    "\"actorId\":\"P1\"",
    "\"data\":{\"eventType\":\"conversation.activity\",\"activity\":{\"id\":\"a\",\"verb\":\"post\"}}",
    "\"headers\":{\"activity.verb\":\"leave\"}",
    "\"html\":\"<p>x</p>\"",
    "\"text\":\"Trade Bot $goog\"",
    "\"mentionedPeople\":[\"1\"]",
    "\"inputs\":{\"parlor\":\"{}\",\"a\":\"b,c\"}",
    "\"created\":\"2026-01-05T10:00:00.000Z\"",
];

/// HTML as Webex writes it, and as it does not.
const HTML: &[&str] = &[
    "<p>",
    "</p>",
    "<div>",
    "<br/>",
    "<ul>",
    "</ul>",
    "<ol>",
    "<li>",
    "</li>",
    "<pre>",
    "</pre>",
    "<code>",
    "<spark-mention data-object-type=\"person\" data-object-id=\"1\">",
    "</spark-mention>",
    "<spark-mention data-object-type=\"groupMention\">",
    "&lt;",
    "&amp;",
    "&#x1f600;",
    "&nope;",
    "&",
    "<",
    ">",
    "Trade Bot",
    "trader",
    "@",
    "\n",
    " ",
    "\u{a0}",
    "é",
];

/// Of the stream of LSEG Messenger.
const STREAM: &[&str] = &[
    "{\"event\":\"chatroomPost\",\"post\":{",
    "\"event\":\"chatroomInvite\",\"invite\":{",
    "\"chatroomId\":\"groupchat-1\",",
    "\"chatroomType\":\"chatroom\",",
    "\"sender\":{\"email\":\"ada@example.com\"},",
    "\"sender\":{\"email\":\"Bot_agent.desk@acme.com\"},",
    "\"from\":{\"email\":\"ada@example.com\",\"company\":\"x\"},",
    "\"message\":\"@Desk Bot $goog #news\",",
    "\"message\":null,",
    "\"messageId\":\"m1\",",
    "\"messageId\":7,",
    "\"timestamp\":\"2019-11-21T07:11:24Z\"",
    "\"timestamp\":99999999999999999999",
    "\"reqId\":\"1\",",
    "\"error\":{\"message\":\"x\"}",
    "\"event\":\"connected\",",
    "}}",
    "}",
    ",",
    "{",
];

holds! {
    no_pattern_breaks_the_command_grammar: fuzz::command_grammar, GRAMMAR;
    no_text_breaks_the_markdown_reader: fuzz::markdown, MARKDOWN;
    no_text_breaks_the_message_ml_reader: fuzz::message_ml, MESSAGE_ML;
    no_text_breaks_the_presentation_reader: fuzz::presentation, PRESENTATION;
    no_text_breaks_the_settings_reader: fuzz::settings, SETTINGS;
    no_answer_breaks_a_dialog: fuzz::dialog, DIALOG;
    no_call_breaks_the_webhook_ingress: fuzz::webhook, WEBHOOK;
    no_webhook_of_livechat_breaks_its_reader: fuzz::livechat_webhook, LIVECHAT;
    no_feed_breaks_the_event_reader: fuzz::symphony_event, FEED;
    no_frame_breaks_the_stream_reader: fuzz::lseg_frame, STREAM;
    no_message_of_symphony_is_refused: fuzz::symphony_presentation, PRESENTATION;
    no_message_ml_of_ours_is_broken: fuzz::symphony_messageml, MESSAGE_ML;
    no_markdown_breaks_message_ml: fuzz::symphony_messageml, MARKDOWN;
    no_notice_breaks_the_webex_reader: fuzz::webex_event, NOTICE;
    no_html_breaks_the_webex_reader: fuzz::webex_html, HTML;
    no_markdown_breaks_a_message_to_webex: fuzz::webex_content, MARKDOWN;
    no_form_breaks_a_card_to_webex: fuzz::webex_content, DIALOG;
}

/// The pieces are worth something: they do make forms that are asked.
#[test]
fn a_form_of_the_pieces_is_asked() {
    use parlor_host::content::blocks;
    use parlor_host::model::content::{Block, Content};

    let fields = &DIALOG[2..12];
    let source = format!("{}{}{}", DIALOG[0], fields.concat(), DIALOG[1]);
    let read = blocks(&Content::MessageMl(source.clone())).expect("it is a form");
    assert!(
        matches!(&read[..], [Block::Form(form)] if form.fields.len() == 9),
        "{read:?}"
    );
    fuzz::dialog(format!("{source}\0x\nabc\nlong\n2\nyes\n1\nada\n2026-11-20\n14:30\n").as_bytes());
}
