//! Feeds of version 1, for pods that still have them: an event handed out is gone, and the feed's id
//! is kept in a file (symphony.md §3.2).

use std::path::{Path, PathBuf};

use http::{Method, StatusCode};

use super::missed::Behind;
use super::{Feed, Hearing, MAX_FEEDS};
use crate::connectors::symphony::api::ApiError;
use crate::connectors::symphony::site::Call;
use crate::connectors::symphony::wire::rest::Id;
use crate::mailbox::session::SessionEnd;

/// The file's name where the settings name a folder.
const FILE: &str = "datafeed.id";

impl Hearing<'_> {
    pub(super) async fn hear_v1(&self) -> Result<SessionEnd, ApiError> {
        let kept = match self.connector.marks.feed() {
            // A session that was cut goes on where it was.
            Some(feed) => Some(feed.into_id()),
            None if self.connector.marks.is_first() => self.kept_id().await,
            // Given up with its agent.
            None => None,
        };
        let mut id = match kept {
            Some(id) => id,
            None => self.make_v1().await?,
        };
        let marks = &self.connector.marks;
        marks.keep(Some(Feed::new(id.clone())));
        // What a feed of this version has handed out is gone, also where it did not arrive.
        let progress = &self.connector.progress;
        progress.open_gap(None);
        progress.begin(self.connector.now());
        self.connected();
        let mut behind = Behind::default();
        let mut made = 0;
        loop {
            if let Some(end) = self.catch_up(&mut behind).await? {
                return Ok(end);
            }
            let path = ["agent", "v4", "datafeed", &id, "read"];
            match self.read_batch(Call::get(&path)).await {
                Ok(batch) => {
                    made = 0;
                    self.heard();
                    match self.take(&batch.events).await {
                        None => return Ok(SessionEnd::Stopped),
                        Some(Err(end)) => return Ok(end),
                        Some(Ok(())) => {}
                    }
                }
                Err(error) => {
                    let refusal = error.refusal();
                    if let Some(wait) = refusal.and_then(|it| it.throttled) {
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    let is_stale = refusal.is_some_and(|it| it.status == StatusCode::BAD_REQUEST);
                    if !(is_stale || error.is_too_large()) || made >= MAX_FEEDS {
                        return Err(error);
                    }
                    made += 1;
                    tracing::warn!(bot = self.connector.name(), %error, "the feed is given up");
                    progress.open_gap(None);
                    behind = Behind::default();
                    id = self.make_v1().await?;
                    marks.keep(Some(Feed::new(id.clone())));
                }
            }
        }
    }

    async fn make_v1(&self) -> Result<String, ApiError> {
        let call = Call::new(Method::POST, &["agent", "v4", "datafeed", "create"]);
        let answer = self.connector.api.feed(&call).await?;
        let made: Id<String> = self.connector.api.read_feed(&answer)?;
        if let Some(file) = self.id_file() {
            let agent = self.connector.api.agents().of_feed();
            let text = format!("{}@{}\n", made.id, agent.address());
            let written = tokio::fs::write(&file, text).await;
            if let Err(error) = written {
                let file = file.display();
                tracing::warn!(%file, %error, "the feed's id is not kept; a restart makes a new feed");
            }
        }
        Ok(made.id)
    }

    async fn kept_id(&self) -> Option<String> {
        let text = tokio::fs::read_to_string(self.id_file()?).await.ok()?;
        let (id, agent) = text.lines().next()?.split_once('@')?;
        self.connector.api.agents().stick_to(agent);
        (!id.is_empty()).then(|| id.to_owned())
    }

    /// Where the feed's id is kept; none where each start makes a feed.
    fn id_file(&self) -> Option<PathBuf> {
        let config = &self.connector.config;
        if !config.feed.reuse {
            return None;
        }
        let named = config.feed.id_file.clone();
        Some(id_file(&named.or_else(|| config.folder.clone())?))
    }
}

/// A folder stands for the file in it; and once more, as older clients did.
fn id_file(path: &Path) -> PathBuf {
    let mut file = path.to_owned();
    for _ in 0..2 {
        if file.is_dir() {
            file.push(FILE);
        }
    }
    file
}
