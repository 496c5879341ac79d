//! Which plugins want an event. Pure.
