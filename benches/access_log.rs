//! `cargo bench -p oxicorn-bench --bench access_log`: time for a request's line in the access log,
//! from its head to the buffer of its thread. The destination is /dev/null: what the writing thread
//! does there is not the request's.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oxicorn_bench::access_log::Logger;
use oxicorn_core::config::LogFormat;

fn access_log(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("access_log");
    group.throughput(Throughput::Elements(1));
    for (name, format) in
        [("text", LogFormat::Text), ("json", LogFormat::Json), ("logfmt", LogFormat::Logfmt)]
    {
        // Without /dev/null there is nothing to measure.
        let Ok(mut logger) = Logger::new(format) else { continue };
        group.bench_function(name, |bencher| bencher.iter(|| black_box(&mut logger).log()));
    }
    group.finish();
}

criterion_group!(benches, access_log);
criterion_main!(benches);
