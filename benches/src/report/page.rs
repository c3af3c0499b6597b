//! The page: one file, nothing from elsewhere.

use std::fmt::Write;

use super::plots::{self, Bar, Line, Scale};
use super::table::{headline, throughput};
use super::units::{number, size, spread, time};
use crate::run::results::{CaseNote, Ending, Results, Run, Spread};

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:1340px;margin:2em auto;padding:0 1em;\
    color:#222}table{border-collapse:collapse;margin:1em 0}th,td{border:1px solid #ccc;padding:.3em .7em;\
    text-align:right}th:first-child,td:first-child{text-align:left}th{background:#f3f3f3}\
    code,pre{font:13px monospace;background:#f6f6f6}pre{padding:.7em;overflow-x:auto;white-space:pre-wrap}\
    .plots{display:flex;flex-wrap:wrap;gap:8px}.warn{background:#fff3cd;padding:.5em 1em}";

const METHOD: &str = "<h2>How to read this</h2><ul>\
    <li><b>Goodput</b> is the highest rate of an open loop at which every request was answered with 200 \
    and the 99th percentile of the latency, counted from when a request should have been sent, was \
    within the bound. It is the figure to compare.</li>\
    <li><b>Requests/s</b> are those of a closed loop: each connection asks again when it is answered. \
    With a handler that waits, they are connections divided by latency, whoever serves.</li>\
    <li><b>CPU per request</b> is the processor time of all the server's processes divided by its \
    answers, in the closed loop. It is steadier than requests/s.</li>\
    <li>Figures are medians of the rounds, with the extremes in parentheses; ratios are of the same \
    round, to the first server.</li>\
    <li><b>*</b>: the load generator used more than 90 % of its core, or fell behind its schedule by \
    more than a millisecond. The figure is the generator's and is not ranked. <b>&gt;</b>: no rate was \
    tried that was too high.</li>\
    <li><b>Shares</b> are of the processor time that the server's processes used: a worker that gets \
    all the connections has all of it.</li></ul>";

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// In a page an SVG needs no name space, and so the page has no address in it.
fn inline(svg: &str) -> String {
    svg.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "")
}

/// The whole page.
pub fn page(results: &Results) -> String {
    let mut html =
        String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    let _ = write!(
        html,
        "<title>Worker classes against loads</title><style>{STYLE}</style></head><body>"
    );
    html.push_str("<h1>Worker classes against I/O-bound loads</h1>");
    head(results, &mut html);
    overview(results, &mut html);
    let _ = write!(html, "<div class=\"plots\">{}</div>", inline(&plots::goodput(results)));
    html.push_str(METHOD);
    for case in &results.cases {
        if results.runs.iter().any(|run| run.case == case.name) {
            section(results, case, &mut html);
        }
    }
    commands(results, &mut html);
    html.push_str("</body></html>\n");
    html
}

fn head(results: &Results, html: &mut String) {
    let machine = &results.machine;
    let _ = write!(
        html,
        "<p>oxicorn {}, -w {} --threads {}, on {} ({} cores, {}, Linux {}, load average {} at the start).</p>",
        results.version,
        results.workers,
        results.threads,
        escape(&machine.processor),
        machine.cores,
        size(machine.memory as f64),
        escape(&machine.kernel),
        escape(&machine.load_average),
    );
    let _ = write!(html, "<pre>{}</pre>", escape(&results.command));
    if results.ending == Ending::Interrupted {
        html.push_str(
            "<p class=\"warn\">This session was ended before its time: it is not complete.</p>",
        );
    }
    if !results.generator_apart {
        html.push_str("<p class=\"warn\">The load generator shared a core with the servers: there is but one.</p>");
    }
    for note in &results.notes {
        let _ = write!(html, "<p>Not measured: {}</p>", escape(note));
    }
}

fn overview(results: &Results, html: &mut String) {
    html.push_str("<h2>Goodput, requests/s</h2><table><tr><th>load</th><th>bound of p99</th>");
    for subject in &results.subjects {
        let _ = write!(html, "<th>{}</th>", escape(&subject.name));
    }
    html.push_str("</tr>");
    for case in &results.cases {
        let _ =
            write!(html, "<tr><td>{}</td><td>{}</td>", escape(&case.name), time(case.objective));
        for subject in &results.subjects {
            let cell = headline(results.goodput_of(&case.name, &subject.name));
            let _ = write!(html, "<td>{}</td>", escape(&cell));
        }
        html.push_str("</tr>");
    }
    html.push_str("</table>");
}

fn section(results: &Results, case: &CaseNote, html: &mut String) {
    let _ = write!(html, "<h2>{}: {}</h2>", escape(&case.name), escape(&case.about));
    html.push_str(
        "<table><tr><th>server</th><th>goodput/s</th><th>requests/s</th><th>ratio</th>\
         <th>CPU per request</th><th>ratio</th><th>p50</th><th>p99</th><th>p99.9</th><th>memory (PSS)</th>\
         <th>per idle connection</th><th>start to first 200</th><th>errors</th></tr>",
    );
    for subject in &results.subjects {
        row(results, &case.name, &subject.name, html);
    }
    html.push_str("</table><div class=\"plots\">");
    for plot in plots_of(results, &case.name) {
        html.push_str(&inline(&plot));
    }
    html.push_str("</div>");
}

fn row(results: &Results, case: &str, subject: &str, html: &mut String) {
    let Some(summary) = results.summary(case, subject) else { return };
    let of = |value: fn(&Run) -> Option<f64>| {
        Spread::of(results.rounds(case, subject).filter_map(value))
    };
    let ratio =
        |ratio: Option<Spread>| ratio.map(|ratio| spread(&ratio, number)).unwrap_or_default();
    let median = |found: Option<Spread>, unit: fn(f64) -> String| {
        found.map(|found| unit(found.median)).unwrap_or_default()
    };
    let errors = summary.errors.named().into_iter().filter(|(_, count)| *count > 0);
    let errors: Vec<String> = errors.map(|(name, count)| format!("{count} {name}")).collect();
    let cells = [
        subject.to_owned(),
        headline(results.goodput_of(case, subject)),
        throughput(&summary),
        ratio(summary.throughput_ratio),
        spread(&summary.cpu_per_request, time),
        ratio(summary.cpu_ratio),
        time(summary.latency.p50),
        time(summary.latency.p99),
        time(summary.latency.p999),
        median(of(|run| Some(run.pss as f64)), size),
        median(of(|run| run.memory_per_idle), size),
        median(of(|run| Some(run.start_up)), time),
        errors.join(", "),
    ];
    html.push_str("<tr>");
    for cell in cells {
        let _ = write!(html, "<td>{}</td>", escape(&cell));
    }
    html.push_str("</tr>");
}

fn plots_of(results: &Results, case: &str) -> Vec<String> {
    let line = |name: String, colour: usize, value: fn(&Run) -> f64| {
        let runs = results.open(case, &results.subjects[colour].name);
        let points = runs.into_iter().map(|run| (run.offered().unwrap_or(0.0), value(run)));
        Line { name, colour, width: 2, points: points.collect() }
    };
    let names = || results.subjects.iter().map(|subject| subject.name.clone()).enumerate();
    let each = |value: fn(&Run) -> f64| -> Vec<Line> {
        names().map(|(at, name)| line(name, at, value)).collect()
    };
    let percentiles = names().flat_map(|(at, name)| {
        let p50 = Line { width: 1, ..line(format!("{name} p50"), at, |run| run.latency.p50 * 1e3) };
        [p50, line(format!("{name} p99"), at, |run| run.latency.p99 * 1e3)]
    });
    let bar = |value: fn(&Run) -> f64, label: fn(f64) -> String| -> Vec<Bar> {
        let found = names().filter_map(|(colour, name)| {
            let found = Spread::of(results.rounds(case, &name).map(value))?;
            Some(Bar { name, colour, value: found.median, label: spread(&found, label) })
        });
        found.collect()
    };
    let shares = names().flat_map(|(colour, name)| {
        let last = results.rounds(case, &name).last();
        let shares = last.map(|run| run.shares.clone()).unwrap_or_default();
        shares.into_iter().enumerate().map(move |(at, value)| Bar {
            name: format!("{name} process {}", at + 1),
            colour,
            value,
            label: format!("{:.0} %", value * 100.0),
        })
    });
    vec![
        plots::lines("Throughput", "answers/s", Scale::Linear, &each(|run| run.throughput)),
        plots::lines("Latency", "ms", Scale::Logarithmic, &percentiles.collect::<Vec<_>>()),
        plots::lines(
            "CPU per request",
            "µs",
            Scale::Linear,
            &each(|run| run.cpu_per_request * 1e6),
        ),
        plots::bars("CPU per request, closed loop", &bar(|run| run.cpu_per_request, time)),
        plots::bars("Memory (PSS of all processes)", &bar(|run| run.pss as f64, size)),
        plots::bars("Share of the processor time by process", &shares.collect::<Vec<_>>()),
    ]
}

fn commands(results: &Results, html: &mut String) {
    html.push_str("<h2>The servers' commands</h2>");
    for subject in &results.subjects {
        let _ = write!(html, "<pre>{}: {}</pre>", escape(&subject.name), escape(&subject.command));
    }
    html.push_str(
        "<p>Every measurement, with what was sent and the whole histogram: results.json.</p>",
    );
}
