//! MessageML that a plugin wrote: as it is, or mended where the agent is stricter than our reader.

use super::agent;
use crate::connectors::symphony::convert::mark_of;
use crate::connectors::symphony::render::{RenderOptions, render};
use crate::model::content::Content;

const HELLO: &str = r#"<messageML><h2>Hello Form</h2>
<form id="hello-form"><text-field name="name" placeholder="Enter a name here..."/><button name="submit" type="action">Submit</button></form></messageML>"#;

#[test]
fn the_seeds_templates_and_hello_form_arrive_unchanged() {
    for source in [
        HELLO,
        r#"<messageML>Hello <b>Ada &amp; Eve</b>!</messageML>"#,
        r#"<messageML><form id="price"><text-field name="ticker" placeholder="Ticker"/><button type="action" name="price">Get Price</button></form></messageML>"#,
        r#"<div data-format="PresentationML" data-version="2.0">as it is</div>"#,
        "<messageML><expandable-card state=\"collapsed\"><header>h</header><body variant=\"error\">b</body></expandable-card></messageML>",
    ] {
        let found = render(
            &Content::MessageMl(source.to_owned()),
            RenderOptions::default(),
        );
        assert_eq!(found.unwrap().message, source);
    }
}

#[test]
fn messageml_is_mended_where_the_agent_is_stricter() {
    for (source, expected) in [
        (
            "Hello <b>you</b>",
            "<messageML>Hello <b>you</b></messageML>",
        ),
        ("a &nbsp;b & c", "<messageML>a \u{a0}b &amp; c</messageML>"),
        (
            "<messageML>${7*7} #{x} &lt;#if&gt;</messageML>",
            "<messageML>&#36;{7*7} &#35;{x} &lt;#if&gt;</messageML>",
        ),
        (
            "<messageML><!-- ${x} -->a<![CDATA[<b>]]></messageML>",
            "<messageML>a&lt;b&gt;</messageML>",
        ),
        (
            "<messageML><form id=\"f\"><text-field name=\"a\" placeholder=\"${c} & d\"/><button name=\"b\">c</button></form></messageML>",
            "<messageML><form id=\"f\"><text-field name=\"a\" placeholder=\"&#36;{c} &amp; d\"/><button name=\"b\">c</button></form></messageML>",
        ),
    ] {
        let found = render(
            &Content::MessageMl(source.to_owned()),
            RenderOptions::default(),
        );
        let found = found.unwrap().message;
        assert_eq!(found, expected, "{source}");
        agent::check(&found).unwrap();
    }
    for source in [
        "<messageML><blink>x</blink></messageML>",
        "<messageML><b>x</messageML>",
        "<messageML><form><p/></form></messageML>",
    ] {
        let refused = render(
            &Content::MessageMl(source.to_owned()),
            RenderOptions::default(),
        );
        assert!(refused.is_err(), "{source}");
    }
}

#[test]
fn a_mark_goes_where_nobody_sees_it() {
    let options = RenderOptions {
        attachments: 0,
        mark: Some("b-\"1\""),
    };
    let found = render(&Content::MessageMl(HELLO.to_owned()), options).unwrap();
    assert_eq!(found.message, HELLO);
    let data = found.data.unwrap();
    assert_eq!(mark_of(&data).as_deref(), Some("b-\"1\""));
    assert_eq!(mark_of("{}"), None);
}
