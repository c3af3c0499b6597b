//! A report of made-up results: it must say what they are, and refer to nothing.

use super::*;
use crate::load::{Arrivals, Outcome, Spec, Turn};
use crate::run::results::{CaseNote, Ending, Goodput, Percentiles, Run, SubjectNote, Verdict};
use std::time::Duration;

fn run(subject: &str, round: u32, arrivals: Arrivals, cpu: f64) -> Run {
    let second = Duration::from_secs(1);
    Run {
        case: "hello c64".to_owned(),
        subject: subject.to_owned(),
        round,
        spec: Spec {
            address: ([127, 0, 0, 1], 8000).into(),
            turns: vec![Turn { weight: 1, path: "/".to_owned() }],
            depth: 1,
            connections: 64,
            turns_per_connection: None,
            idle: 0,
            arrivals,
            warmup: second,
            duration: second,
            timeout: second,
            most: None,
        },
        throughput: 1000.0,
        latency: Percentiles { p50: 0.001, p99: 0.004, ..Percentiles::default() },
        cpu_per_request: cpu,
        server_cores: 0.5,
        generator_cores: 0.4,
        pss: 4_000_000,
        rss: 5_000_000,
        memory_per_idle: None,
        idle: (0, 0),
        shares: vec![0.6, 0.4],
        start_up: 0.01,
        verdict: Verdict::Ranked,
        outcome: Outcome { latency: vec![(1_000_000, 99), (4_000_000, 1)], ..Outcome::default() },
    }
}

fn results() -> Results {
    let note =
        |name: &str| SubjectNote { name: name.to_owned(), command: format!("{name} -b <x>") };
    let mut runs = Vec::new();
    for round in 1..=3 {
        runs.push(run("sync", round, Arrivals::Closed, 5e-6));
        runs.push(run("other", round, Arrivals::Closed, 1e-5 * f64::from(round)));
    }
    for rate in [500.0, 1000.0] {
        runs.push(run("sync", 0, Arrivals::Open { rate }, 5e-6));
    }
    let goodput = |subject: &str, rate, generator_limited| Goodput {
        case: "hello c64".to_owned(),
        subject: subject.to_owned(),
        objective: 0.01,
        rate,
        at_least: false,
        generator_limited,
    };
    Results {
        version: "1".to_owned(),
        command: "server bench --loads hello".to_owned(),
        machine: Default::default(),
        generator_apart: true,
        workers: 1,
        threads: 4,
        ending: Ending::Interrupted,
        notes: vec!["granian: <not> there".to_owned()],
        subjects: vec![note("sync"), note("other")],
        cases: vec![CaseNote {
            name: "hello c64".to_owned(),
            about: "x".to_owned(),
            objective: 0.01,
        }],
        runs,
        goodput: vec![goodput("sync", 950.0, false), goodput("other", 400.0, true)],
    }
}

#[test]
fn the_page_refers_to_nothing_outside_it() {
    let page = page(&results());
    for word in
        ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<script", "<link", "<img"]
    {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("<svg") && page.matches("</svg>").count() >= 6);
    assert!(!page.contains("<not>") && page.contains("&lt;not&gt;"));
    assert!(page.contains("not complete"));
}

#[test]
fn ratios_are_of_the_same_round_and_limits_are_marked() {
    let results = results();
    let summary = results.summary("hello c64", "other").unwrap();
    let ratio = summary.cpu_ratio.unwrap();
    for (found, expected) in [(ratio.median, 4.0), (ratio.min, 2.0), (ratio.max, 6.0)] {
        assert!((found - expected).abs() < 1e-9, "{ratio:?}");
    }
    let text = table(&results);
    assert!(text.contains("hello c64: x; goodput with p99 within 10.0 ms"), "{text}");
    assert!(text.contains("sync                950 "), "{text}");
    assert!(text.contains("400*"), "{text}");
}

#[test]
fn everything_is_written_and_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    write(&results(), folder.path()).unwrap();
    let json = fs::read(folder.path().join("results.json")).unwrap();
    let again: Results = serde_json::from_slice(&json).unwrap();
    assert_eq!(again.runs.len(), 8);
    assert!(fs::read_to_string(folder.path().join("goodput.svg")).unwrap().contains("<svg"));
    assert!(folder.path().join("report.html").is_file());
}

#[test]
fn a_session_that_has_measured_nothing_has_a_report_as_well() {
    let empty = Results { runs: Vec::new(), goodput: Vec::new(), ..results() };
    assert!(page(&empty).contains("</html>"));
    assert!(table(&empty).contains("not complete"));
}

#[test]
fn a_missed_bound_is_the_servers_unless_the_generator_may_be_to_blame() {
    let of = |p99, lag, verdict| {
        let mut run = run("sync", 0, Arrivals::Open { rate: 1.0 }, 1e-6);
        run.latency.p99 = p99;
        run.outcome.lag = lag;
        run.outcome.answered = 10;
        Run { verdict, ..run }
    };
    assert!(of(0.009, 0.1, Verdict::GeneratorLate).keeps_up(0.01), "in spite of the generator");
    assert!(!of(0.011, 0.0, Verdict::Ranked).keeps_up(0.01));
    assert!(!of(0.011, 0.0, Verdict::Ranked).is_in_doubt(0.01));
    assert!(of(0.011, 0.002, Verdict::GeneratorLate).is_in_doubt(0.01));
    assert!(!of(0.6, 0.002, Verdict::GeneratorLate).is_in_doubt(0.01));
    assert!(of(0.6, 0.0, Verdict::GeneratorBound).is_in_doubt(0.01));
    let mut refused = of(0.001, 0.0, Verdict::Ranked);
    refused.outcome.errors.reset = 1;
    assert!(!refused.keeps_up(0.01), "errors are no goodput");
}
