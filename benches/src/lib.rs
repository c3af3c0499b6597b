//! Benchmarks of oxicorn.

pub mod access_log;
pub mod codec;
