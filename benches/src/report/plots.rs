//! The plots, as SVG. Two kinds are enough: lines over the offered rate, and bars.

use std::error::Error;

use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::units::number;
use crate::run::results::Results;

const SIZE: (u32, u32) = (640, 360);
const FONT: &str = "sans-serif";
/// Okabe and Ito's colours, which the colour-blind can tell apart; more servers begin anew.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(120, 120, 120),
    RGBColor(0, 0, 0),
];
/// Height of a bar with its margin, and the room for its name and its value.
const BAR: i32 = 22;
const NAMES: i32 = 190;
const VALUES: i32 = 170;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        // Nothing can fail in a string but what the figures themselves make impossible: then there
        // is no plot, and the table has them all the same.
        if draw(&area).and_then(|()| Ok(area.present()?)).is_err() {
            return String::new();
        }
    }
    text
}

/// How the values of a plot are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// From zero.
    Linear,
    /// From the smallest.
    Logarithmic,
}

/// One line: a name, the server's number for the colour, the points.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) colour: usize,
    /// In pixels.
    pub(super) width: u32,
    pub(super) points: Vec<(f64, f64)>,
}

type Chart<'a, 'b, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, Y>>;

/// The axes and the lines.
fn draw<'a, 'b: 'a, Y>(chart: &mut Chart<'a, 'b, Y>, unit: &str, lines: &[Line]) -> Drawn
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("offered requests/s").y_desc(unit).light_line_style(WHITE);
    mesh.x_label_formatter(&|x| number(*x)).y_label_formatter(&|y| number(*y)).draw()?;
    for line in lines {
        let style = colour(line.colour).stroke_width(line.width);
        let points = line.points.iter().copied().filter(|(_, y)| *y > 0.0);
        chart
            .draw_series(LineSeries::new(points, style).point_size(3))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8));
    labels.border_style(BLACK.mix(0.2)).label_font((FONT, 12)).draw()?;
    Ok(())
}

/// Lines over the offered rate; nothing without points.
pub(super) fn lines(title: &str, unit: &str, scale: Scale, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points).filter(|(_, y)| *y > 0.0);
    let most = points().map(|(x, _)| *x).fold(0.0, f64::max) * 1.02;
    let top = points().map(|(_, y)| *y).fold(0.0, f64::max) * 1.1;
    let bottom = points().map(|(_, y)| *y).fold(f64::INFINITY, f64::min) * 0.8;
    if most <= 0.0 || top <= 0.0 {
        return String::new();
    }
    svg(SIZE, |area| {
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area);
        chart.caption(title, (FONT, 16)).margin(8).x_label_area_size(36).y_label_area_size(64);
        match scale {
            Scale::Linear => draw(&mut chart.build_cartesian_2d(0.0..most, 0.0..top)?, unit, lines),
            Scale::Logarithmic => {
                let range = (bottom..top).log_scale();
                draw(&mut chart.build_cartesian_2d(0.0..most, range)?, unit, lines)
            }
        }
    })
}

/// One bar.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) colour: usize,
    pub(super) value: f64,
    /// What stands beside it.
    pub(super) label: String,
}

/// Horizontal bars from zero; nothing without bars.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    let longest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    if longest <= 0.0 {
        return String::new();
    }
    let height = u32::try_from(bars.len()).unwrap_or(0) * BAR.unsigned_abs() + 40;
    svg((SIZE.0, height), |area| {
        area.fill(&WHITE)?;
        let text = |words: &str, at: (i32, i32), size: i32| {
            area.draw(&Text::new(words.to_owned(), at, (FONT, size).into_font()))
        };
        text(title, (8, 8), 16)?;
        let room = f64::from(i32::try_from(SIZE.0)? - NAMES - VALUES);
        for (at, bar) in (0..).zip(bars) {
            let top = 34 + at * BAR;
            let length = (bar.value / longest * room) as i32;
            let corners = [(NAMES, top), (NAMES + length, top + BAR - 6)];
            area.draw(&Rectangle::new(corners, colour(bar.colour).filled()))?;
            text(&bar.name, (8, top + 2), 12)?;
            text(&bar.label, (NAMES + length + 6, top + 2), 12)?;
        }
        Ok(())
    })
}

/// The main plot: the goodput of each server at each load, relative to the best.
pub(super) fn goodput(results: &Results) -> String {
    let mut all = Vec::new();
    for case in &results.cases {
        let of = |subject: &str| results.goodput_of(&case.name, subject).map(|found| found.rate);
        let rates = results.subjects.iter().filter_map(|subject| of(&subject.name));
        let best = rates.fold(0.0, f64::max);
        for (at, subject) in results.subjects.iter().enumerate() {
            if let Some(rate) = of(&subject.name).filter(|_| best > 0.0) {
                let found = results.goodput_of(&case.name, &subject.name);
                let label = format!("{} /s", super::table::headline(found));
                let name = format!("{}: {}", case.name, subject.name);
                all.push(Bar { name, colour: at, value: rate / best, label });
            }
        }
    }
    bars("Goodput at the latency objective, relative to the best at each load", &all)
}
