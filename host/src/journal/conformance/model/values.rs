//! Plugins' state, as a model.

use super::steps::{Change, Life, Plan};
use super::{Look, Model, Value};

impl Model {
    /// Drops values whose time is over.
    pub(crate) fn expire(&mut self, life: Life) {
        for scope in self.scopes.values_mut() {
            scope.values.retain(|_, value| value.life != life);
        }
    }

    pub(super) fn write(&mut self, plugin: &str, plan: &Plan) {
        self.stamps += 1;
        for (scope, key, change) in &plan.state {
            let place = (plugin.to_owned(), (*scope).to_owned());
            let scope = self.scopes.entry(place).or_default();
            let before = scope.values.remove(key).filter(|it| it.life != Life::Over);
            let was_there = before.is_some();
            let after = match change {
                Change::Delete => None,
                Change::Set(value, life) => Some((value.to_string(), *life)),
                Change::Add(delta) => {
                    let (text, life) = before.map_or((String::new(), Life::Lasting), |value| {
                        (value.text, value.life)
                    });
                    let sum = text.parse::<i64>().unwrap_or(0) + i64::from(*delta);
                    Some((sum.to_string(), life))
                }
            };
            if was_there != after.is_some() {
                scope.stamp = self.stamps;
            }
            if let Some((text, life)) = after {
                let value = Value {
                    text,
                    stamp: self.stamps,
                    life,
                };
                scope.values.insert(key, value);
            }
        }
    }

    /// The stamp of what was looked at, now.
    pub(crate) fn stamp(&self, look: &Look) -> u64 {
        let place = (look.plugin.to_owned(), look.scope.to_owned());
        let Some(scope) = self.scopes.get(&place) else {
            return 0;
        };
        let Some(key) = look.key else {
            return scope.stamp;
        };
        let value = scope.values.get(key).filter(|it| it.life != Life::Over);
        value.map_or(0, |value| value.stamp)
    }
}
