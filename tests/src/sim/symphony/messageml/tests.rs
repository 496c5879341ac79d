use super::*;

fn find(who: Who<'_>) -> Option<(i64, String)> {
    match who {
        Who::Id(1) | Who::Email("ada@acme.com") => Some((1, "Ada Lovelace".to_owned())),
        _ => None,
    }
}

#[track_caller]
fn presented(inner: &str, expected: &str) -> Map<String, Value> {
    let read = read(&format!("<messageML>{inner}</messageML>"), None, &find).expect("good");
    let start = "<div data-format=\"PresentationML\" data-version=\"2.0\">";
    assert_eq!(read.presentation, format!("{start}{expected}</div>"));
    read.data
}

#[track_caller]
fn refused(inner: &str, expected: &str) {
    let refused = read(&format!("<messageML>{inner}</messageML>"), None, &find);
    let refused = refused.expect_err(inner);
    assert!(refused.contains(expected), "{inner}: {refused}");
}

fn form(inner: &str) -> String {
    format!("<form id=\"f\">{inner}<button name=\"go\">Go</button></form>")
}

#[test]
fn shorthand_becomes_entities_that_share_one_counter() {
    let data = presented(
        "<mention uid=\"1\"/> <hash tag=\"x\"/> <cash tag=\"goog\"/> <emoji shortcode=\"smile\"/>",
        "<span class=\"entity\" data-entity-id=\"mention1\">@Ada Lovelace</span> \
         <span class=\"entity\" data-entity-id=\"keyword2\">#x</span> \
         <span class=\"entity\" data-entity-id=\"keyword3\">$goog</span> \
         <span class=\"entity\" data-entity-id=\"emoji4\">😄</span>",
    );
    assert_eq!(data["mention1"]["id"][0]["value"], "1");
    assert_eq!(data["keyword2"]["type"], "org.symphonyoss.taxonomy");
    assert_eq!(data["keyword3"]["id"][0]["value"], "goog");
    assert_eq!(data["emoji4"]["data"]["unicode"], "😄");
}

#[test]
fn text_tags_come_out_as_they_are_and_escaped() {
    presented(
        "<p class=\"c\">a &lt;b&gt; &amp; &quot;c&quot;<br/><b>d</b></p><hr/>",
        "<p class=\"c\">a &lt;b&gt; &amp; &quot;c&quot;<br/><b>d</b></p><hr/>",
    );
    presented(
        "<a href=\"https://x.test/\"/>",
        "<a href=\"https://x.test/\">https://x.test/</a>",
    );
    presented(
        "<card iconSrc=\"i\" accent=\"red\"><header>h</header><body>b</body></card>",
        "<div class=\"card\" data-icon-src=\"i\" data-accent-color=\"red\">\
         <div class=\"cardHeader\">h</div><div class=\"cardBody\">b</div></div>",
    );
    presented(
        "<expandable-card state=\"collapsed\"><header>h</header><body variant=\"error\">b</body></expandable-card>",
        "<div class=\"expandable-card\" data-state=\"collapsed\"><div class=\"expandableCardHeader\">h</div>\
         <div class=\"expandableCardBody\" data-variant=\"error\">b</div></div>",
    );
    presented(
        "<chime/>",
        "<audio src=\"https://asset.symphony.com/symphony/audio/chime.mp3\" autoplay=\"true\"/>",
    );
}

#[test]
fn a_moment_keeps_its_format() {
    let data = presented(
        "<dateTime value=\"2024-01-01T10:00:00+01:00\" format=\"date\"/>",
        "<span><time data-entity-id=\"datetime1\" data-format=\"date\" \
         datetime=\"2024-01-01T10:00:00+01:00\">2024-01-01T10:00:00+01:00</time></span>",
    );
    assert_eq!(data["datetime1"]["data"]["format"], "date");
}

#[test]
fn a_mention_of_nobody_is_refused_unless_it_need_not_be_somebody() {
    refused("<mention uid=\"9\"/>", "Failed to lookup user \"9\"");
    refused(
        "<mention email=\"x@y.z\"/>",
        "Failed to lookup user \"x@y.z\"",
    );
    presented(
        "<mention email=\"x@y.z\" strict=\"false\"/>",
        "<a href=\"mailto:x@y.z\">x@y.z</a>",
    );
}

