//! `cargo bench -p oxicorn-bench --bench parts`: what a request pays, beside the codec, in every
//! worker class: the scoreboard, and in one class the switch of a coroutine. (The access log has a benchmark of its own.)

use std::hint::black_box;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};
use criterion::{Criterion, criterion_group, criterion_main};
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

criterion_group!(benches, scoreboard, coroutine);
criterion_main!(benches);
