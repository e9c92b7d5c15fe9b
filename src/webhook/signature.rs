//! How an event is signed: Standard Webhooks 1.0.0, HMAC-SHA256.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Marks the text of a secret.
const PREFIX: &str = "whsec_";

/// Octets of a secret.
const OCTETS: std::ops::RangeInclusive<usize> = 24..=64;

/// What an account and its server share.
#[derive(Clone)]
pub struct SigningSecret(Zeroizing<Vec<u8>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ and the base64 of 24 to 64 octets")]
pub struct InvalidSecret;

impl SigningSecret {
    /// From random octets.
    pub fn from_random(octets: [u8; 32]) -> Self {
        Self(Zeroizing::new(octets.to_vec()))
    }

    /// # Errors
    ///
    /// [`InvalidSecret`].
    pub fn from_octets(octets: &[u8]) -> Result<Self, InvalidSecret> {
        if OCTETS.contains(&octets.len()) { Ok(Self(Zeroizing::new(octets.to_vec()))) } else { Err(InvalidSecret) }
    }

    /// As people copy it.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`].
    pub fn from_text(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let octets = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| InvalidSecret)?);
        Self::from_octets(&octets)
    }

    pub fn to_text(&self) -> SecretString {
        SecretString::from(format!("{PREFIX}{}", STANDARD.encode(&*self.0)))
    }

    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// One signature of the header `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(***)")
    }
}

/// The header `webhook-signature`: one signature for each secret that a receiver may have.
pub fn header<'a>(
    secrets: impl IntoIterator<Item = &'a SigningSecret>,
    id: &str,
    timestamp: i64,
    body: &str,
) -> String {
    secrets.into_iter().map(|secret| secret.sign(id, timestamp, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const TEXT: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The example of the scheme's own libraries.
    #[test]
    fn a_signature_is_that_of_the_scheme() {
        let secret = SigningSecret::from_text(TEXT).expect("a secret");
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(secret.sign(id, 1_614_265_330, body), signature);
        let other = SigningSecret::from_random([7; 32]);
        let both = header([&other, &secret], id, 1_614_265_330, body);
        assert_eq!(both.split(' ').collect::<Vec<_>>(), [other.sign(id, 1_614_265_330, body).as_str(), signature]);
    }

    #[test]
    fn a_secret_reads_what_it_writes_and_is_not_shown() {
        let secret = SigningSecret::from_random([9; 32]);
        let again = SigningSecret::from_text(secret.to_text().expose_secret()).expect("the same");
        assert_eq!(again.octets(), [9; 32]);
        assert_eq!(format!("{secret:?}"), "SigningSecret(***)");
        let of = |octets: usize| format!("whsec_{}", STANDARD.encode(vec![1; octets]));
        for (text, fits) in [
            (of(23), false),
            (of(24), true),
            (of(64), true),
            (of(65), false),
            (TEXT.replace("whsec_", ""), false),
            ("whsec_***".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(SigningSecret::from_text(&text).is_ok(), fits, "{text}");
        }
    }
}