#[test]
fn fields_become_what_a_client_shows() {
    let button = "<button type=\"action\" name=\"go\">Go</button>";
    let cases = [
        (
            "<text-field name=\"n\" placeholder=\"p\">v</text-field>",
            "<input type=\"text\" name=\"n\" placeholder=\"p\" value=\"v\"/>",
        ),
        (
            "<text-field name=\"n\" label=\"L\"/>",
            "<div class=\"textfield-group\" data-generated=\"true\"><label for=\"textfield-1\">L</label>\
             <input type=\"text\" name=\"n\" id=\"textfield-1\"/></div>",
        ),
        (
            "<checkbox name=\"c\" value=\"v\">x</checkbox>",
            "<div class=\"checkbox-group\"><input type=\"checkbox\" name=\"c\" value=\"v\" id=\"checkbox-group-1\"/>\
             <label for=\"checkbox-group-1\">x</label></div>",
        ),
        (
            "<person-selector name=\"p\"/>",
            "<div class=\"person-selector\" data-name=\"p\"/>",
        ),
        (
            "<select name=\"s\"><option value=\"1\">one</option></select>",
            "<select name=\"s\"><option value=\"1\">one</option></select>",
        ),
    ];
    for (field, expected) in cases {
        presented(
            &form(field),
            &format!("<form id=\"f\">{expected}{button}</form>"),
        );
    }
    presented(
        "<form id=\"f\" multi-submit=\"reset\"><button name=\"go\" class=\"primary-destructive\">Go</button></form>",
        "<form id=\"f\" data-multi-submit=\"reset\"><button type=\"action\" name=\"go\" class=\"primary\">Go</button></form>",
    );
    presented(
        "<ui-action action=\"open-im\" user-ids=\"[1]\"><button>Talk</button></ui-action>",
        "<div class=\"ui-action\" data-action=\"open-im\" data-trigger=\"click\" data-user-ids=\"[1]\">\
         <button>Talk</button></div>",
    );
}

#[test]
fn what_the_document_lists_is_refused_in_its_words() {
    let many = "<checkbox name=\"c\">x</checkbox>".repeat(51);
    let cases = [
        (
            "<marquee/>",
            "Invalid MessageML content at element \"marquee\"",
        ),
        (
            "<b colour=\"red\">x</b>",
            "Attribute \"colour\" is not allowed in \"b\"",
        ),
        ("<b><p>x</p></b>", "Element \"p\" is not allowed in \"b\""),
        (
            "<text-field name=\"x\"/>",
            "Element \"text-field\" can only be a inner child of the following elements: [form]",
        ),
        (
            &form("<option value=\"1\">x</option>"),
            "Element \"option\" can only be a child of the following elements: [select]",
        ),
        (&form("<text-field/>"), "The attribute \"name\" is required"),
        (
            &form("<select name=\"s\"></select>"),
            "The \"select\" element must have at least one child that is any of the following elements: [option].",
        ),
        (
            "<form id=\"x\">a</form>",
            "The form with id 'x' should have at least one action button",
        ),
        (
            &form("<form id=\"g\"><button name=\"b\">b</button></form>"),
            "Element \"form\" cannot be an inner child of the following elements: [form]",
        ),
        (
            &form(&many),
            "Element \"form\" cannot have more than 50 children of the following elements: [checkbox",
        ),
        (
            "<expandable-card state=\"x\"><header/><body/></expandable-card>",
            "Attribute \"state\" of element \"expandable-card\" can only be one of the following values: [collapsed, cropped, expanded].",
        ),
        (
            "<div class=\"entity\" data-entity-id=\"k\">x</div>",
            "Error processing EntityJSON: no entity data provided for \"data-entity-id\"=\"k\"",
        ),
        ("<b>x</i>", "Invalid messageML: "),
        ("a & b", "Invalid messageML: "),
        ("<p>&nbsp;</p>", "Invalid messageML: "),
        ("\u{1}", "Invalid control characters in message"),
        (
            "<span style=\"behavior:url(x)\">x</span>",
            "Invalid property(s): [behavior] in the \"style\" attribute",
        ),
        (
            "<br class=\"x\"/>",
            "Attribute \"class\" is not allowed in \"br\"",
        ),
        ("<ul>x</ul>", "may not have text content"),
        (
            "<table><li>x</li></table>",
            "Element \"li\" is not allowed in \"table\"",
        ),
        (
            "<a href=\"javascript:alert(1)\">x</a>",
            "URI scheme \"javascript\" is not supported",
        ),
        ("<cash tag=\"123\"/>", "Numeric cash tags"),
        ("<hash tag=\"!\"/>", "Invalid value"),
        ("<a href=\"https://x.test/a b\"/>", "must be a URI value"),
        ("<a href=\"/relative\"/>", "must contain an absolute URI"),
        (
            &form("<text-field name=\"n\" class=\"x\"/>"),
            "Attribute \"class\" is not allowed in \"text-field\"",
        ),
        (
            &form("<text-field name=\"n\" minlength=\"5\" maxlength=\"4\"/>"),
            "must be lower",
        ),
        (
            &form("<text-field name=\"n\" maxlength=\"129\"/>"),
            "must be between 1 and 128",
        ),
        (
            &form("<text-field name=\"n\" minlength=\"5\">abc</text-field>"),
            "initial value must be between 5 and 128",
        ),
        (
            &form("<person-selector name=\"n\" value=\"ada\"/>"),
            "should be an array of user ids",
        ),
        ("<chime/>x", "chime"),
        ("<!-- x -->", "#comment"),
        (
            "<form id=\"f\"><button>Go</button></form>",
            "Attribute \"name\" is required for action buttons",
        ),
        (
            "<form id=\"a b\"><button name=\"go\">Go</button></form>",
            "must not contain any whitespace",
        ),
    ];
    for (inner, expected) in cases {
        refused(inner, expected);
    }
    let twice = form("") + &form("");
    refused(&twice, "unique");
}

