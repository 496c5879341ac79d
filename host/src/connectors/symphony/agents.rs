//! The agents of a pod, and which of them is asked (symphony.md §1.4 `loadBalancing`).

use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderMap;
use parking_lot::Mutex;
use url::Url;

use super::config::{Balancing, SymphonyConfig};
use super::site::{Call, Site};
use super::wire::rest::AgentInfo;
use crate::net::RestError;

/// All agents; never empty.
pub(super) struct Agents {
    first: Site,
    others: Vec<Site>,
    balancing: Balancing,
    next: AtomicUsize,
    /// The one that feeds are read from.
    sticky: AtomicUsize,
    /// The one behind the balancer.
    behind: Mutex<Option<Site>>,
}

impl Agents {
    pub(super) fn new(config: &SymphonyConfig) -> Result<Self, RestError> {
        let mut sites = Vec::with_capacity(config.agents.len());
        for endpoint in &config.agents {
            sites.push(Site::new(endpoint, None)?);
        }
        let mut sites = sites.into_iter();
        let first = sites.next();
        let first = first.ok_or_else(|| RestError::Setup("no agent is named".to_owned()))?;
        Ok(Self {
            first,
            others: sites.collect(),
            balancing: config.balancing,
            next: AtomicUsize::new(0),
            sticky: AtomicUsize::new(0),
            behind: Mutex::default(),
        })
    }

    fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// All that a call may go to: the one whose turn it is, and then those that are asked where it is
    /// not reached.
    pub(super) fn in_turn(&self) -> Vec<Site> {
        if self.balancing == Balancing::External {
            let behind = self.behind.lock().clone();
            return behind.into_iter().chain([self.first.clone()]).collect();
        }
        let turn = match self.balancing {
            Balancing::Random => {
                let mut bytes = [0; 8];
                // Without randomness the turn is as good.
                match getrandom::fill(&mut bytes) {
                    Ok(()) => usize::from_le_bytes(bytes),
                    Err(_) => self.next.fetch_add(1, Ordering::Relaxed),
                }
            }
            Balancing::RoundRobin | Balancing::External => {
                self.next.fetch_add(1, Ordering::Relaxed)
            }
        };
        let turn = turn % self.count();
        (turn..turn + self.count())
            .map(|turn| self.at(turn).clone())
            .collect()
    }

    /// The one that the feed is read from.
    pub(super) fn of_feed(&self) -> Site {
        if self.balancing == Balancing::External {
            let behind = self.behind.lock().clone();
            return behind.unwrap_or_else(|| self.first.clone());
        }
        self.at(self.sticky.load(Ordering::Relaxed)).clone()
    }

    /// Stays with the agent at this address, where it is one of these: a feed of version 1 is its own.
    pub(super) fn stick_to(&self, address: &str) {
        let is_it = |turn: &usize| self.at(*turn).address() == address;
        if let Some(turn) = (0..self.count()).find(is_it) {
            self.sticky.store(turn, Ordering::Relaxed);
        }
    }

    /// Hears that the feed's agent does not answer: the next is asked, or the balancer again. Tells
    /// whether it is another for sure.
    pub(super) fn turn_away(&self) -> bool {
        self.sticky.fetch_add(1, Ordering::Relaxed);
        *self.behind.lock() = None;
        self.balancing != Balancing::External && self.count() > 1
    }

    /// Asks a balancer which agent is behind it.
    pub(super) async fn look_behind(&self) {
        if self.balancing != Balancing::External || self.behind.lock().is_some() {
            return;
        }
        let Some(info) = self.info().await else {
            return;
        };
        let named = info.server_fqdn.unwrap_or_default();
        let address = match named.contains("://") {
            true => named,
            false => format!("https://{named}"),
        };
        match address.trim_end_matches('/').parse::<Url>() {
            Ok(base) if base.has_host() => *self.behind.lock() = Some(self.first.at(base)),
            _ => tracing::warn!(address, "the balancer names no agent; it is asked itself"),
        }
    }

    /// The version of the agents; none where it cannot be told.
    pub(super) async fn version(&self) -> Option<(u32, u32)> {
        let version = self.info().await?.version?;
        let numbers = version.strip_prefix("Agent-")?;
        let mut numbers = numbers.split(['.', '-']);
        let major = numbers.next()?.parse().ok()?;
        Some((major, numbers.next()?.parse().ok()?))
    }

    async fn info(&self) -> Option<AgentInfo> {
        let site = self.of_feed();
        let call = Call::get(&["agent", "v1", "info"]);
        let answer = site.call(&call, HeaderMap::new()).await;
        let answer = answer.inspect_err(|error| tracing::debug!(%error, "no word of the agent"));
        site.read_whole(&answer.ok()?).ok()
    }

    fn at(&self, turn: usize) -> &Site {
        match turn % self.count() {
            0 => &self.first,
            place => self.others.get(place - 1).unwrap_or(&self.first),
        }
    }
}
