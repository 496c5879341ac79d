//! Results as an XML file that build servers read.

use std::fmt::Write as _;

use super::lines::of_dialog;
use super::{Outcome, Ran, Sort};

/// Writes the results: a suite for each plugin, a case for each dialog.
pub(super) fn report(ran: &[Ran]) -> String {
    let mut plugins: Vec<&str> = ran.iter().map(|ran| ran.plugin.as_str()).collect();
    plugins.dedup();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for plugin in plugins {
        let cases: Vec<&Ran> = ran.iter().filter(|ran| ran.plugin == plugin).collect();
        let of = |outcome| cases.iter().filter(|ran| ran.outcome == outcome).count();
        let (failed, errors) = (of(Outcome::Failed), of(Outcome::Error));
        let took: u64 = cases.iter().map(|ran| ran.took_ms).sum();
        // Writing to a text cannot fail.
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"{errors}\" time=\"{}\">",
            escaped(plugin),
            cases.len(),
            seconds(took)
        );
        for case in cases {
            xml.push_str(&test_case(case));
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn test_case(ran: &Ran) -> String {
    let file = ran.file.display().to_string();
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\" time=\"{}\"",
        escaped(&ran.dialog),
        escaped(&ran.plugin),
        escaped(&file),
        ran.line,
        seconds(ran.took_ms)
    );
    let Some(failure) = &ran.failure else {
        return format!("{head}/>\n");
    };
    let words = match ran.sort {
        Sort::Run => failure.message.clone(),
        Sort::Dialog | Sort::Contract => of_dialog(ran)[1..].join("\n"),
    };
    let tag = match ran.outcome {
        Outcome::Error => "error",
        Outcome::Ok | Outcome::Failed => "failure",
    };
    format!(
        "{head}>\n      <{tag} message=\"{}\">{}</{tag}>\n    </testcase>\n",
        escaped(&failure.message),
        escaped(words.trim_matches('\n'))
    )
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// A text inside XML: what means something there is written another way, what must not be there goes.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\t' | '\n' => written.push(c),
            c if c.is_control() || ['\u{fffe}', '\u{ffff}'].contains(&c) => {}
            c => written.push(c),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_does_not_hold_is_left_out() {
        assert_eq!(
            escaped("a<b>&\"c\"\u{1b}[1m\n"),
            "a&lt;b&gt;&amp;&quot;c&quot;[1m\n"
        );
    }

    #[test]
    fn seconds_have_three_digits() {
        assert_eq!(seconds(12_034), "12.034");
        assert_eq!(seconds(7), "0.007");
    }
}
