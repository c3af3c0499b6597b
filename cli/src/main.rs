//! temp
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
use std::sync::Arc;
use oxicorn_core::{config::*, listener::*, scoreboard::*, lifeline::*, orders::*, worker::*};
use std::time::Duration;
fn main() {
    let class = std::env::args().nth(1).unwrap();
    let s = |n| Timeout(Some(Duration::from_secs(n)));
    let spec: ListenerSpec = std::env::args().nth(2).unwrap().parse().unwrap();
    let config = Config { bind: vec![spec.clone()], backlog: 2048, workers: 1, worker_class: class.clone(), threads: std::env::args().nth(3).map_or(4, |t| t.parse().unwrap()), worker_connections: 20000,
        timeout: s(30), graceful_timeout: s(30), keepalive: s(75), keepalive_grace: s(2), header_timeout: s(10), body_timeout: s(30), write_timeout: s(30), boot_timeout: s(60),
        limit_request_line: 4094, limit_request_fields: 100, limit_request_field_size: 8190, permit_missing_host: false, limit_request_body: ByteSize(0), body_buffer_size: ByteSize(1<<20),
        accesslog: None, access_log_format: String::new(), errorlog: Destination::Standard, loglevel: "info".into(), proc_name: None };
    let listener = Listener::bind(&spec, 2048).unwrap();
    println!("{}", listener.address());
    let board = Scoreboard::new().unwrap();
    let slot = board.claim(Generation(1)).unwrap();
    let life = MasterLifeline::new().unwrap();
    // keep the master's writing end open
    let (orders, w) = Orders::channel().unwrap(); std::mem::forget(w);
    let life2 = std::mem::ManuallyDrop::new(MasterLifeline::new().unwrap()); let _ = life2;
    let cx = WorkerContext { config: Arc::new(config), app: oxicorn::demo::application(), listeners: vec![listener], slot: board.handle(slot, Writers::One), lifeline: life.into_worker(), orders };
    let class: &dyn Worker = match class.as_str() { "sync" => &oxicorn_sync::Sync, "threaded" => &oxicorn_threaded::Threaded, "coroutine" => &oxicorn_coroutine::Coroutines, "tokio" => &oxicorn_tokio::Tokio, _ => panic!() };
    class.run(cx).unwrap();
}
