//! Inputs that are made to cost much: each is read, or refused, in bounded time, and all of them
//! together in bounded memory. In a program of its own, so that the memory is theirs.

use std::time::{Duration, Instant};

use parlor_host::content::MAX_TEXT_BYTES;
use parlor_tests::fuzz;

/// The longest that one input may take, on a machine that has other things to do and without
/// optimisation. Something quadratic in 64 KiB takes much longer.
const TIME: Duration = Duration::from_secs(10);
/// The most memory that this program may have used, in KiB. The largest input has 4 MiB.
const MEMORY_KIB: u64 = 768 * 1024;

type Target = fn(&[u8]);

fn filled(before: &str, piece: &str, after: &str) -> String {
    let room = MAX_TEXT_BYTES - before.len() - after.len();
    format!("{before}{}{after}", piece.repeat(room / piece.len()))
}

fn markdown() -> Vec<String> {
    let mut inputs: Vec<String> = [
        "[",
        "]",
        "*",
        "_",
        "**a",
        "*a_",
        "~~",
        "`",
        "> ",
        "- ",
        "1. ",
        "#",
        "<",
        "<a ",
        "<!--",
        "![](",
        "[a](",
        "[a][",
        "\\",
        "&#",
        "&amp;",
        "|",
        "| a ",
        "a\n",
        "\n",
        "\t",
        "```\n",
        "a**b",
        "[^",
        "</",
        "<?",
        "<![CDATA[",
        "$",
        "\u{202e}",
        "é",
    ]
    .iter()
    .map(|piece| filled("", piece, ""))
    .collect();
    inputs.push((1..350).map(|n| format!("{}a", "`".repeat(n))).collect());
    inputs.push(filled("[a]: b\n\n", "[a]", ""));
    inputs.push(format!(
        "{}{}",
        "[a]: /b\n".repeat(4_000),
        "[a] ".repeat(8_000)
    ));
    // Rows are filled up to the header.
    inputs.push(format!(
        "{}|\n{}|\n{}",
        "|a".repeat(8_000),
        "|-".repeat(8_000),
        "|\n".repeat(16_000)
    ));
    // One long cell, and many rows beside it.
    inputs.push(filled(
        &format!("|a|b|\n|-|-|\n|{}|x|\n", "w".repeat(20_000)),
        "|a|b|\n",
        "",
    ));
    inputs.push(
        (0..30)
            .map(|n| format!("{}- a\n", "  ".repeat(n)))
            .collect(),
    );
    inputs.push("x".repeat(MAX_TEXT_BYTES + 1));
    inputs
}

fn message_ml() -> Vec<String> {
    let root = |inner: &str| format!("<messageML>{inner}</messageML>");
    let mut inputs: Vec<String> = [
        "<b>",
        "<b/>",
        "<p/>",
        "<br/>",
        "&amp;",
        "&nbsp;",
        "&x;",
        "<!-- -->",
        "<![CDATA[]]>",
        "<?x?>",
        "<ul><li>",
        "<table><tr><td>",
        "<a href=\"https://a.example\">a</a>",
        "]]>",
        "<",
        "&",
        "\"",
    ]
    .iter()
    .map(|piece| filled("<messageML>", piece, "</messageML>"))
    .collect();
    inputs.push(root(&format!("<b {}/>", "a=\"\" ".repeat(10_000))));
    inputs.push(root(&format!(
        "<b {}/>",
        (0..6_000)
            .map(|n| format!("a{n}=\"\" "))
            .collect::<String>()
    )));
    inputs.push(format!(
        "<!DOCTYPE x [<!ENTITY a \"{}\"><!ENTITY b \"{}\">]>{}",
        "x".repeat(1_000),
        "&a;".repeat(1_000),
        root("&b;&b;&b;")
    ));
    inputs.push(root(&format!(
        "<table><tr>{}</tr></table>",
        "<td/>".repeat(12_000)
    )));
    inputs.push(root(&format!(
        "<table>{}</table>",
        "<tr><td/></tr>".repeat(4_000)
    )));
    let options: String = (0..2_000)
        .map(|n| format!("<option value=\"{n}\">o</option>"))
        .collect();
    inputs.push(root(&format!(
        "<form id=\"f\"><select name=\"s\">{options}</select></form>"
    )));
    let fields: String = (0..1_500)
        .map(|n| format!("<text-field name=\"{n}\"/>"))
        .collect();
    inputs.push(root(&format!("<form id=\"f\">{fields}</form>")));
    inputs
}

