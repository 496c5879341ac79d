//! What ARCHITECTURE.md names, in backquotes, in its map and in its links, is there: files, folders, items of
//! modules, and tests as `file.rs::name`.

use super::RepoFile;

/// The page that is looked through.
pub(super) const PAGE: &str = "host/ARCHITECTURE.md";
/// Where what it names may lie.
const ROOTS: [&str; 3] = ["", "host/", "host/src/"];
/// Where the modules are that it names.
const MODULES: &str = "host/src/";
/// The part of the page with what is promised, each as an item of a list that names a test of it.
const PROMISES: &str = "## What is promised";
const PROMISE_COUNT: usize = 10;

/// Complains of every name that leads nowhere, and of every promise without a test.
pub(super) fn check_names(files: &[RepoFile], found: &mut Vec<String>) {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        found.push(format!("{PAGE}: is not there"));
        return;
    };
    let mut complain = |line: usize, name: &str, what: &str| {
        found.push(format!("{PAGE}:{line}: {name}: {what}"));
    };
    let mut fence = Fence::default();
    for (number, line) in (1..).zip(page.text.lines()) {
        if fence.opens_or_ends(line) {
            continue;
        }
        let mapped = fence.mapped(line);
        let spans = line.split('`').skip(1).step_by(2).map(str::to_owned);
        for name in mapped.into_iter().chain(spans).chain(links(line)) {
            if let Some(what) = what_is_wrong(files, &fence.folder, &name) {
                complain(number, &name, what);
            }
        }
    }
    for promise in 1..=PROMISE_COUNT {
        if !names_a_test(&page.text, promise) {
            complain(1, PROMISES, &format!("promise {promise} names no test"));
        }
    }
}

/// A fenced part of the page; the first one is the map.
#[derive(Default)]
struct Fence {
    count: usize,
    is_open: bool,
    /// The folder that the map is in.
    folder: String,
}

impl Fence {
    fn opens_or_ends(&mut self, line: &str) -> bool {
        if !line.starts_with("```") {
            return false;
        }
        self.is_open = !self.is_open;
        self.count += usize::from(self.is_open);
        self.folder.clear();
        true
    }

    /// The file or folder that a line of the map is about.
    fn mapped(&mut self, line: &str) -> Option<String> {
        if !self.is_open || self.count != 1 {
            return None;
        }
        let indent = line.len() - line.trim_start().len();
        let name = line.split_whitespace().next()?;
        let is_path = name.ends_with('/') || name.ends_with(".rs");
        match indent {
            0 if is_path => {
                name.clone_into(&mut self.folder);
                Some(name.to_owned())
            }
            2 if is_path => Some(format!("{}{name}", self.folder)),
            _ => None,
        }
    }
}

/// Where the links of a line lead within the repository.
fn links(line: &str) -> impl Iterator<Item = String> {
    let targets = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let own = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    own.map(|target| {
        let path = target.split('#').next().unwrap_or(target);
        match path.strip_prefix("../") {
            Some(above) => above.to_owned(),
            None => format!("host/{path}"),
        }
    })
}

/// Tells what is wrong with a name; nothing where it is right, or names nothing of the repository.
fn what_is_wrong(files: &[RepoFile], folder: &str, name: &str) -> Option<&'static str> {
    let is_elsewhere = name.starts_with('/') || name.starts_with("data/");
    if is_elsewhere || name.contains(|c: char| c.is_whitespace() || c == '<') {
        return None;
    }
    let (path, inside) = match name.split_once("::") {
        Some((path, inside)) => (path, Some(inside)),
        None => (name, None),
    };
    let is_path = path.contains('/') || path.ends_with(".rs") || path.ends_with(".md");
    match inside {
        None if !is_path => None,
        // One of many, such as the `convert.rs` of each connector.
        None if !path.contains('/') && path.ends_with(".rs") => {
            let end = format!("/{path}");
            let is_there = files.iter().any(|file| file.path.ends_with(&end))
                || !below(files, path, &ROOTS).is_empty();
            (!is_there).then_some("is no file")
        }
        None => {
            let here = format!("{MODULES}{folder}");
            let roots = [&ROOTS[..], &[here.as_str()]].concat();
            let is_there = |path: &String| !below(files, path, &roots).is_empty();
            let all = expanded(path).iter().all(is_there);
            (!all).then_some("is no file and no folder")
        }
        Some(test) if is_path => {
            let head = format!("fn {test}(");
            let all = below(files, path, &ROOTS);
            let is_there = all.iter().any(|file| file.text.contains(&head));
            (!is_there).then_some("is no function of that file")
        }
        Some(_) => (!is_item(files, name)).then_some("is nothing of that module"),
    }
}

/// `a/{b,c}.rs` is `a/b.rs` and `a/c.rs`.
fn expanded(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![path.to_owned()];
    };
    let (choices, after) = rest.split_once('}').unwrap_or((rest, ""));
    let choices = choices.split(',');
    choices
        .map(|choice| format!("{before}{choice}{after}"))
        .collect()
}

