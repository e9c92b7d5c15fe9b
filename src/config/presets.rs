//! Ready-made providers: the table that the key `preset` names lies under the operator's own.
//!
//! A sub-table (headers, variables, callback, voice) is merged key by key, so that an operator replaces single entries.

use config::{Map, Value, ValueKind};

use super::checks::Fault;
use super::layers::from_toml;
use super::path::KeyPath;
use super::tables_of;

/// The ready-made providers: name, and the keys of a provider's table.
const PRESETS: &[(&str, &str)] = &[];

/// The table of a preset.
pub(super) fn find(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, table)| *table)
}

/// Lays under each provider's table the one that its key `preset` names.
pub(super) fn lay_under(merged: &mut Value, find: impl Fn(&str) -> Option<&'static str>) -> Result<(), Fault> {
    for (index, table) in tables_of(merged, "providers") {
        // A value that is no text is refused when the table is read.
        let Some(ValueKind::String(name)) = table.get("preset").map(|value| &value.kind) else { continue };
        if name.is_empty() {
            continue;
        }
        let path = KeyPath::dotted("providers").index(index).key("preset");
        let preset = find(name).ok_or_else(|| (path.clone(), unknown()))?;
        let preset = from_toml(&format!("preset {name}"), preset).map_err(|error| (path, error.to_string()))?;
        if let ValueKind::Table(preset) = &preset.0.kind {
            merge(table, preset);
        }
    }
    Ok(())
}

fn unknown() -> String {
    let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    format!("must be one of {}, or empty", names.join(", "))
}

fn merge(table: &mut Map<String, Value>, under: &Map<String, Value>) {
    for (key, value) in under {
        match (table.get_mut(key).map(|own| &mut own.kind), &value.kind) {
            (None, _) => {
                table.insert(key.clone(), value.clone());
            }
            (Some(ValueKind::Table(own)), ValueKind::Table(under)) => merge(own, under),
            (Some(_), _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::masked;
    use super::*;

    const POST_OFFICE: &str = r#"
        url = "https://post.example/send"
        headers = { Accept = "application/json", Authorization = "Basic {{ secret }}" }
        variables = { account = "", region = "eu" }
        voice = { url = "https://post.example/call" }
    "#;

    fn laid_under(table: &str) -> String {
        let mut merged = from_toml("x.toml", table).expect("TOML").0;
        let find = |name: &str| (name == "post-office").then_some(POST_OFFICE);
        match lay_under(&mut merged, find) {
            Ok(()) => masked(&KeyPath::root(), &merged).replace("], ", "],\n").replace(", ", ",\n"),
            Err((path, reason)) => format!("{path}: {reason}"),
        }
    }

    #[test]
    fn a_preset_lies_under_the_table_and_its_sub_tables_are_merged() {
        insta::assert_snapshot!(laid_under(
            "[[providers]]\npreset = 'post-office'\nvariables = { account = '7' }\nvoice = { method = 'GET' }"
        ), @r#"
        { providers = [{ headers = { Accept = "***",
        Authorization = "***" },
        preset = "post-office",
        url = "https://post.example/send",
        variables = { account = "7",
        region = "eu" },
        voice = { method = "GET",
        url = "https://post.example/call" } }] }
        "#);
        assert_eq!(laid_under("[[providers]]\npreset = ''"), r#"{ providers = [{ preset = "" }] }"#);
        assert!(laid_under("[[providers]]\npreset = 'pigeons'").starts_with("providers[0].preset: must be one of "));
    }
}
