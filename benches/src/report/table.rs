//! The table on the terminal: one block for each load, the headline figure first.

use std::fmt::Write;

use super::units::{number, spread, time};
use crate::run::results::{Ending, Goodput, Results, Summary};

/// The columns of a row, and how wide they are.
const HEAD: [(&str, usize); 6] = [
    ("server", 18),
    ("goodput/s", 12),
    ("requests/s", 26),
    ("CPU per request", 30),
    ("CPU ratio", 20),
    ("p50 / p99", 22),
];

/// The table of everything that was measured.
pub fn table(results: &Results) -> String {
    let mut text = String::new();
    for case in &results.cases {
        let rows: Vec<[String; 7]> = results
            .subjects
            .iter()
            .filter_map(|subject| row(results, &case.name, &subject.name))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let bound = time(case.objective);
        let _ = writeln!(text, "\n{}: {}; goodput with p99 within {bound}", case.name, case.about);
        for (name, width) in HEAD {
            let _ = write!(text, "  {name:<width$}");
        }
        text.push('\n');
        for row in rows {
            for (cell, (_, width)) in row.iter().zip(HEAD) {
                let _ = write!(text, "  {cell:<width$}");
            }
            let _ = writeln!(text, "  {}", row[6]);
        }
    }
    for note in &results.notes {
        let _ = writeln!(text, "\nnot measured: {note}");
    }
    text.push_str(LEGEND);
    if results.ending == Ending::Interrupted {
        text.push_str("This session was ended before its time: it is not complete.\n");
    }
    text
}

const LEGEND: &str =
    "\n* the load generator was the bottleneck: not ranked. > the server may do more.\n";

/// The headline figure, with the marks that it needs.
pub(super) fn headline(found: Option<&Goodput>) -> String {
    let Some(found) = found else { return "-".to_owned() };
    let more = if found.at_least { ">" } else { "" };
    let star = if found.generator_limited { "*" } else { "" };
    format!("{more}{}{star}", number(found.rate))
}

/// Median and extremes, with a star when they are the generator's.
pub(super) fn throughput(summary: &Summary) -> String {
    let star = if summary.generator_limited { " *" } else { "" };
    format!("{}{star}", spread(&summary.throughput, number))
}

fn row(results: &Results, case: &str, subject: &str) -> Option<[String; 7]> {
    let summary = results.summary(case, subject)?;
    let errors = summary.errors.named().into_iter().filter(|(_, count)| *count > 0);
    let errors: Vec<String> = errors.map(|(name, count)| format!("{count} {name}")).collect();
    Some([
        subject.to_owned(),
        headline(results.goodput_of(case, subject)),
        throughput(&summary),
        spread(&summary.cpu_per_request, time),
        summary.cpu_ratio.as_ref().map(|ratio| spread(ratio, number)).unwrap_or_default(),
        format!("{} / {}", time(summary.latency.p50), time(summary.latency.p99)),
        errors.join(", "),
    ])
}
