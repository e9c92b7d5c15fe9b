//! The comma-separated values after a colon, as modems really write them.

/// Splits at commas outside quotes and takes blanks and quotes off. A quote that is never closed ends at the next
/// comma: modems lose quotes more often than they put commas into names.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = text.trim();
    loop {
        let (field, next) = match rest.strip_prefix('"') {
            Some(quoted) => match quoted.find('"') {
                Some(end)
                    if quoted[end + 1..].trim_start().starts_with([',']) || quoted[end + 1..].trim().is_empty() =>
                {
                    let after = quoted[end + 1..].trim_start();
                    (&quoted[..end], after.strip_prefix(','))
                }
                Some(_) | None => at_comma(quoted),
            },
            None => at_comma(rest),
        };
        fields.push(field.trim().trim_matches('"').trim().to_owned());
        match next {
            Some(next) => rest = next.trim_start(),
            None => return fields,
        }
    }
}

/// A text that some modems write as UCS-2 in hex (after `AT+CSCS="UCS2"`), in the clear; any other text as it is.
pub(super) fn maybe_ucs2(text: &str) -> String {
    let units: Option<Vec<u16>> = text
        .as_bytes()
        .chunks(4)
        .map(|unit| u16::from_str_radix(std::str::from_utf8(unit).ok().filter(|it| it.len() == 4)?, 16).ok())
        .collect();
    // Two characters at least, and the first from the Latin page: a number in plain digits never begins so.
    match units {
        Some(units) if units.len() >= 2 && text.starts_with("00") => String::from_utf16_lossy(&units),
        Some(_) | None => text.to_owned(),
    }
}

fn at_comma(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((field, next)) => (field, Some(next)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_blanks_and_lost_quotes_make_no_difference() {
        assert_eq!(split("2,1, 81ED, 1A9CEB "), ["2", "1", "81ED", "1A9CEB"]);
        assert_eq!(split("0,0,\"A, B\",7"), ["0", "0", "A, B", "7"]);
        assert_eq!(split("2,1,\"0B,\"0100701\",7"), ["2", "1", "0B", "0100701", "7"]);
        assert_eq!(split("2,1,\"5E25"), ["2", "1", "5E25"]);
        assert_eq!(split("2,,"), ["2", "", ""]);
        assert_eq!(split(""), [""]);
    }
}
