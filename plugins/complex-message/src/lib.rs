//! Sends one message with everything in it: a title, a table, signs, a link, an emoji.

use parlor_sdk::content::Alignment;
use parlor_sdk::prelude::*;

/// The plugin of the complex message.
#[derive(Debug, Default)]
pub struct ComplexMessage;

#[behaviour(name = "complex-message", summary = "Shows what a message can hold")]
impl ComplexMessage {
    #[command("/complex_message", help = "Sends a message with a table")]
    fn complex_message(&mut self, cx: &Context) -> Reply {
        let report = "https://example.com/assessment";
        cx.reply(
            Blocks::new()
                .heading(2, "Assessment of three suppliers")
                .table(table())
                .paragraph(
                    Line::new()
                        .text("Read the ")
                        .link("whole assessment", report)
                        .text(" ")
                        .emoji("coffee"),
                ),
        )
    }
}

// `(up)` and `(dn)` are plain text: LSEG Messenger shows them as arrows, others as they are.
fn table() -> Table {
    use Alignment::{Left, Right};
    Table::new()
        .header(["Supplier", "Region", "Orders", "Late", "Score", "Trend"])
        .align([Left, Left, Right, Right, Right, Left])
        .row(["Alder & Sons", "North", "412", "9", "87.5", "(up)"])
        .row(["Birch Ltd", "West", "198", "31", "61.0", "(dn)"])
        .row(["Cedar Works", "South", "305", "12", "79.2", "steady"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_title_table_link_and_emoji() {
        let answer = Bench::new(ComplexMessage).say("/complex_message");
        let text = answer.texts().concat();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6);
        assert!(lines[1..5].iter().all(|row| row.split('\t').count() == 6));
        for once in ["(up)", "(dn)", ":coffee:", "whole assessment"] {
            assert_eq!(text.matches(once).count(), 1, "{once}");
        }
    }
}