/// The file of a path, with or without its ending, or what lies below it.
fn below<'f>(files: &'f [RepoFile], path: &str, roots: &[&str]) -> Vec<&'f RepoFile> {
    let path = path.trim_end_matches('/');
    let is_of = |file: &&RepoFile| {
        roots.iter().any(|root| {
            let rest = file.path.strip_prefix(root);
            let rest = rest.and_then(|rest| rest.strip_prefix(path));
            rest.is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
        })
    };
    files.iter().filter(is_of).collect()
}

/// Tells whether `module::module::Item::function` is there: modules by their files, the rest as words in them.
/// `Item::function` may be anywhere.
fn is_item(files: &[RepoFile], name: &str) -> bool {
    let mut module = String::new();
    let mut inside: Vec<&RepoFile> = Vec::new();
    let mut rest = name.split("::").peekable();
    if name.starts_with(char::is_uppercase) {
        let all = files.iter().filter(|file| file.path.starts_with(MODULES));
        inside = all.collect();
    }
    while let Some(next) = rest.peek() {
        let path = match module.is_empty() {
            true => (*next).to_owned(),
            false => format!("{module}/{next}"),
        };
        let found = below(files, &path, &[MODULES]);
        if found.is_empty() {
            break;
        }
        (module, inside) = (path, found);
        rest.next();
    }
    let has = |word: &str| {
        let is_word = |file: &&RepoFile| file.text.split(|c: char| !is_part(c)).any(|w| w == word);
        inside.iter().any(is_word)
    };
    !inside.is_empty() && rest.all(has)
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Tells whether a promise is there and names a test.
fn names_a_test(page: &str, promise: usize) -> bool {
    let promises = page.split_once(PROMISES).map_or("", |(_, rest)| rest);
    let promises = promises.split("\n## ").next().unwrap_or_default();
    let Some((_, text)) = promises.split_once(&format!("\n{promise}. ")) else {
        return false;
    };
    let end = text.find(&format!("\n{}. ", promise + 1));
    text[..end.unwrap_or(text.len())].contains(".rs::")
}

/// A page whose promises are all shown by one test.
#[cfg(test)]
pub(super) fn promises(test: &str) -> String {
    let promises = (1..=PROMISE_COUNT).map(|promise| format!("{promise}. `{test}`\n"));
    format!("{PROMISES}\n\n{}", promises.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is complained of in a page with these lines, by the name.
    fn complaints(lines: &str) -> Vec<String> {
        let page = format!("{lines}\n{}", promises("outbox/tests.rs::keeps_order"));
        let files = [
            RepoFile::new(PAGE, &page),
            RepoFile::new("host/src/outbox.rs", "pub struct Outbox;\n"),
            RepoFile::new("host/src/outbox/tests.rs", "fn keeps_order() {}\n"),
            RepoFile::new("host/src/outbox/pace.rs", ""),
            RepoFile::new("tests/STORM.md", ""),
        ];
        let mut found = Vec::new();
        check_names(&files, &mut found);
        found
    }

    #[track_caller]
    fn check(lines: &str, complaint: &str) {
        let found = complaints(lines);
        if complaint.is_empty() {
            assert_eq!(found, Vec::<String>::new(), "{lines}");
        } else {
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(complaint), "{found:?}");
        }
    }

    #[test]
    fn files_and_folders_that_are_named_are_there() {
        check("in `outbox/pace.rs` and `outbox/`", "");
        check("in `outbox/{pace,tests}.rs`", "");
        check("in `outbox/{pace,race}.rs`", "is no file and no folder");
        check("in `outbox/race`", "is no file and no folder");
        check("each has its `pace.rs`", "");
        check("each has its `race.rs`", "is no file");
        check("see [storms](../tests/STORM.md#wear)", "");
        check("see [storms](../tests/WIND.md)", "tests/WIND.md");
        check("`/metrics`, `data/blobs`, `connectors/<platform>/x.rs`", "");
    }

    #[test]
    fn the_map_is_of_what_there_is() {
        check("```\noutbox/    out\n  pace.rs    how fast\n```", "");
        check("```\noutbox/    out\n  race.rs    how fast\n```", "race.rs");
        check("```\noutbox/    out, `pace` how fast\n```", "");
        check("```\ninbox/     in\n```", "inbox/");
    }

    #[test]
    fn tests_and_items_that_are_named_are_there() {
        check("`outbox/tests.rs::keeps_order`", "");
        check("`outbox/tests.rs::keeps`", "no function of that file");
        check(
            "`outbox::Outbox`, `outbox::pace`, `Outbox::keeps_order`",
            "",
        );
        check("`Outbox::keeps`", "nothing of that module");
        check("`outbox::Inbox`", "nothing of that module");
        check("`inbox::Outbox`", "nothing of that module");
    }

    #[test]
    fn each_promise_names_a_test() {
        let page = format!("{PROMISES}\n\n1. First. `a.rs::b`\n2. Second.\n\n## More `a.rs::b`\n");
        assert!(names_a_test(&page, 1));
        assert!(!names_a_test(&page, 2), "it is told without one");
        assert!(!names_a_test(&page, 3), "it is not told");
    }
}
