//! {{summary}}.

use parlor_sdk::content::FieldKind;
use parlor_sdk::prelude::*;

#[derive(Default)]
struct Plugin;

#[behaviour(summary = "{{summary}}")]
impl Plugin {
    /// Where a platform shows no forms, the host asks the questions one by one.
    #[command("/order", help = "Orders lunch")]
    fn order(&mut self, cx: &Context) -> Reply {
        let note = Field::new("note", "Anything else", FieldKind::Text).max("100");
        cx.reply(
            Form::new("lunch")
                .title("Lunch")
                .select("dish", "Dish", [("soup", "Soup"), ("salad", "Salad")])
                .field(note)
                .submit("Order"),
        )
    }

    /// The host has checked every answer before it calls this; parameters are named after fields.
    #[form("lunch")]
    fn ordered(&mut self, cx: &Context, dish: String, note: Option<String>) -> Reply {
        let who = cx.first_name();
        cx.reply(match note {
            Some(note) => format!("{who} gets {dish}, {note}."),
            None => format!("{who} gets {dish}."),
        })
    }
}
