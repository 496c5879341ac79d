//! What a message's content costs on its way: read into blocks, checked, shown as text.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use parlor_host::content::{Limits, blocks, check, text};
use parlor_host::model::content::Content;

const MARKDOWN: &str = "## Assessment of three suppliers

| Supplier | Region | Orders | Late | Score | Trend |
|---|---|---:|---:|---:|---|
| Alder & Sons | North | 412 | 9 | 87.5 | (up) |
| Birch Ltd | West | 198 | 31 | 61.0 | (dn) |
| Cedar Works | South | 305 | 12 | 79.2 | steady |

Read the [whole assessment](https://example.com/assessment), **soon**; it is `final`.

- one
- two
  1. two and a half
";

const MESSAGE_ML: &str = r#"<messageML><h2>Hello</h2><p>Who are <b>you</b>?</p>
<form id="hello-form"><text-field name="name" placeholder="Your name" required="true"/>
<select name="desk"><option value="n">North</option><option value="s">South</option></select>
<button name="send" type="action">Send</button></form>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></messageML>"#;

fn benches(c: &mut Criterion) {
    for (name, content) in [
        ("plain", Content::Plain("Hello Ann".to_owned())),
        ("markdown", Content::Markdown(MARKDOWN.to_owned())),
        ("messageml", Content::MessageMl(MESSAGE_ML.to_owned())),
    ] {
        let mut group = c.benchmark_group(name);
        let read = blocks(&content).expect("the content is sound");
        check(&read, &Limits::default()).expect("the blocks are sound");
        group.bench_function("read", |b| {
            b.iter(|| blocks(black_box(&content)).expect("sound"));
        });
        group.bench_function("check", |b| {
            b.iter(|| check(black_box(&read), &Limits::default()).expect("sound"));
        });
        group.bench_function("text", |b| b.iter(|| text(black_box(&read))));
        group.finish();
    }
}

criterion_group!(all, benches);
criterion_main!(all);
