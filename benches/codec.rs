//! `cargo bench -p oxicorn-bench --bench codec`: time for the codec's share of a request.
//!
//! The figures are per turn; throughput is in requests, so that pipelining can be compared.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oxicorn_bench::codec::{Server, cases};

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for case in cases() {
        group.throughput(Throughput::Elements(case.requests));
        group.bench_function(case.name, |bencher| {
            let mut server = Server::default();
            bencher.iter(|| server.turn(black_box(&case.bytes)).is_ok_and(|out| !out.is_empty()));
        });
    }
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
