//! The HTTP listeners: webhook ingress, the local page.
