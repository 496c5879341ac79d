//! Links between pages, and that the table of contents has every page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Tag, TagEnd};

use super::Page;
use crate::guests::workspace;

/// The table of contents.
const SUMMARY: &str = "docs/SUMMARY.md";
/// Where files of the repository are that are no pages of the book: the book is read elsewhere, too.
const REPOSITORY: &str = "https://github.com/parlor-bots/parlor/";

/// Complains of links that lead nowhere or out of the book, and of pages that are not in its contents.
pub fn check(pages: &[Page]) -> Vec<String> {
    let anchors: BTreeMap<&str, BTreeSet<String>> = pages
        .iter()
        .map(|page| (page.path.as_str(), anchors(page)))
        .collect();
    let mut found = Vec::new();
    let mut listed = BTreeSet::new();
    for page in pages {
        for (line, target) in links(page) {
            let place = format!("{}:{line}", page.path);
            match resolve(page, &target, &anchors) {
                Ok(Some(path)) if page.path == SUMMARY => {
                    if !listed.insert(path.clone()) {
                        found.push(format!("{place}: {path} is listed twice"));
                    }
                }
                Ok(_) => {}
                Err(why) => found.push(format!("{place}: {target}: {why}")),
            }
        }
    }
    let in_book = pages
        .iter()
        .filter(|page| page.path.starts_with("docs/") && page.path != SUMMARY);
    for page in in_book.filter(|page| !listed.contains(&page.path)) {
        found.push(format!("{}:1: is not in {SUMMARY}", page.path));
    }
    found
}

/// Where a page leads, with the lines.
fn links(page: &Page) -> Vec<(usize, String)> {
    let found = page.events().filter_map(|(event, place)| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some((page.line_of(place.start), dest_url.to_string()))
        }
        _ => None,
    });
    found.collect()
}

/// The page that a link leads to, where it is one.
fn resolve(
    from: &Page,
    target: &str,
    anchors: &BTreeMap<&str, BTreeSet<String>>,
) -> Result<Option<String>, String> {
    if let Some(rest) = target.strip_prefix(REPOSITORY) {
        let file = rest
            .trim_start_matches("blob/main/")
            .trim_start_matches("tree/main/");
        let file = file.split('#').next().unwrap_or_default();
        return match workspace().join(file).exists() {
            true => Ok(None),
            false => Err("there is no such file".to_owned()),
        };
    }
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(None);
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => from.path.clone(),
        path => beside(&from.path, path),
    };
    if from.path.starts_with("docs/") && !path.starts_with("docs/") {
        return Err(format!(
            "it leads out of the book; write {REPOSITORY}blob/main/{path}"
        ));
    }
    if !workspace().join(&path).exists() {
        return Err(format!("there is no {path}"));
    }
    let Some(known) = anchors.get(path.as_str()) else {
        return Ok(None);
    };
    if !anchor.is_empty() && !known.contains(anchor) {
        return Err(format!("{path} has no such heading"));
    }
    Ok(Some(path))
}

/// A path that is written from a page's folder, from the root.
fn beside(page: &str, path: &str) -> String {
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let mut whole = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            Component::Normal(name) => whole.push(name),
            _ => {}
        }
    }
    whole.display().to_string()
}

/// The names by which a page's headings are led to, as mdBook and GitHub make them.
fn anchors(page: &Page) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut heading: Option<String> = None;
    for (event, _) in page.events() {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let name = slug(&heading.take().unwrap_or_default());
                let mut unique = name.clone();
                let mut count = 0;
                while !found.insert(unique.clone()) {
                    count += 1;
                    unique = format!("{name}-{count}");
                }
            }
            _ => {}
        }
    }
    found
}

fn slug(heading: &str) -> String {
    let signs = heading.trim().chars().filter_map(|sign| match sign {
        ' ' => Some('-'),
        sign if sign.is_alphanumeric() || sign == '-' || sign == '_' => Some(sign),
        _ => None,
    });
    signs.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Page {
        Page {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn dead_links_and_pages_that_nobody_finds_are_named() {
        let pages = [
            page(SUMMARY, "- [Access](access.md)\n- [Access](access.md)\n"),
            page(
                "docs/access.md",
                "# Who may\n\n[a](#who-may) [b](#who-must)\n[c](no.md) [d](../README.md) [e](https://a.example)\n",
            ),
            page("docs/lonely.md", "[f](access.md#who-may) `[g](no.md)`\n"),
        ];
        let found = check(&pages);
        let wanted = [
            "docs/SUMMARY.md:2: docs/access.md is listed twice",
            "docs/access.md:3: #who-must: docs/access.md has no such heading",
            "docs/access.md:4: no.md: there is no docs/no.md",
            "docs/access.md:4: ../README.md: it leads out of the book; write \
             https://github.com/parlor-bots/parlor/blob/main/README.md",
            "docs/lonely.md:1: is not in docs/SUMMARY.md",
        ];
        assert_eq!(found, wanted);
    }
}
