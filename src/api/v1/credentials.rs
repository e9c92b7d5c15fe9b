//! Who asks: an API key with its secret, as Basic header or as parameters, or with a signature. Pure.
//!
//! Finds credentials, and does not judge them: whether a secret is right is known to the store alone.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;

use super::params::Parameters;

/// Some clients leave the padding out.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An API key and what is to prove it.
#[derive(Clone)]
pub struct Credentials {
    pub api_key: String,
    pub proof: Proof,
}

#[derive(Clone)]
pub enum Proof {
    Secret(SecretString),
    /// The parameter `sig`, made with the secret; the secret itself did not come.
    Signature,
}

impl Credentials {
    /// `None` if there are none, or if they are incomplete or malformed. A Basic header wins over parameters, right or
    /// wrong; a header of another scheme is not for us.
    pub fn find(authorization: Option<&[u8]>, parameters: &Parameters) -> Option<Self> {
        match authorization.and_then(basic) {
            Some(encoded) => Self::from_basic(encoded),
            None => Self::from_parameters(parameters),
        }
    }

    /// RFC 7617: base64 of key, colon, secret, in UTF-8.
    fn from_basic(encoded: &[u8]) -> Option<Self> {
        let text = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
        let (api_key, api_secret) = text.split_once(':')?;
        Self::with_secret(api_key, api_secret)
    }

    fn from_parameters(parameters: &Parameters) -> Option<Self> {
        let api_key = parameters.text("api_key").ok()??;
        match parameters.text("api_secret").ok()? {
            Some(api_secret) => Self::with_secret(api_key, api_secret),
            None => parameters.is_given("sig").then(|| Self { api_key: api_key.to_owned(), proof: Proof::Signature }),
        }
    }

    fn with_secret(api_key: &str, api_secret: &str) -> Option<Self> {
        (!api_key.is_empty() && !api_secret.is_empty())
            .then(|| Self { api_key: api_key.to_owned(), proof: Proof::Secret(api_secret.into()) })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.proof {
            Proof::Secret(_) => "Credentials(key and secret)",
            Proof::Signature => "Credentials(key and signature)",
        })
    }
}

/// The credentials of a Basic header; the scheme's name is written in any case (RFC 9110 §11.1).
fn basic(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, encoded) = authorization.trim_ascii().split_at_checked(5)?;
    let encoded = if scheme.eq_ignore_ascii_case(b"basic") { encoded } else { return None };
    (encoded.is_empty() || encoded[0] == b' ').then(|| encoded.trim_ascii())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn found(authorization: Option<&str>, query: &str) -> Option<String> {
        let parameters = Parameters::gather(query, b"");
        let credentials = Credentials::find(authorization.map(str::as_bytes), &parameters)?;
        Some(match credentials.proof {
            Proof::Secret(secret) => format!("{} {}", credentials.api_key, secret.expose_secret()),
            Proof::Signature => format!("{} signed", credentials.api_key),
        })
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn parameters_carry_key_and_secret_or_key_and_signature() {
        assert_eq!(found(None, "api_key=k&api_secret=s"), some("k s"));
        assert_eq!(found(None, "api_key=k&sig=abc"), some("k signed"));
        assert_eq!(found(None, "api_key=k&api_secret=s&sig=abc"), some("k s"));
        for query in ["", "api_key=k", "api_secret=s", "api_key=&api_secret=s", "api_key=k&api_secret=%ff", "sig=abc"] {
            assert_eq!(found(None, query), None, "{query}");
        }
    }

    #[test]
    fn a_basic_header_carries_key_and_secret() {
        // k:s · k:s:t · clé:s
        for (header, expected) in [
            ("Basic azpz", "k s"),
            ("basic  azpzOnQ=", "k s:t"),
            ("BASIC azpzOnQ", "k s:t"),
            ("Basic Y2zDqTpz", "clé s"),
        ] {
            assert_eq!(found(Some(header), ""), some(expected), "{header}");
        }
    }

    #[test]
    fn a_basic_header_wins_even_if_it_is_malformed() {
        let parameters = "api_key=k2&api_secret=s2";
        assert_eq!(found(Some("Basic azpz"), parameters), some("k s"));
        for header in ["Basic", "Basic !", "Basic azo=", "Basic OnM=", "Basic a3M=", "Basic /zo/"] {
            assert_eq!(found(Some(header), parameters), None, "{header}");
        }
    }

    #[test]
    fn a_header_of_another_scheme_is_not_for_us() {
        for header in ["Bearer azpz", "Basicazpz", "", "B"] {
            assert_eq!(found(Some(header), "api_key=k2&api_secret=s2"), some("k2 s2"), "{header}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let parameters = Parameters::gather("api_key=kkkk&api_secret=ssss", b"");
        let credentials = Credentials::find(None, &parameters).expect("credentials");
        assert_eq!(format!("{credentials:?}"), "Credentials(key and secret)");
    }
}
