//! What a platform itself knows of what was said and handed out: for audits.

use std::collections::VecDeque;

/// Times of handing out that are kept.
const KEPT: usize = 200_000;

/// A message as a platform keeps it.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The conversation's id.
    pub conversation: String,
    /// Whether the bot wrote it.
    pub by_bot: bool,
    /// What people read.
    pub text: String,
    /// The number of the request that it came by; 0 of people, and where the platform does not note it.
    pub request: u64,
}

/// Messages that a client was given at one time: by a feed, a webhook or a stream, or by reading a
/// conversation back.
#[derive(Clone, Debug)]
pub struct Handout {
    /// Their places among all messages, in the order in which they were given.
    pub messages: Vec<usize>,
    /// The client said that it has them.
    pub is_acknowledged: bool,
}

/// All times of handing out, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Handouts(VecDeque<Handed>);

/// A handing out, while its acknowledgement may come.
#[derive(Debug)]
struct Handed {
    ack: Option<String>,
    messages: Vec<usize>,
    is_acknowledged: bool,
}

impl Handouts {
    /// Notes that a client is given these messages.
    pub(crate) fn give(&mut self, messages: Vec<usize>, ack: Option<&str>) {
        if messages.is_empty() {
            return;
        }
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Handed {
            ack: ack.map(str::to_owned),
            messages,
            is_acknowledged: false,
        });
    }

    /// Notes that a client has what it was given under this acknowledgement.
    pub(crate) fn acknowledge(&mut self, ack: &str) {
        let mut handouts = self.0.iter_mut().rev();
        let handed = handouts.find(|handed| handed.ack.as_deref() == Some(ack));
        if let Some(handed) = handed {
            handed.is_acknowledged = true;
        }
    }

    /// What clients were given.
    pub(crate) fn all(&self) -> Vec<Handout> {
        let handouts = self.0.iter().map(|handed| Handout {
            messages: handed.messages.clone(),
            is_acknowledged: handed.is_acknowledged,
        });
        handouts.collect()
    }
}
