//! `cargo bench -p oxicorn-bench --bench parts`: what a request pays, beside the codec, in every
//! worker class: the scoreboard, the access log, and in one class the switch of a coroutine.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use oxicorn_core::access_log::{AccessLog, RequestLine};
use oxicorn_core::config::{Config, Destination};
use oxicorn_core::listener::Peer;
use oxicorn_core::scoreboard::{Generation, Scoreboard, Writers};

/// What one request writes, by one thread and by several.
fn scoreboard(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scoreboard");
    let Ok(board) = Scoreboard::new() else { return };
    for (name, writers) in [("one_writer", Writers::One), ("many_writers", Writers::Many)] {
        let Some(slot) = board.claim(Generation(1)) else { return };
        let pen = board.handle(slot, writers);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                pen.beat();
                pen.request_started();
                pen.request_answered(black_box(14));
                pen.request_left();
            });
        });
    }
    group.finish();
}

/// To a coroutine and back, and all of a short one's life on a stack that is used again: what the
/// class `coroutine` does with the same crate.
fn coroutine(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("coroutine");
    let mut endless = Coroutine::<(), (), ()>::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    group.bench_function("switch", |bencher| {
        bencher.iter(|| matches!(endless.resume(()), CoroutineResult::Yield(())));
    });
    // It never ends by itself, and what is on its stack needs no dropping.
    std::mem::forget(endless);
    let mut stack = DefaultStack::new(256 * 1024).ok();
    group.bench_function("life", |bencher| {
        bencher.iter(|| {
            let Some(own) = stack.take() else { return };
            let mut short = Coroutine::<(), (), (), _>::with_stack(own, |_, ()| ());
            let _ = short.resume(());
            stack = Some(short.into_stack());
        });
    });
    group.finish();
}

/// One line in the default format, up to the hand-over to the thread that writes.
fn access_log(criterion: &mut Criterion) {
    let config =
        Config { accesslog: Some(Destination::File("/dev/null".into())), ..Config::default() };
    let Ok(Some(log)) = AccessLog::open(&config) else { return };
    let mut writer = log.writer();
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64)"));
    headers.insert(header::REFERER, HeaderValue::from_static("http://127.0.0.1:8000/"));
    let target = Bytes::from_static(b"/articles/2026/11/?page=2");
    let peer = Peer::Tcp(([127, 0, 0, 1], 4321).into());
    criterion.bench_function("access_log/line", |bencher| {
        bencher.iter(|| {
            let mut pending = writer.begin(RequestLine {
                method: &Method::GET,
                target: &target,
                version: Version::HTTP_11,
                headers: &headers,
                peer: &peer,
            });
            writer.respond(&mut pending, StatusCode::OK, &headers);
            writer.finish(pending, 14, Duration::from_micros(50));
        });
    });
    drop(writer);
    log.close();
}

criterion_group!(benches, scoreboard, coroutine, access_log);
criterion_main!(benches);
