//! Tests of the page's listener.
