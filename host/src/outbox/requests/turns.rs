//! Whose request is next. Pure.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{PluginHttp, RequestsConfig};
use crate::journal::{PluginKey, RequestNumber};

/// Plugins in turn, with what is known of their requests.
pub(super) struct Turns {
    config: RequestsConfig,
    plugins: HashMap<PluginKey, Plugin>,
    /// Plugins that may have a request to begin, each once.
    ready: VecDeque<PluginKey>,
    open: usize,
    is_paused: bool,
    /// Rises whenever something begins to wait.
    generation: u64,
}

#[derive(Default)]
struct Plugin {
    /// None while it is not there.
    http: Option<PluginHttp>,
    /// Requests up to here were begun, but for those that were put back.
    after: RequestNumber,
    open: BTreeSet<RequestNumber>,
    /// Commits under way that hold requests.
    announced: usize,
    /// The journal may hold more.
    may_have_more: bool,
    is_ready: bool,
}

/// Where to look for the next request.
pub(super) struct Look {
    pub(super) plugin: PluginKey,
    pub(super) after: RequestNumber,
    pub(super) http: PluginHttp,
}

impl Turns {
    pub(super) fn new(config: RequestsConfig) -> Self {
        Self {
            config,
            plugins: HashMap::new(),
            ready: VecDeque::new(),
            open: 0,
            is_paused: false,
            generation: 0,
        }
    }

    pub(super) fn install(&mut self, key: PluginKey, http: PluginHttp) {
        let plugin = self.plugins.entry(key.clone()).or_default();
        plugin.http = Some(http);
        plugin.may_have_more = true;
        self.generation += 1;
        self.ready_up(&key);
    }

    pub(super) fn remove(&mut self, key: &PluginKey) {
        if let Some(plugin) = self.plugins.get_mut(key) {
            plugin.http = None;
        }
        self.forget(key);
    }

    pub(super) fn announce(&mut self, key: PluginKey) {
        self.plugins.entry(key).or_default().announced += 1;
        self.generation += 1;
    }

    pub(super) fn committed(&mut self, key: &PluginKey) {
        if let Some(plugin) = self.plugins.get_mut(key) {
            plugin.announced = plugin.announced.saturating_sub(1);
            plugin.may_have_more = true;
        }
        self.ready_up(key);
        self.forget(key);
    }

    pub(super) fn pause(&mut self) {
        self.is_paused = true;
    }

    pub(super) fn quiet(&self) -> Option<u64> {
        let is_quiet = |plugin: &Plugin| {
            let waits = plugin.http.is_some() && plugin.may_have_more;
            plugin.open.is_empty() && (self.is_paused || (plugin.announced == 0 && !waits))
        };
        self.plugins
            .values()
            .all(is_quiet)
            .then_some(self.generation)
    }

    /// The next plugin to look for. It loses its turn until [`Turns::begin`],
    /// [`Turns::found_none`] or [`Turns::look_again`] says how that went.
    pub(super) fn next(&mut self) -> Option<Look> {
        if self.is_paused || self.open >= self.config.open {
            return None;
        }
        while let Some(key) = self.ready.pop_front() {
            let Some(plugin) = self.plugins.get_mut(&key) else {
                continue;
            };
            plugin.is_ready = false;
            if !plugin.has_room(&self.config) {
                continue;
            }
            if let Some(http) = plugin.http.clone() {
                return Some(Look {
                    after: plugin.after,
                    plugin: key,
                    http,
                });
            }
        }
        None
    }

    /// Notes that a request was found and begins, and gives the plugin another turn; tells whether
    /// it is not under way already.
    pub(super) fn begin(&mut self, key: &PluginKey, request: RequestNumber) -> bool {
        let plugin = self.plugins.entry(key.clone()).or_default();
        plugin.after = request;
        plugin.may_have_more = true;
        let is_new = plugin.open.insert(request);
        self.open += usize::from(is_new);
        self.ready_up(key);
        is_new
    }

    /// Notes that the journal held no more when it was asked.
    pub(super) fn found_none(&mut self, key: &PluginKey) {
        if let Some(plugin) = self.plugins.get_mut(key) {
            // Where a commit ended meanwhile, the plugin has its next turn already.
            plugin.may_have_more = plugin.is_ready;
        }
        self.forget(key);
    }

    pub(super) fn look_again(&mut self, key: &PluginKey) {
        self.ready_up(key);
    }

    /// Notes that a request is under way no more; one that is not over is found again.
    pub(super) fn end(&mut self, key: &PluginKey, request: RequestNumber, is_over: bool) {
        let Some(plugin) = self.plugins.get_mut(key) else {
            return;
        };
        if plugin.open.remove(&request) {
            self.open -= 1;
        }
        if !is_over {
            plugin.after = plugin.after.min(request.saturating_sub(1));
            plugin.may_have_more = true;
        }
        self.ready_up(key);
        self.forget(key);
    }

    /// Puts a plugin in line where it may have something to begin.
    fn ready_up(&mut self, key: &PluginKey) {
        let Some(plugin) = self.plugins.get_mut(key) else {
            return;
        };
        let has_work = plugin.http.is_some() && plugin.may_have_more;
        if has_work && !plugin.is_ready && plugin.has_room(&self.config) {
            plugin.is_ready = true;
            self.ready.push_back(key.clone());
        }
    }

    /// Drops what is known of a plugin that is not there and has nothing under way.
    fn forget(&mut self, key: &PluginKey) {
        let is_gone = |plugin: &Plugin| {
            plugin.http.is_none() && plugin.open.is_empty() && plugin.announced == 0
        };
        if self.plugins.get(key).is_some_and(is_gone) {
            self.plugins.remove(key);
        }
    }
}

impl Plugin {
    fn has_room(&self, config: &RequestsConfig) -> bool {
        self.open.len() < config.open_of_plugin
    }
}
