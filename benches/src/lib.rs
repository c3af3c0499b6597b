//! Benchmarks of oxicorn.
