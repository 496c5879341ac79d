//! Performs accepted actions: in order per lane, paced per bot, retried.
