//! How strong a signal is, drawn: bars, and the line of the last hours.

use std::time::Duration;

use crate::clock::Timestamp;

/// The chart, in units of its own.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;
/// For the numbers at the left.
const LEFT: f64 = 58.0;
const BOTTOM: f64 = 18.0;

/// What modems can tell, in dBm.
const WEAKEST: i16 = -113;
const STRONGEST: i16 = -51;

/// Samples come once a minute: a longer pause is a gap.
const GAP: Duration = Duration::from_secs(5 * 60);

/// The signal of the last hours; its text says what is drawn.
pub(super) struct SignalChart {
    pub text: String,
    /// `points` of polylines, one for each time without a gap.
    pub lines: Vec<String>,
    /// Where a line of the grid is, and its dBm.
    pub grid: Vec<(f64, i16)>,
}

impl SignalChart {
    /// `None`: too little is known to draw.
    pub fn of<'a>(samples: impl IntoIterator<Item = &'a (Timestamp, i16)>, now: Timestamp) -> Option<Self> {
        let samples: Vec<_> = samples.into_iter().copied().filter(|(at, _)| *at <= now).collect();
        let (from, last) = (samples.first()?.0, samples.last()?.1);
        let span = now.since(from);
        if samples.len() < 2 || span.is_zero() {
            return None;
        }
        let x = |at: Timestamp| LEFT + (WIDTH - LEFT) * at.since(from).as_secs_f64() / span.as_secs_f64();
        let mut lines = vec![];
        let mut points = String::new();
        let mut before = from;
        for (at, dbm) in &samples {
            if at.since(before) > GAP {
                lines.push(std::mem::take(&mut points));
            }
            points += &format!("{:.1},{:.1} ", x(*at), y(*dbm));
            before = *at;
        }
        lines.push(points);
        let weakest = samples.iter().map(|(_, dbm)| *dbm).min().unwrap_or(last);
        let strongest = samples.iter().map(|(_, dbm)| *dbm).max().unwrap_or(last);
        let text = format!(
            "Signal of the last {}: between {weakest} and {strongest} dBm, {last} dBm at last.",
            super::words::span(span)
        );
        let grid = [-110, -90, -70].map(|dbm| (y(dbm), dbm)).to_vec();
        Some(Self { text, lines, grid })
    }
}

fn y(dbm: i16) -> f64 {
    let part = f64::from(STRONGEST - dbm.clamp(WEAKEST, STRONGEST)) / f64::from(STRONGEST - WEAKEST);
    4.0 + part * (HEIGHT - BOTTOM - 8.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    #[test]
    fn a_line_is_drawn_with_its_gaps() {
        let samples = [(at(0), -113), (at(1), -51), (at(30), -80), (at(31), -82)];
        let chart = SignalChart::of(&samples, at(60)).expect("a chart");
        assert_eq!(chart.lines, ["58.0,98.0 67.0,4.0 ", "329.0,48.0 338.0,51.0 "]);
        assert_eq!(chart.text, "Signal of the last 1 h 0 min: between -113 and -51 dBm, -82 dBm at last.");
    }

    #[test]
    fn nothing_is_drawn_of_too_little() {
        assert!(SignalChart::of(&[], at(1)).is_none());
        assert!(SignalChart::of(&[(at(0), -80)], at(1)).is_none());
        assert!(SignalChart::of(&[(at(0), -80), (at(2), -80)], at(0)).is_none(), "the clock was set back");
    }
}
