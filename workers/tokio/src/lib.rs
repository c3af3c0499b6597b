//! Worker class tokio: one task for each connection on a current-thread runtime.
