//! The plot: supply over time with kappa off and on between the initial supply and the cap, and
//! the return of a miner beneath. Plain SVG text; the same input gives the same bytes.

use std::fmt::Write as _;

use super::model::{Curve, Model, Row};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 30.0;
const PANEL_HEIGHT: f64 = 240.0;
const PANEL_TOPS: [f64; 2] = [50.0, 370.0];
const HEIGHT: f64 = 660.0;
/// Number of horizontal lines of a panel above its axis.
const TICKS: u32 = 5;
const COLOURS: [&str; 2] = ["#1f5fa8", "#b4521f"];
const NAMES: [&str; 2] = ["kappa off", "kappa on"];

/// The frame and scale of a panel.
struct Panel {
    top: f64,
    /// Value at the top edge; the bottom edge is zero.
    top_value: f64,
    /// Number of rows of the table along the axis.
    rows: f64,
}

impl Panel {
    fn x(&self, row: f64) -> f64 {
        LEFT + row / self.rows * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PANEL_HEIGHT * (1.0 - value / self.top_value)
    }
}

/// Draws two curves, kappa off and kappa on, as SVG text.
pub(crate) fn draw(model: &Model, curves: &[Curve; 2]) -> String {
    let (start, cap) = model.bounds_kms();
    let rows = f64::from(curves.iter().map(last_number).max().unwrap_or(1));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let [top, bottom] = PANEL_TOPS;
    let supply = Panel {
        top,
        top_value: cap * 1.05,
        rows,
    };
    frame(&mut svg, &supply, "supply, KMS", model.rows_name());
    level(&mut svg, &supply, cap, "cap");
    let best = curves
        .iter()
        .flat_map(|curve| &curve.rows)
        .fold(0.0, |best: f64, row| best.max(row.full.earned));
    let returns = Panel {
        top: bottom,
        top_value: 105.0 * best,
        rows,
    };
    let title = "return on a full lock, % of the stake, rewards spent";
    frame(&mut svg, &returns, title, model.rows_name());
    for ((curve, colour), (place, name)) in curves.iter().zip(COLOURS).zip((0_u32..).zip(NAMES)) {
        let ends = curve
            .rows
            .iter()
            .map(|r| (f64::from(r.number), r.supply_kms));
        line(
            &mut svg,
            &supply,
            std::iter::once((0.0, start)).chain(ends),
            colour,
        );
        let middle = |r: &Row| (f64::from(r.number) - 0.5, 100.0 * r.full.earned);
        line(&mut svg, &returns, curve.rows.iter().map(middle), colour);
        if let Some(periods) = curve.half_life_periods {
            mark(
                &mut svg,
                &supply,
                model.rows(periods),
                start + (cap - start) / 2.0,
                colour,
            );
        }
        let x = LEFT + 130.0 * f64::from(place);
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"24\" fill=\"{colour}\">{name}; dot: half-life</text>"
        );
    }
    svg + "</svg>\n"
}

fn last_number(curve: &Curve) -> u32 {
    curve.rows.last().map_or(1, |row| row.number)
}

fn frame(svg: &mut String, panel: &Panel, title: &str, unit: &str) {
    let (left, right) = (panel.x(0.0), panel.x(panel.rows));
    let title_y = panel.top - 8.0;
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{title_y:.1}\">{title}</text>"
    );
    for tick in 0..=TICKS {
        let value = panel.top_value * f64::from(tick) / f64::from(TICKS);
        let y = panel.y(value);
        let label_x = left - 6.0;
        let _ = writeln!(
            svg,
            "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"#ddd\"/>\n\
             <text x=\"{label_x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>",
            short(value)
        );
    }
    let below = panel.top + PANEL_HEIGHT + 16.0;
    for tick in 0..=TICKS {
        let row = panel.rows * f64::from(tick) / f64::from(TICKS);
        let x = panel.x(row);
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>",
            short(row)
        );
    }
    let (x, y) = ((left + right) / 2.0, below + 16.0);
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{unit}</text>"
    );
}

/// Draws a dashed horizontal line at a value.
fn level(svg: &mut String, panel: &Panel, value: f64, name: &str) {
    let (left, right, y) = (panel.x(0.0), panel.x(panel.rows), panel.y(value));
    let label_y = y - 4.0;
    let _ = writeln!(
        svg,
        "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"#888\" stroke-dasharray=\"4 4\"/>\n\
         <text x=\"{right:.1}\" y=\"{label_y:.1}\" text-anchor=\"end\">{name}</text>"
    );
}

fn line(svg: &mut String, panel: &Panel, points: impl Iterator<Item = (f64, f64)>, colour: &str) {
    let points: Vec<String> = points
        .map(|(row, value)| format!("{:.1},{:.1}", panel.x(row), panel.y(value)))
        .collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        points.join(" ")
    );
}

fn mark(svg: &mut String, panel: &Panel, x: f64, y: f64, colour: &str) {
    let (x, y) = (panel.x(x), panel.y(y));
    let _ = writeln!(
        svg,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>"
    );
}

/// Formats a number with at most three digits before its decimal prefix: `2.7 G`.
fn short(value: f64) -> String {
    for (size, unit) in [(1e9, " G"), (1e6, " M"), (1e3, " k")] {
        if value >= size {
            return format!("{:.1}{unit}", value / size);
        }
    }
    format!("{value:.0}")
}

#[cfg(test)]
mod tests;
