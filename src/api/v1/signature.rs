//! Signed requests, as the older Nexmo clients make them. Pure.
//!
//! The signature covers every parameter but `sig`, sorted by name and joined as `&name=value`, with `&` and `=` inside
//! a value turned into `_`. It is MD5 of that text and the secret, or an HMAC under the secret, in hex; its length tells
//! which. MD5 is weak, but here it stands between a caller and an account whose secret the caller must know.

use std::time::Duration;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use crate::clock::Timestamp;

use super::params::Parameters;

/// How far a timestamp may be off, either way.
const TIMESTAMP_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Why a signature is refused. For the log; the caller hears of invalid credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("a parameter of the signed request is no text")]
    Unreadable,
    #[error("a parameter's name contains & or =, so that the signed text is ambiguous")]
    AmbiguousName,
    #[error("the timestamp is missing or not in seconds since 1970")]
    NoTimestamp,
    #[error("the timestamp is more than five minutes off")]
    Stale,
    #[error("the signature's length is that of no known algorithm")]
    UnknownAlgorithm,
    #[error("the signature does not match")]
    Mismatch,
}

/// Checks the parameter `sig` of a signed request against the account's secret.
///
/// # Errors
///
/// The reason why it is refused.
pub fn verify(parameters: &Parameters, secret: &SecretString, now: Timestamp) -> Result<(), SignatureError> {
    let text = canonical_text(parameters)?;
    check_timestamp(parameters, now)?;
    let signature =
        parameters.text("sig").map_err(|_| SignatureError::Unreadable)?.unwrap_or_default().to_ascii_lowercase();
    let text = text.as_bytes();
    let secret = secret.expose_secret().as_bytes();
    let candidates = match signature.len() {
        32 => vec![digest(text, secret), hmac::<Hmac<Md5>>(text, secret)],
        40 => vec![hmac::<Hmac<Sha1>>(text, secret)],
        64 => vec![hmac::<Hmac<Sha256>>(text, secret)],
        128 => vec![hmac::<Hmac<Sha512>>(text, secret)],
        _ => return Err(SignatureError::UnknownAlgorithm),
    };
    let matches = candidates.iter().any(|candidate| candidate.as_bytes().ct_eq(signature.as_bytes()).into());
    if matches { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// The text that is signed.
fn canonical_text(parameters: &Parameters) -> Result<String, SignatureError> {
    let mut pairs = parameters.all().ok_or(SignatureError::Unreadable)?;
    pairs.retain(|(name, _)| *name != "sig");
    if pairs.iter().any(|(name, _)| name.contains(['&', '='])) {
        return Err(SignatureError::AmbiguousName);
    }
    // A stable sort: a repeated name keeps its values in the order in which they came.
    pairs.sort_by_key(|(name, _)| *name);
    Ok(pairs.iter().map(|(name, value)| format!("&{name}={}", value.replace(['&', '='], "_"))).collect())
}

fn check_timestamp(parameters: &Parameters, now: Timestamp) -> Result<(), SignatureError> {
    let seconds: i64 = parameters
        .text("timestamp")
        .ok()
        .flatten()
        .and_then(|text| text.parse().ok())
        .ok_or(SignatureError::NoTimestamp)?;
    let signed = Timestamp::from_millis(seconds.saturating_mul(1000));
    let off = now.since(signed).max(signed.since(now));
    if off <= TIMESTAMP_TOLERANCE { Ok(()) } else { Err(SignatureError::Stale) }
}

fn digest(text: &[u8], secret: &[u8]) -> String {
    hex(&Md5::new().chain_update(text).chain_update(secret).finalize())
}

fn hmac<M: Mac + KeyInit>(text: &[u8], secret: &[u8]) -> String {
    let mac = <M as KeyInit>::new_from_slice(secret).expect("an HMAC takes keys of any length");
    hex(&mac.chain_update(text).finalize().into_bytes())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn check(query: &str, sig: &str, secret: &str) -> Result<(), SignatureError> {
        let parameters = Parameters::gather(&format!("{query}&sig={sig}"), b"");
        verify(&parameters, &secret.into(), NOW)
    }

    const QUERY: &str = "number=447400123456&brand=A%26B%3DC&api_key=abcdef01&timestamp=1700000000&empty=";

    #[test]
    fn the_signed_text_is_sorted_and_without_separators_in_values() {
        let parameters = Parameters::gather("sig=x&b=2&request_ids=z&request_ids=a", b"a=1%26%3D&c=%C3%A9");
        assert_eq!(canonical_text(&parameters), Ok("&a=1__&b=2&c=é&request_ids=z&request_ids=a".to_owned()));
    }

    #[test]
    fn every_algorithm_is_told_by_the_signatures_length() {
        // Computed with Python's hashlib and hmac over
        // "&api_key=abcdef01&brand=A_B_C&empty=&number=447400123456&timestamp=1700000000".
        for sig in SIGNATURES {
            assert_eq!(check(QUERY, sig, "s3cret"), Ok(()), "{sig}");
            assert_eq!(check(QUERY, &sig.to_uppercase(), "s3cret"), Ok(()), "{sig} in upper case");
            assert_eq!(check(QUERY, sig, "s3cre"), Err(SignatureError::Mismatch), "{sig} under another secret");
            let changed = QUERY.replace("3456", "3457");
            assert_eq!(check(&changed, sig, "s3cret"), Err(SignatureError::Mismatch), "{sig} with another number");
        }
    }

    #[test]
    fn a_timestamp_is_five_minutes_off_at_most() {
        let signed = |seconds: i64| {
            let parameters = Parameters::gather(&format!("timestamp={seconds}"), b"");
            check_timestamp(&parameters, NOW)
        };
        assert_eq!(signed(1_700_000_300), Ok(()));
        assert_eq!(signed(1_699_999_700), Ok(()));
        assert_eq!(signed(1_700_000_301), Err(SignatureError::Stale));
        assert_eq!(signed(1_699_999_699), Err(SignatureError::Stale));
        assert_eq!(signed(i64::MIN), Err(SignatureError::Stale));
        assert_eq!(signed(i64::MAX), Err(SignatureError::Stale));
        assert_eq!(check("a=b", SIGNATURES[0], "s"), Err(SignatureError::NoTimestamp));
        assert_eq!(check("timestamp=now", SIGNATURES[0], "s"), Err(SignatureError::NoTimestamp));
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        assert_eq!(check(QUERY, "abc", "s"), Err(SignatureError::UnknownAlgorithm));
        assert_eq!(check(QUERY, "", "s"), Err(SignatureError::UnknownAlgorithm));
        assert_eq!(check("timestamp=1700000000&brand=%ff", SIGNATURES[0], "s"), Err(SignatureError::Unreadable));
    }

    #[test]
    fn a_name_cannot_stand_for_another_parameter() {
        let split = QUERY.replace("api_key=abcdef01&", "api_key=abcdef01&brand%3DA_B_C%26empty=&");
        assert_eq!(check(&split, SIGNATURES[0], "s3cret"), Err(SignatureError::AmbiguousName));
    }

    /// MD5, HMAC-MD5, HMAC-SHA1, HMAC-SHA256, HMAC-SHA512.
    const SIGNATURES: [&str; 5] = [
        "22a7c064a54cc56c31367fd986aa5951",
        "acdd44f6636f80dfe6831c52c5ee277d",
        "871ccfe1336e5c171d416e0d691006736215a345",
        "5af8cd800e32090bc6b1410c4e334222147a317c38b0832525ed4276287c8a25",
        "6f8c86b008acbcb25353287e201a78738ad8902b758349d0f49ec2bed03e4d197fd20924edbb1301e4336fb73e16034465a629345a893179d7b86b945499e470",
    ];
}
