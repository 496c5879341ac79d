//! Events whose plugin is known: what grew out of an earlier one, and answers to forms and buttons.

use crate::model::delivery::{Route, View};
use crate::model::description::EventKind;
use crate::model::event::Event;
use crate::model::payload::EventPayload;

use super::access::Held;
use super::table::Table;
use super::{FormsView, Routing};

impl Table {
    /// Tells whether a plugin is among them.
    pub fn knows(&self, plugin: &str) -> bool {
        self.plugin(plugin).is_some()
    }

    /// Routes an event to the plugin that it is known to concern; none where that plugin is gone,
    /// did not subscribe to its kind, or may not take part there.
    pub fn route_to(&self, plugin: &str, event: &Event) -> Option<Route> {
        let found = self.plugin(plugin)?;
        let wanted = match &event.payload {
            EventPayload::ActionDone(_) => found.kinds.contains(&EventKind::ActionDone),
            EventPayload::ActionFailed(_) => found.kinds.contains(&EventKind::ActionFailed),
            EventPayload::Lifecycle(_) => found.kinds.contains(&EventKind::Lifecycle),
            EventPayload::FormClosed(_) => found.kinds.contains(&EventKind::FormClosed),
            _ => true,
        };
        let wanted = wanted && found.only.covers_own(event);
        wanted.then(|| self.make_route(found, View::Whole, event, &mut Held::default()))
    }

    // The form's own audience says who may answer; `allow` does not, so that somebody outside the
    // roles can be asked.
    pub(super) fn route_to_owner(
        &self,
        event: &Event,
        open_forms: &dyn FormsView,
        message_id: &str,
    ) -> Routing {
        let owner = open_forms.owner(event, message_id);
        let owner = owner.and_then(|owner| self.plugin(&owner));
        // Where the plugin may not take part any more, whoever answers is told.
        if let Some(plugin) = owner.filter(|plugin| !plugin.only.covers_own(event)) {
            let is_answer = !matches!(event.payload, EventPayload::FormClosed(_));
            return Routing {
                routes: Vec::new(),
                host: is_answer.then(|| self.refuse_plugin(plugin, "only", true)),
            };
        }
        let route = owner.and_then(|owner| self.route_to(&owner.name, event));
        Routing {
            routes: route.into_iter().collect(),
            host: None,
        }
    }
}