#[test]
fn what_is_around_a_message_is_checked_too() {
    let cases = [
        ("", None, "the message cannot be null or empty"),
        ("  ", None, "the message cannot be null or empty"),
        ("<p>x</p>", None, "Root tag must be <messageML> or <div>"),
        ("plain text", None, "Invalid messageML: "),
        ("<!DOCTYPE x><messageML/>", None, "Invalid messageML: "),
        (
            "<messageML class=\"x\"/>",
            None,
            "is not allowed in \"messageML\"",
        ),
        (
            "<messageML/>",
            Some("[]"),
            "provided content is not a JSON object",
        ),
        ("<messageML/>", Some("{"), "Error parsing EntityJSON: "),
        (
            "<messageML>${entity.missing}</messageML>",
            Some("{}"),
            "Freemarker",
        ),
        (
            "<div><mention uid=\"1\"/></div>",
            None,
            "Shorthand tag \"mention\" is not allowed in PresentationML",
        ),
    ];
    for (message, data, expected) in cases {
        let refused = read(message, data, &find).expect_err(message);
        assert!(refused.contains(expected), "{message}: {refused}");
    }
}

#[test]
fn templates_take_their_values_of_the_data() {
    let data = r#"{"joke":{"type":"x","text":"a &lt; b"}}"#;
    let message = "<messageML><div class=\"entity\" data-entity-id=\"joke\">${entity['joke'].text}</div></messageML>";
    let read = read(message, Some(data), &find).expect("good");
    assert!(
        read.presentation.contains(">a &lt; b</div>"),
        "{}",
        read.presentation
    );
    assert_eq!(read.text, "a < b");
    assert_eq!(read.data["joke"]["type"], "x");
}

#[test]
fn text_is_what_people_read() {
    let inner =
        "<h2>Orders</h2><table><tr><td>a</td><td>b</td></tr></table><ul><li>x</li><li>y</li></ul>";
    let read = read(&format!("<messageML>{inner}</messageML>"), None, &find).expect("good");
    assert_eq!(read.text, "Orders\na b\nx\ny");
}

#[test]
fn a_form_is_kept_with_what_it_begins_with() {
    let inner = form(
        "<text-field name=\"t\">hi</text-field><checkbox name=\"c\" checked=\"true\">x</checkbox>\
         <checkbox name=\"c\" value=\"two\">y</checkbox><radio name=\"r\" value=\"1\">r</radio>\
         <select name=\"s\"><option value=\"a\" selected=\"true\">A</option><option value=\"b\">B</option></select>\
         <person-selector name=\"p\"/><date-picker name=\"d\"/><text-field name=\"off\" disabled=\"true\"/>",
    );
    let read = read(&format!("<messageML>{inner}</messageML>"), None, &find).expect("good");
    let submitted = read.forms[0].submitted("go", &Map::new()).expect("good");
    let expected = serde_json::json!({ "action": "go", "t": "hi", "c": "on", "s": "a", "p": [] });
    assert_eq!(submitted, expected);
    let given = serde_json::json!({ "c": ["on", "two"], "r": "1", "s": "b", "d": "2024-02-29" });
    let submitted = read.forms[0].submitted("go", given.as_object().expect("an object"));
    let expected = serde_json::json!({
        "action": "go", "t": "hi", "c": ["on", "two"], "r": "1", "s": "b", "p": [], "d": "2024-02-29",
    });
    assert_eq!(submitted, Ok(expected));
    for (button, given) in [("no", "{}"), ("go", "{\"x\":1}"), ("go", "{\"s\":\"z\"}")] {
        let given: Map<String, Value> = serde_json::from_str(given).expect("JSON");
        assert!(read.forms[0].submitted(button, &given).is_err(), "{button}");
    }
}

mod any {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of messages, good and bad.
    const PIECES: [&str; 22] = [
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<br/>",
        "<form id=\"f\">",
        "</form>",
        "<text-field name=\"n\"/>",
        "<button name=\"b\">",
        "</button>",
        "<mention uid=\"1\"/>",
        "<cash tag=\"x\"/>",
        "&amp;",
        "&",
        "${",
        "}",
        "entity.x",
        "<table><tr><td>",
        "</td></tr></table>",
        "\u{e9}\u{1f600}",
        "]]>",
        "<!--",
    ];

    proptest! {
        #[test]
        fn anything_is_taken_or_refused_and_what_is_taken_is_well_formed(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..24),
            text in ".{0,40}",
        ) {
            let inner = pieces.concat();
            for message in [
                format!("<messageML>{inner}</messageML>"),
                format!("<messageML>{text}</messageML>"),
                format!("<messageML>{}</messageML>", escape(&text)),
                text.clone(),
            ] {
                if let Ok(read) = read(&message, Some("{\"x\":\"y\"}"), &find) {
                    prop_assert!(Document::parse(&read.presentation).is_ok(), "{}", read.presentation);
                }
            }
        }
    }
}
