//! MessageML into blocks.

use crate::content::{Limits, blocks, check, text};
use crate::model::content::{Block, Content, FieldKind, Form, FormAnswers, MentionTarget, Span};

fn read(source: &str) -> Vec<Block> {
    blocks(&Content::MessageMl(source.to_owned())).unwrap()
}

fn shown(source: &str) -> String {
    text(&read(source)).0
}

fn refused(source: &str) -> String {
    blocks(&Content::MessageMl(source.to_owned()))
        .unwrap_err()
        .to_string()
}

fn form(source: &str) -> Form {
    let found = read(source);
    check(&found, &Limits::default()).unwrap();
    let form = found.into_iter().find_map(|block| {
        if let Block::Form(form) = block {
            Some(form)
        } else {
            None
        }
    });
    form.unwrap()
}

#[test]
fn every_text_tag_becomes_its_block() {
    let source = r#"<messageML>
        <h2>Assessment</h2>
        <p>Hello <b>bold</b>  <i>slanted</i>&nbsp;text<br/>next &lt;line&gt;</p>
        <ul><li>one</li><li>two<ol><li>inner</li></ol></li></ul>
        <hr/>
        <p><hash tag="urgent"/> <cash tag="*700"/> <mention uid="7"/> <mention email="a@b.c"/> <emoji shortcode="tada"/></p>
        <a href="https://a.example/x">site</a> <a href="https://a.example/y"/>
        <code language="rust">fn main() {
}</code>
        <dateTime value="2026-11-20T14:30:00+01:00"/>
        <img src="https://a.example/i.png"/>
        <tag fallback-ticker="goog"/> x<sub>2</sub> <chime/>
    </messageML>"#;
    insta::assert_snapshot!(shown(source), @r"
    Assessment
    Hello bold slanted text
    next <line>
    - one
    - two
      1. inner
    ------------------------
    #urgent $700 @7 @a@b.c 🎉

    site (https://a.example/x) https://a.example/y

    fn main() {
    }

    2026-11-20 13:30 UTC
    https://a.example/i.png
    $goog x2 🔔
    ");
}

#[test]
fn tables_have_headers_and_spans() {
    let source = r#"<messageML><table><thead><tr><td>Name</td><td>Change</td></tr></thead>
        <tbody><tr><td>Up <b>now</b></td><td><p>+1</p></td></tr><tr><td colspan="2">both</td></tr></tbody></table></messageML>"#;
    insta::assert_snapshot!(shown(source), @r"
    Name    Change
    ------  ------
    Up now  +1
    both
    ");
    let source = "<table><tr><th>a</th></tr><tr><td>b</td></tr></table>";
    let found = read(source);
    assert!(
        matches!(&found[0], Block::Table(table) if table.header.len() == 1 && table.rows.len() == 1)
    );
}

#[test]
fn mentions_keep_their_target() {
    let found = read(r#"<messageML><mention email="a@b.c"/></messageML>"#);
    let Block::Paragraph(spans) = &found[0] else {
        panic!("{found:?}")
    };
    assert!(
        matches!(&spans[0], Span::Mention(mention) if mention.target == MentionTarget::Email("a@b.c".to_owned()))
    );
}

#[test]
fn cards_keep_their_lines() {
    let source = "<messageML><expandable-card state=\"collapsed\"><header><h3>Title</h3></header>\
        <body><p>one</p><p>two</p><ul><li>x</li></ul></body></expandable-card></messageML>";
    assert_eq!(shown(source), "Title\none\ntwo\n- x");
    let found = read(source);
    assert!(
        matches!(&found[0], Block::Card(card) if card.title == "Title" && card.paragraphs.len() == 2)
    );
}

#[test]
fn the_hello_form_of_the_seed() {
    let found = form(
        r#"<messageML><h2>Hello Form</h2>
<form id="hello-form"><text-field name="name" placeholder="Enter a name here..."/><button name="submit" type="action">Submit</button></form></messageML>"#,
    );
    assert_eq!(
        (found.id.as_str(), found.answers),
        ("hello-form", FormAnswers::OncePerUser)
    );
    assert_eq!(found.fields[0].id, "name");
    assert_eq!(
        found.fields[0].placeholder.as_deref(),
        Some("Enter a name here...")
    );
    assert_eq!(found.buttons[0].label, "Submit");
}

#[test]
fn every_element_becomes_its_field() {
    let found = form(
        r#"<messageML><form id="f" multi-submit="reset">
            <h4>All of them</h4>
            <p>Your name:</p><text-field name="t" required="true" minlength="2" maxlength="9" pattern="[a-z]+" pattern-error-message="small letters">abc</text-field>
            <textarea name="m" label="More">lines</textarea>
            <checkbox name="one" value="yes" checked="true">Agree</checkbox>
            <checkbox name="many" value="a">A</checkbox><checkbox name="many" value="b" checked="true">B</checkbox>
            <radio name="r" value="x" checked="true">X</radio><radio name="r" value="y">Y</radio>
            <table><tr><td><select name="s" label="Pick" multiple="true" min="1" max="2"><option value="1" selected="true">One</option><option value="2">Two</option></select></td></tr></table>
            <person-selector name="p" value="[12, &quot;13&quot;]"/>
            <room-selector name="room"/>
            <date-picker name="d" value="2026-11-20" min="2026-01-01"/>
            <time-picker name="ti" value="14:30:00"/>
            <timezone-picker name="tz" readonly="true" value="Europe/London"/>
            <button name="no" class="destructive">No</button><button type="reset">Clear</button>
        </form></messageML>"#,
    );
    let shown: Vec<String> = found
        .fields
        .iter()
        .map(|field| {
            let choices: Vec<_> = field
                .choices
                .iter()
                .map(|choice| choice.value.as_str())
                .collect();
            let FieldKind::Other(_) = &field.kind else {
                return format!(
                    "{} {:?} `{}` {:?} {:?}",
                    field.id, field.kind, field.label, field.defaults, choices
                );
            };
            field.id.clone()
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    t Text `Your name` ["abc"] []
    m Multiline `More` ["lines"] []
    one Checkbox `Agree` ["yes"] ["yes"]
    many MultiSelect `many` ["b"] ["a", "b"]
    r Radio `r` ["x"] ["x", "y"]
    s MultiSelect `Pick` ["1"] ["1", "2"]
    p User `p` ["12", "13"] []
    room Conversation `room` [] []
    d Date `d` ["2026-11-20"] []
    ti Time `ti` ["14:30:00"] []
    tz Timezone `tz` ["Europe/London"] []
    "#);
    assert_eq!(found.answers, FormAnswers::Any);
    assert_eq!(found.buttons.len(), 1);
    let pattern = found.fields[0].pattern.as_ref().unwrap();
    assert_eq!(
        (pattern.regex.as_str(), pattern.message.as_str()),
        ("[a-z]+", "small letters")
    );
}

#[test]
fn errors_name_the_tag() {
    for (source, expected) in [
        (
            "<messageML><blink>x</blink></messageML>",
            "unknown tag <blink>",
        ),
        (
            "<messageML><script>x</script></messageML>",
            "unknown tag <script>",
        ),
        (
            "<messageML><li>x</li></messageML>",
            "<li> is not allowed in <messageML>",
        ),
        (
            "<messageML><ul>text</ul></messageML>",
            "<text> is not allowed in <ul>",
        ),
        (
            "<messageML><text-field name=\"x\"/></messageML>",
            "<text-field> is not allowed in <messageML>",
        ),
        (
            "<messageML><form><p/></form></messageML>",
            "<form> needs the attribute `id`",
        ),
        (
            "<messageML><form id=\"a\"><form id=\"b\"/></form></messageML>",
            "<form> is not allowed in <form>",
        ),
        (
            "<messageML><a>x</a></messageML>",
            "<a> needs the attribute `href`",
        ),
        (
            "<messageML><mention/></messageML>",
            "<mention> needs the attribute `uid` or `email`",
        ),
        (
            "<messageML><dateTime value=\"now\"/></messageML>",
            "<dateTime value=\"now\">: expected a date and time with its offset, `2026-11-20T14:30:00+01:00`",
        ),
        ("<messageML><b>x</messageML>", "not well-formed"),
        ("<messageML><b>x", "is not closed"),
        ("<!DOCTYPE x><messageML/>", "a document type is not allowed"),
    ] {
        let error = refused(source);
        assert!(error.contains(expected), "{source}: {error}");
    }
    assert!(refused(&"<p>".repeat(100)).contains("nested deeper"));
    assert!(refused(&"<b/>".repeat(17_000)).contains("at most"));
}

#[test]
fn what_the_wild_writes_is_read() {
    assert_eq!(shown("no root at all"), "no root at all");
    assert_eq!(
        shown("<messageML>a &euro; b &amp; c & d &unknown; &#65;</messageML>"),
        "a € b & c & d &unknown; A"
    );
    assert_eq!(
        shown(r#"<div data-format="PresentationML" data-version="2.0">x</div>"#),
        "x"
    );
    assert_eq!(
        shown("<messageML><![CDATA[<b>]]><!-- no --></messageML>"),
        "<b>"
    );
}
