//! The text that a scraper gets, in the form that it understands.
//!
//! The library writes OpenMetrics. The older text format of Prometheus calls a counter by its whole name, knows neither
//! units nor infos, and has no end mark: the programs that read it, `promtool` among them, would take `x_total` of an
//! OpenMetrics text for something without a type.

use std::fmt;

use prometheus_client::encoding::text::{encode_eof, encode_registry};

use super::{Metrics, Readings};

/// A form of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Prometheus' own, version 0.0.4.
    Classic,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Form {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What an `Accept` header likes best; the classic form for who does not name OpenMetrics.
    pub fn accepted(accept: &str) -> Self {
        let (mut classic, mut open) = (0.0, 0.0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut is_known) = (1.0_f64, true);
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name.trim() {
                    "q" => quality = value.trim().parse().unwrap_or(0.0),
                    "version" => is_known = ["0.0.1", "1.0.0", "0.0.4"].contains(&value.trim()),
                    _ => {}
                }
            }
            match media_type.as_str() {
                "application/openmetrics-text" if is_known => open = quality.max(open),
                "text/plain" if is_known => classic = quality.max(classic),
                _ => {}
            }
        }
        if open > 0.0 && open >= classic { Self::OpenMetrics } else { Self::Classic }
    }
}

/// Writes counters and readings down.
///
/// # Errors
///
/// None that is known: text always has room.
pub fn write(metrics: &Metrics, readings: &Readings, form: Form) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for registry in [&metrics.0.registry, &readings.own, &readings.process] {
        encode_registry(&mut text, registry)?;
    }
    match form {
        Form::OpenMetrics => {
            encode_eof(&mut text)?;
            Ok(text)
        }
        Form::Classic => Ok(classic(&text)),
    }
}

/// The same in the older form.
fn classic(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    // Comes before the type, which decides how the family is called.
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            text += &format!("# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n");
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classic_form_calls_counters_and_infos_by_their_whole_names() {
        let open = "# HELP simverify_sends Attempts.\n# TYPE simverify_sends counter\n\
                    simverify_sends_total{route=\"sim1\"} 3\n\
                    # HELP simverify_build What runs.\n# TYPE simverify_build info\nsimverify_build_info{version=\"1\"} 1\n\
                    # HELP simverify_wait_seconds Waits.\n# TYPE simverify_wait_seconds histogram\n\
                    # UNIT simverify_wait_seconds seconds\nsimverify_wait_seconds_count 0\n# EOF\n";
        insta::assert_snapshot!(classic(open), @r#"
        # HELP simverify_sends_total Attempts.
        # TYPE simverify_sends_total counter
        simverify_sends_total{route="sim1"} 3
        # HELP simverify_build_info What runs.
        # TYPE simverify_build_info gauge
        simverify_build_info{version="1"} 1
        # HELP simverify_wait_seconds Waits.
        # TYPE simverify_wait_seconds histogram
        simverify_wait_seconds_count 0
        "#);
    }

    #[test]
    fn who_names_openmetrics_and_does_not_like_it_less_gets_it() {
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                            application/openmetrics-text;version=0.0.1;q=0.5,\
                            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, form) in [
            (prometheus_2, Form::OpenMetrics),
            (prometheus_3, Form::OpenMetrics),
            ("application/openmetrics-text", Form::OpenMetrics),
            ("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", Form::Classic),
            ("application/openmetrics-text;version=2.0.0", Form::Classic),
            ("application/openmetrics-text;q=0", Form::Classic),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Form::Classic),
            ("*/*", Form::Classic),
            ("", Form::Classic),
            (";;q=,=", Form::Classic),
        ] {
            assert_eq!(Form::accepted(accept), form, "{accept}");
        }
    }
}
