use super::*;
use crate::access_log::{AccessLog, RequestLine};
use crate::config::{MetricPrefix, MetricTags, StatsdHost, Value};
use crate::listener::Peer;
use crate::sys::tcp::AcceptQueue;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::time::Instant;

fn config(host: &str) -> Config {
    Config {
        statsd_host: Some(StatsdHost::parse(host).unwrap()),
        statsd_prefix: MetricPrefix::parse("shop").ok(),
        dogstatsd_tags: MetricTags::parse("env:test").ok(),
        ..Config::default()
    }
}

#[test]
fn requests_are_reported_without_an_access_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statsd");
    let daemon = UnixDatagram::bind(&path).unwrap();
    let log = AccessLog::open(&config(&format!("unix://{}", path.display()))).unwrap().unwrap();
    let mut writer = log.writer();
    let headers = HeaderMap::new();
    for status in [StatusCode::OK, StatusCode::OK, StatusCode::NOT_FOUND] {
        let mut pending = writer.begin(RequestLine {
            method: &Method::GET,
            target: &Bytes::from_static(b"/"),
            version: Version::HTTP_11,
            headers: &headers,
            peer: &Peer::Unix,
        });
        assert!(pending.wants_queue_time() && pending.made_id().is_none());
        pending.waited(Duration::from_millis(8));
        writer.respond(&mut pending, status, &headers);
        writer.finish(pending, 0, Duration::from_micros(1500));
    }
    writer.refused(&Peer::Unix, b"?", StatusCode::BAD_REQUEST, 0);
    assert!(!writer.is_empty());
    drop(writer);
    log.close();
    let mut space = [0; 2000];
    let count = daemon.recv(&mut space).unwrap();
    let text = std::str::from_utf8(&space[..count]).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains(".log.")).collect();
    assert_eq!(
        lines,
        [
            "shop.gunicorn.requests:4|c|#env:test",
            "shop.gunicorn.request.status.200:2|c|#env:test",
            "shop.gunicorn.request.status.404:1|c|#env:test",
            "shop.gunicorn.request.status.400:1|c|#env:test",
            "shop.gunicorn.request.duration:1.500|ms|#env:test",
            "shop.gunicorn.request.duration:1.500|ms|#env:test",
            "shop.gunicorn.request.duration:1.500|ms|#env:test",
            "shop.gunicorn.request.queue:8.000|ms|#env:test",
            "shop.gunicorn.request.queue:8.000|ms|#env:test",
            "shop.gunicorn.request.queue:8.000|ms|#env:test",
        ]
    );
}

#[test]
fn the_master_reports_once_a_second() {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let config = config(&daemon.local_addr().unwrap().to_string());
    let start = Instant::now();
    let mut gauges = Gauges::from_settings(&config, start).unwrap();
    let vitals =
        Vitals { workers: 2, in_flight: 7, queue: Some(AcceptQueue { waiting: 3, limit: 128 }) };
    gauges.report(start, || vitals);
    gauges.report(start + Duration::from_millis(999), || panic!("too early"));
    assert_eq!(gauges.due_in(start), INTERVAL);
    let mut space = [0; 2000];
    let count = daemon.recv(&mut space).unwrap();
    let text = std::str::from_utf8(&space[..count]).unwrap();
    for line in [
        "shop.gunicorn.workers:2|g|#env:test",
        "shop.gunicorn.request.in_flight:7|g|#env:test",
        "shop.gunicorn.backlog:3|g|#env:test",
        "shop.gunicorn.backlog.limit:128|g|#env:test",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(Gauges::from_settings(&Config::default(), start).is_none());
}
