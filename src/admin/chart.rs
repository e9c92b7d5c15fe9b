//! Verifications over time as stacked bars: numbers for a template, drawn without a library.
//!
//! The drawing is as wide as its place and keeps its height, so that letters would be stretched: they stand beside it. Each
//! outcome has a pattern besides its colour.

use super::words::{Clock, Moment};
use crate::app::{Outcomes, Traffic};
use crate::clock::Timestamp;

/// The drawing, in units of its own.
pub(super) const WIDTH: f64 = 960.0;
pub(super) const HEIGHT: f64 = 160.0;

/// Of a step's width, what is drawn.
const FILLED: f64 = 0.8;

/// Times below the bars.
const TICKS: usize = 4;

/// An outcome's part of the legend; its index is its pattern's and its colour's.
pub(super) const OUTCOMES: [&str; 5] = ["verified", "failed", "expired", "cancelled", "in progress"];

/// A chart that can be drawn.
pub(super) struct Chart {
    pub bars: Vec<Bar>,
    /// What the upper edge stands for.
    pub top: u64,
    pub ticks: Vec<Clock>,
    /// In words: what is drawn.
    pub text: String,
    /// Steps with something in them, the newest first.
    pub rows: Vec<Row>,
}

/// One step of time.
pub(super) struct Bar {
    pub x: f64,
    pub width: f64,
    pub parts: Vec<Part>,
    /// For who points at it.
    pub title: String,
}

pub(super) struct Part {
    /// From 1.
    pub series: usize,
    pub y: f64,
    pub height: f64,
}

/// The same for those who do not see it.
pub(super) struct Row {
    pub at: Moment,
    pub counts: [u64; 5],
}

impl Chart {
    pub fn of(traffic: &Traffic) -> Self {
        let top = round_up(traffic.steps.iter().map(Outcomes::sum).max().unwrap_or(0));
        let step = WIDTH / number(count(traffic.steps.len().max(1)));
        let begin_of = |index: usize| traffic.begin + traffic.step * u32::try_from(index).unwrap_or(u32::MAX);
        let bar = |(index, outcomes): (usize, &Outcomes)| Bar {
            x: step * number(count(index)),
            width: step * FILLED,
            parts: parts(outcomes, top),
            title: title(begin_of(index), outcomes),
        };
        let bars = traffic.steps.iter().enumerate().filter(|(_, outcomes)| outcomes.sum() > 0).map(bar).collect();
        let row = |(index, outcomes): (usize, &Outcomes)| Row { at: Moment(begin_of(index)), counts: counts(outcomes) };
        let busy = traffic.steps.iter().enumerate().rev().filter(|(_, outcomes)| outcomes.sum() > 0);
        let ticks = (0..TICKS).map(|tick| Clock(begin_of(tick * traffic.steps.len() / TICKS))).collect();
        Self { bars, top, ticks, text: text(traffic), rows: busy.map(row).collect() }
    }
}

/// From the bottom up.
fn parts(outcomes: &Outcomes, top: u64) -> Vec<Part> {
    let mut y = HEIGHT;
    let mut parts = vec![];
    for (index, count) in counts(outcomes).into_iter().enumerate().filter(|(_, count)| *count > 0) {
        let height = HEIGHT * number(count) / number(top.max(1));
        y -= height;
        parts.push(Part { series: index + 1, y, height });
    }
    parts
}

/// In the order of [`OUTCOMES`].
fn counts(outcomes: &Outcomes) -> [u64; 5] {
    [outcomes.success, outcomes.failed, outcomes.expired, outcomes.cancelled, outcomes.in_progress]
}

fn title(at: Timestamp, outcomes: &Outcomes) -> String {
    let of = counts(outcomes).into_iter().zip(OUTCOMES).filter(|(count, _)| *count > 0);
    let of: Vec<_> = of.map(|(count, name)| format!("{count} {name}")).collect();
    format!("{} UTC: {}", at.to_date_time(), of.join(", "))
}

fn text(traffic: &Traffic) -> String {
    let total: u64 = traffic.steps.iter().map(Outcomes::sum).sum();
    let hours = traffic.step.as_secs() * count(traffic.steps.len()) / 3600;
    let busiest = traffic.steps.iter().map(Outcomes::sum).max().unwrap_or(0);
    let sums = traffic
        .steps
        .iter()
        .map(counts)
        .fold([0; 5], |sums: [u64; 5], counts| std::array::from_fn(|index| sums[index] + counts[index]));
    let of: Vec<_> = sums.into_iter().zip(OUTCOMES).map(|(count, name)| format!("{count} {name}")).collect();
    format!(
        "{total} verifications began in the last {hours} hours, {busiest} at most in five minutes: {}.",
        of.join(", ")
    )
}

/// The next round number, for the upper edge: 1, 2, 4, 10, 20, 40, 100, …
fn round_up(most: u64) -> u64 {
    let mut scale: u64 = 1;
    loop {
        for step in [1, 2, 4] {
            let round = scale.saturating_mul(step);
            if round >= most || round == u64::MAX {
                return round;
            }
        }
        scale = scale.saturating_mul(10);
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn traffic(steps: Vec<Outcomes>) -> Traffic {
        Traffic { begin: Timestamp::from_millis(1_772_366_400_000), step: Duration::from_secs(300), steps }
    }

    #[test]
    fn outcomes_stand_upon_each_other_up_to_a_round_number() {
        let busy = Outcomes { success: 5, failed: 2, in_progress: 1, ..Outcomes::default() };
        let chart = Chart::of(&traffic(vec![Outcomes::default(), busy, Outcomes::default(), Outcomes::default()]));
        assert_eq!((chart.top, chart.bars.len(), chart.rows.len()), (10, 1, 1));
        let bar = &chart.bars[0];
        assert_eq!((bar.x, bar.width), (240.0, 192.0));
        let parts: Vec<_> = bar.parts.iter().map(|part| (part.series, part.y, part.height)).collect();
        assert_eq!(parts, [(1, 80.0, 80.0), (2, 48.0, 32.0), (5, 32.0, 16.0)]);
        assert_eq!(bar.title, "2026-03-01 12:05:00 UTC: 5 verified, 2 failed, 1 in progress");
        assert_eq!(chart.rows[0].counts, [5, 2, 0, 0, 1]);
        assert_eq!(
            chart.text,
            "8 verifications began in the last 0 hours, 8 at most in five minutes: 5 verified, 2 failed, 0 expired, \
             0 cancelled, 1 in progress."
        );
    }

    #[test]
    fn an_empty_chart_has_an_upper_edge_and_no_bars() {
        let chart = Chart::of(&traffic(vec![Outcomes::default(); 48]));
        assert_eq!((chart.top, chart.bars.len(), chart.ticks.len()), (1, 0, TICKS));
    }

    #[test]
    fn upper_edges_are_round() {
        assert_eq!([0, 1, 3, 5, 11, 40, 41, 999].map(round_up), [1, 1, 4, 10, 20, 40, 100, 1000]);
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }
}
