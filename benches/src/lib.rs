//! Benchmarks of oxicorn.

pub mod codec;
pub mod load;
