//! Lists, page by page (webex.md §2.9). The next page is at an address that the platform gives; two
//! things can be wrong with it, and are put right: `max=null`, and our own parameters left out.

use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use url::Url;

use super::{Api, ApiError};
use crate::connectors::webex::wire::Page;

/// Pages of one list; an answer that always names another one ends there.
const MAX_PAGES: usize = 200;

/// A page, and where the next one is.
pub(in super::super) struct Listed<T> {
    pub(in super::super) items: Vec<T>,
    pub(in super::super) next: Option<Url>,
}

impl Api {
    /// Asks for one page.
    pub(in super::super) async fn page<T: DeserializeOwned>(
        &self,
        url: Url,
    ) -> Result<Listed<T>, ApiError> {
        let (page, headers): (Page<T>, _) = self.get_at(&url).await?;
        Ok(Listed {
            items: page.items,
            next: next_of(&headers, &url),
        })
    }

    /// Asks for the whole of a list, as long as `goes_on` says so of what came so far. A page that is
    /// empty may have a next one.
    pub(in super::super) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        goes_on: impl Fn(&[T]) -> bool,
    ) -> Result<Vec<T>, ApiError> {
        let mut all = Vec::new();
        let mut next = Some(self.url(path, query));
        for _ in 0..MAX_PAGES {
            let Some(url) = next.filter(|_| goes_on(&all)) else {
                break;
            };
            let page = self.page(url).await?;
            all.extend(page.items);
            next = page.next;
        }
        Ok(all)
    }
}

/// The address of the next page; `asked` is that of this one.
fn next_of(headers: &HeaderMap, asked: &Url) -> Option<Url> {
    let links = headers.get_all(header::LINK).iter();
    let links = links.filter_map(|link| link.to_str().ok());
    let next = links.flat_map(links_of).find(|(_, rel)| *rel == "next")?;
    let next = asked.join(next.0).ok()?;
    Some(mended(&next, asked))
}

/// The addresses of a header with what each is to this page.
fn links_of(header: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((url, after)) = after.split_once('>') else {
            break;
        };
        let end = after.find('<').unwrap_or(after.len());
        let parameters = after[..end].split(';').map(str::trim);
        let rel = parameters
            .filter_map(|parameter| parameter.trim_end_matches([',', ' ']).strip_prefix("rel="))
            .next();
        links.push((url, rel.unwrap_or_default().trim_matches('"')));
        rest = &after[end..];
    }
    links
}

fn mended(next: &Url, asked: &Url) -> Url {
    let is_null = |name: &str, value: &str| name == "max" && value == "null";
    let mut pairs: Vec<(String, String)> = next
        .query_pairs()
        .filter(|(name, value)| !is_null(name, value))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    // A cursor has its own idea of where the list goes on; everything else is ours.
    for (name, value) in asked.query_pairs() {
        let is_place = matches!(&*name, "cursor" | "before" | "beforeMessage");
        if !is_place && !pairs.iter().any(|(known, _)| *known == name) {
            pairs.push((name.into_owned(), value.into_owned()));
        }
    }
    let mut mended = next.clone();
    mended.set_query(None);
    if !pairs.is_empty() {
        mended.query_pairs_mut().extend_pairs(pairs);
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str, asked: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::LINK, link.parse().unwrap());
        let asked = Url::parse(asked).unwrap();
        next_of(&headers, &asked).map(|url| url.to_string())
    }

    #[test]
    fn the_next_page_is_at_the_address_that_was_given_put_right() {
        let asked = "https://webexapis.com/v1/messages?roomId=R&max=2&mentionedPeople=me";
        let is = |link: &str, expected: Option<&str>| {
            assert_eq!(next(link, asked).as_deref(), expected, "{link}");
        };
        is(
            "<https://webexapis.com/v1/messages?cursor=x&roomId=R&max=2&mentionedPeople=me>; rel=\"next\"",
            Some("https://webexapis.com/v1/messages?cursor=x&roomId=R&max=2&mentionedPeople=me"),
        );
        // What it leaves out of ours is put back, and nothing is sent as `null`.
        is(
            "<https://webexapis.com/v1/messages?cursor=x&max=null>; rel=\"next\"",
            Some("https://webexapis.com/v1/messages?cursor=x&roomId=R&max=2&mentionedPeople=me"),
        );
        is(
            "<https://webexapis.com/v1/a>; rel=\"first\", <https://webexapis.com/v1/b?max=2&roomId=R&mentionedPeople=me>;rel=next",
            Some("https://webexapis.com/v1/b?max=2&roomId=R&mentionedPeople=me"),
        );
        is("<https://webexapis.com/v1/a>; rel=\"prev\"", None);
        is("nonsense <", None);
    }
}
