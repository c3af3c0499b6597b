//! Benchmarks of oxicorn.

pub mod codec;
