//! The files of `monitoring/` and the page that explains them: they name what there is, and `promtool` takes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use simverify::metrics::catalogue::{self, Described, Kind};

use crate::metrics::promtool;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn file(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn dashboard() -> Value {
    serde_json::from_str(&file("monitoring/grafana-dashboard.json")).expect("JSON")
}

/// The names of series that a scrape may have.
fn series() -> BTreeSet<String> {
    catalogue::ALL.iter().flat_map(|described| series_of(described)).collect()
}

fn series_of(described: &Described) -> Vec<String> {
    let name = described.full_name();
    match described.kind {
        Kind::Histogram(_) => ["_bucket", "_sum", "_count"].iter().map(|suffix| format!("{name}{suffix}")).collect(),
        Kind::Counter | Kind::Gauge | Kind::Info => vec![name],
    }
}

/// The names of this program's series in a query.
fn named(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with("simverify_") || word.starts_with("process_"))
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Every query of the dashboard.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = array(dashboard, "panels").iter().flat_map(|panel| array(panel, "targets"));
    let annotations = array(&dashboard["annotations"], "list").iter();
    panels.chain(annotations).filter_map(|target| target["expr"].as_str().map(str::to_owned)).collect()
}

/// As Grafana would send it.
fn filled_in(query: &str) -> String {
    query.replace("$__rate_interval", "5m").replace("$job", "simverify").replace("$instance", ".*")
}

#[test]
fn the_page_lists_every_metric_as_it_is() {
    let row = |described: &&Described| {
        let labels = described.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        format!("| `{}` | {} | {} | {} |", described.full_name(), described.type_name(), labels, described.help)
    };
    let expected: Vec<String> = catalogue::ALL.iter().map(row).collect();
    let page = file("docs/monitoring.md");
    let found: Vec<&str> =
        page.lines().filter(|line| line.starts_with("| `simverify_") || line.starts_with("| `process_")).collect();
    assert_eq!(found, expected, "docs/monitoring.md should have\n{}", expected.join("\n"));
}

#[test]
fn the_page_explains_every_alert_and_each_has_a_test() {
    let alerts = file("monitoring/alerts.yml");
    let names: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 20);
    let (page, tests) = (file("docs/monitoring.md"), file("monitoring/alerts_test.yml"));
    for name in &names {
        assert!(page.contains(&format!("| `{name}` |")), "docs/monitoring.md has no row for {name}");
        for kind in ["fires", "is quiet"] {
            assert!(tests.contains(&format!("- name: {name} {kind}\n")), "alerts_test.yml: {name} {kind}");
        }
    }
    let explained = page.lines().filter(|line| line.starts_with("| `Simverify")).count();
    assert_eq!(explained, names.len(), "an alert that is not there is explained");
}

#[test]
fn alerts_and_dashboard_name_series_and_labels_that_there_are() {
    let series = series();
    let dashboard = dashboard();
    let alerts = file("monitoring/alerts.yml");
    for query in queries(&dashboard).iter().map(String::as_str).chain([alerts.as_str()]) {
        for name in named(query) {
            assert!(series.contains(name), "there is no {name}");
        }
    }
    let used: BTreeSet<String> =
        queries(&dashboard).iter().flat_map(|query| named(query).map(str::to_owned).collect::<Vec<_>>()).collect();
    let unseen = |described: &&Described| !series_of(described).iter().any(|name| used.contains(name));
    let unseen: Vec<_> = catalogue::ALL.iter().copied().filter(unseen).map(Described::full_name).collect();
    assert_eq!(unseen, Vec::<String>::new(), "the dashboard shows everything");
}

#[test]
fn promtool_takes_the_alerts_and_their_tests_and_the_example() {
    for arguments in [
        &["check", "rules", "monitoring/alerts.yml"][..],
        &["test", "rules", "monitoring/alerts_test.yml"],
        &["check", "config", "monitoring/prometheus.yml"],
    ] {
        let (is_content, said) = promtool(arguments, "");
        assert!(is_content, "promtool {arguments:?}: {said}");
    }
}

#[test]
fn promtool_takes_every_query_of_the_dashboard() {
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (index, query) in queries(&dashboard()).iter().enumerate() {
        rules += &format!("      - record: query:{index}\n        expr: {}\n", Value::from(filled_in(query)));
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("dashboard.yml");
    fs::write(&file, rules).expect("a file");
    let (is_content, said) = promtool(&["check", "rules", file.to_str().expect("UTF-8")], "");
    assert!(is_content, "{said}");
}

/// What Grafana makes of a dashboard when it is imported, as far as that can be said without it.
#[test]
fn the_dashboard_is_one_that_grafana_can_import() {
    let dashboard = dashboard();
    for (key, value) in [("title", "Simverify"), ("uid", "simverify")] {
        assert_eq!(dashboard[key], value);
    }
    assert!(dashboard["id"].is_null() && dashboard["schemaVersion"].as_u64() >= Some(36));
    let variables: Vec<_> = array(&dashboard["templating"], "list").iter().map(|variable| &variable["name"]).collect();
    assert_eq!(variables, ["datasource", "job", "instance"]);
    let panels = array(&dashboard, "panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        let side = |side: &str| panel["gridPos"][side].as_u64().unwrap_or_else(|| panic!("{title}: {side}"));
        let (x, y, w, h) = (side("x"), side("y"), side("w"), side("h"));
        assert!(w > 0 && h > 0 && x + w <= 24, "{title} is beside the grid");
        for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(place), "{title} lies over another panel at {place:?}");
        }
        let known = ["row", "stat", "timeseries", "state-timeline", "bargauge"];
        assert!(known.iter().any(|kind| panel["type"] == *kind), "{title}: {}", panel["type"]);
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = array(panel, "targets");
        assert!(!targets.is_empty(), "{title} asks nothing");
        let references: BTreeSet<_> = targets.iter().map(|target| target["refId"].as_str().expect("a refId")).collect();
        assert_eq!(references.len(), targets.len(), "{title}");
        assert!(targets.iter().all(|target| target["datasource"]["uid"] == "${datasource}"), "{title}");
    }
}
