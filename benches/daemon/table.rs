//! The figures, and the table that they are printed as.

use std::fmt;
use std::time::Duration;

/// What a figure is held against.
pub enum Against {
    /// The median, or the figure itself, must not be above this.
    AtMost(f64),
    /// What else is known: a limit of the machine, another program's figure.
    Word(String),
}

struct Row {
    what: String,
    figure: String,
    against: String,
    verdict: &'static str,
}

#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// A row of one figure in `unit`.
    pub fn figure(&mut self, what: impl Into<String>, value: f64, unit: &str, against: Against) {
        self.add(what.into(), format!("{} {unit}", rounded(value)).trim_end().to_owned(), value, unit, against);
    }

    /// A row of many measurements in milliseconds, judged by their median.
    pub fn sample(&mut self, what: impl Into<String>, sample: &Sample, against: Against) {
        let figure = format!(
            "median {} ms, p95 {} ms, n = {}",
            rounded(sample.quantile(0.5)),
            rounded(sample.quantile(0.95)),
            sample.0.len()
        );
        self.add(what.into(), figure, sample.quantile(0.5), "ms", against);
    }

    fn add(&mut self, what: String, figure: String, value: f64, unit: &str, against: Against) {
        let (against, verdict) = match against {
            Against::AtMost(most) if value <= most => (format!("≤ {most} {unit}"), "yes"),
            Against::AtMost(most) => (format!("≤ {most} {unit}"), "**no**"),
            Against::Word(word) => (word, ""),
        };
        eprintln!("  {what}: {figure} ({against}) {verdict}");
        self.0.push(Row { what, figure, against, verdict });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | target, limit or peer | met |\n| --- | --- | --- | --- |")?;
        for Row { what, figure, against, verdict } in &self.0 {
            writeln!(f, "| {what} | {figure} | {against} | {verdict} |")?;
        }
        Ok(())
    }
}

/// Measurements in milliseconds, sorted.
pub struct Sample(Vec<f64>);

impl Sample {
    /// # Errors
    ///
    /// If there is nothing to take a median of.
    pub fn new(mut millis: Vec<f64>) -> anyhow::Result<Self> {
        anyhow::ensure!(!millis.is_empty(), "nothing was measured");
        millis.sort_by(f64::total_cmp);
        Ok(Self(millis))
    }

    pub fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len() - 1;
        self.0[(share * last as f64).round() as usize]
    }
}

pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Three digits that count, no more than a measurement is worth.
pub fn rounded(value: f64) -> String {
    match value.abs() {
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
