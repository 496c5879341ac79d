//! Answers everything from a template, with one of its bytes' own marker as `versioned` does. A package of
//! its own: the feature would be on for all guests that are built with it.

use std::collections::BTreeMap;

use parlor_sdk::prelude::*;
use parlor_sdk::templates;

static ANSWER: [u8; 17] = *b"ANSWER-0000000000";

/// The first template of the Python kit's own page, as it is written there.
const HELLO: &str = "Hello <b>{{ name }}</b>!";

/// The second one.
const PRICE: &str = r#"<form id="price">
    <text-field name="ticker" placeholder="Ticker" /><br />
    <button type="action" name="price">Get Price</button>
</form>"#;

/// And its form.
const FORM: &str = r#"<h2>Hello Form</h2>
<form id="hello-form">
  <text-field name="name" placeholder="Enter a name here..."/>
  <button name="submit" type="action">Submit</button>
</form>"#;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "templated", summary = "Answers from a template")]
impl Guest {
    #[command("/hello", help = "Greets from a template")]
    fn hello(&mut self, cx: &Context) -> Result<Reply, Error> {
        let values = BTreeMap::from([("name", cx.display_name())]);
        Ok(cx.reply(templates::render_message_ml(HELLO, &values)?))
    }

    #[command("/price", help = "Asks for a price from a template")]
    fn price(&mut self, cx: &Context) -> Result<Reply, Error> {
        let nothing = BTreeMap::<&str, &str>::new();
        Ok(cx.reply(templates::render_message_ml(PRICE, &nothing)?))
    }

    #[command("/hello-form", help = "Asks for a name from a template")]
    fn hello_form(&mut self, cx: &Context) -> Result<Reply, Error> {
        let nothing = BTreeMap::<&str, &str>::new();
        Ok(cx.reply(templates::render_message_ml(FORM, &nothing)?))
    }

    #[form("hello-form")]
    fn greet(&mut self, cx: &Context, name: String) -> Reply {
        cx.reply(["Hello, ", &name].concat())
    }

    #[form("price")]
    fn answer(&mut self, cx: &Context, ticker: String) -> Reply {
        cx.reply([&ticker, " is at 1"].concat())
    }

    #[message()]
    fn message(&mut self) -> Result<String, Error> {
        let answer = String::from_utf8_lossy(std::hint::black_box(&ANSWER));
        let values = BTreeMap::from([("answer", answer)]);
        templates::render("{{ answer }}", &values)
    }
}