fn grammar() -> Vec<String> {
    let words = "word ".repeat(12_000);
    let mut inputs: Vec<String> = [
        "{a?} {b?} {c?} {d?} {e?} {f?} {g?} {h?} {i?} {j?}",
        "{a} {b?} {c} {d?} {e} {rest...?}",
        "{a...}",
        "{n:int?} {m:int?} {f:bool?} {x:number?} {rest...}",
        "/a {rest...}",
    ]
    .iter()
    .flat_map(|pattern| {
        [
            format!("{pattern}\n{words}"),
            format!("{pattern}\n{}", "\"".repeat(60_000)),
        ]
    })
    .collect();
    let optional: String = (0..60).map(|n| format!("{{a{n}?}} ")).collect();
    inputs.push(format!("{optional}\n{words}"));
    inputs.push(format!("{}\n{words}", "{".repeat(500)));
    inputs.push(format!(
        "/a {{x}}\n/a {}",
        "@Desk $goog #topic ".repeat(3_000)
    ));
    inputs.push(format!("k\n{}", "k".repeat(64_000)));
    inputs
}

fn settings() -> Vec<String> {
    const SIZE: usize = 1024 * 1024;
    let keys = (0..100_000)
        .map(|n| format!("key{n} = 1\n"))
        .collect::<String>();
    let line = (0..50_000).map(|n| format!("k{n}=1,")).collect::<String>();
    let plugins = (0..10_000).map(|n| format!("[plugin.p{n}]\nlimits = {{ cpu-ms = 5 }}\n"));
    vec![
        keys,
        format!("x = {{ {line} y=1 }}"),
        format!("[plugin.joke]\nconfig = {{ {line} y=1 }}"),
        plugins.collect(),
        "[[bot]]\nname = \"desk\"\nplatform = \"local\"\n".repeat(20_000),
        "[".repeat(SIZE),
        "x = [".to_owned() + &"[".repeat(SIZE),
        "x = ".to_owned() + &"{a=".repeat(SIZE / 3),
        "a.".repeat(SIZE / 2) + "a = 1",
        format!("[{}a]", "a.".repeat(SIZE / 2)),
        format!("x = \"{}\"", "\\u0041".repeat(SIZE / 6)),
        format!("data = \"{}\"", "é".repeat(SIZE)),
        "#".repeat(SIZE),
        "\n".repeat(SIZE),
        format!("[sentences]\nusage = \"{}\"", "{usage}".repeat(SIZE / 7)),
        format!("[roles]\nstaff = [{}]", "\"*a*b*c*d*\",".repeat(9_000)),
    ]
}

fn dialogs() -> Vec<String> {
    let form = |field: &str| format!("<messageML><form id=\"f\">{field}</form></messageML>\0");
    let text = form("<text-field name=\"t\" required=\"true\"/>");
    let options: String = (0..500)
        .map(|n| format!("<option value=\"{n}\">o{n}</option>"))
        .collect();
    let select = form(&format!(
        "<select name=\"s\" required=\"true\">{options}</select>"
    ));
    vec![
        format!("{text}{}", "x".repeat(64_000)),
        format!("{text}{}", "back\n".repeat(10_000)),
        format!("{select}{}", "1,".repeat(30_000)),
        format!("{select}{}", "back\n9999\n".repeat(3)),
        form(&"<text-field name=\"a\" pattern=\"(a{1000}){1000}\"/>".repeat(3)) + "aaaa",
        form("<text-field name=\"a\" required=\"true\" pattern=\"(a*)*b\"/>") + &"a".repeat(16_000),
    ]
}

#[test]
fn costly_inputs_take_bounded_time_and_memory() {
    let inputs: [(&str, Target, Vec<String>); 5] = [
        ("markdown", fuzz::markdown, markdown()),
        ("message-ml", fuzz::message_ml, message_ml()),
        ("grammar", fuzz::command_grammar, grammar()),
        ("settings", fuzz::settings, settings()),
        ("dialog", fuzz::dialog, dialogs()),
    ];
    for (name, target, inputs) in inputs {
        for (number, input) in inputs.iter().enumerate() {
            let begun = Instant::now();
            target(input.as_bytes());
            let took = begun.elapsed();
            let start: String = input.chars().take(40).collect();
            assert!(took < TIME, "{name} {number} took {took:?}: {start:?}");
        }
    }
    fuzz::presentation(
        filled(
            "<div>",
            "<span class=\"entity\" data-entity-id=\"0\">",
            "</div>",
        )
        .as_bytes(),
    );
    if let Some(used) = peak_kib() {
        assert!(used < MEMORY_KIB, "{used} KiB were used");
    }
}

/// The most memory that this process ever had, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
