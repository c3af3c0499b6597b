//! Worker class sync: one request at a time.
