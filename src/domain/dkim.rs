//! The keys that sign mail, so that a receiver knows whose it is (DKIM, RFC 6376 and RFC 8463).
use std::fmt;

use aws_lc_rs::{
    error::KeyRejected,
    signature::{Ed25519KeyPair, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// In whose name mail is signed, and with what.
#[derive(Debug)]
pub struct Dkim {
    /// The domain that signs: that of the sender's address, or one above it.
    pub domain: String,
    /// The key whose signatures every receiver understands.
    pub rsa: DkimKey<RsaKeyPair>,
    /// The key of a second signature. Receivers that do not know Ed25519 pass it over, so that it is
    /// never the only one.
    pub ed25519: Option<DkimKey<Ed25519KeyPair>>,
}

/// A key, and where its public half is published.
pub struct DkimKey<K> {
    /// The name below `_domainkey` in the DNS of the domain.
    pub selector: String,
    /// The key.
    pub pair: K,
}

/// The selector only; a key is never printed.
impl<K> fmt::Debug for DkimKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DkimKey").field(&self.selector).finish()
    }
}

/// Why a text is no key that signs mail. None of them repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DkimKeyError {
    /// There is no private key in PEM.
    #[error("holds no private key in PEM, `-----BEGIN PRIVATE KEY-----`")]
    NoKey,
    /// The key is protected by a password.
    #[error("holds a key with a password, and nobody is there to type it; take the password off")]
    Encrypted,
    /// The key is of another algorithm, or damaged.
    #[error("holds no key of the kind {0}, or a damaged one")]
    Kind(&'static str),
    /// The modulus has fewer than 2048 bits (RFC 8301 section 3.2) or more than 4096.
    #[error("holds an RSA key of another length than 2048 to 4096 bits; make one of 2048")]
    Length,
}

/// The RSA key of 2048 to 4096 bits in `pem`, as PKCS#1 or PKCS#8.
///
/// # Errors
///
/// If there is none. Shorter keys are not taken at all: the largest receivers treat their
/// signatures as none.
pub fn rsa_key(pem: &str) -> Result<RsaKeyPair, DkimKeyError> {
    let (kind, der) = decoded(pem)?;
    let pair = match kind {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
        _ => RsaKeyPair::from_pkcs8(&der),
    };
    pair.map_err(|error: KeyRejected| match error.to_string().as_str() {
        "TooSmall" | "TooLarge" => DkimKeyError::Length,
        _ => DkimKeyError::Kind("RSA"),
    })
}

/// The Ed25519 key in `pem`, as PKCS#8.
///
/// # Errors
///
/// If there is none.
pub fn ed25519_key(pem: &str) -> Result<Ed25519KeyPair, DkimKeyError> {
    let (_, der) = decoded(pem)?;
    // OpenSSL leaves the public half out, without which nothing can be compared.
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| DkimKeyError::Kind("Ed25519"))
}

/// Label and content of the first private key in `pem` (RFC 7468).
fn decoded(pem: &str) -> Result<(&str, Vec<u8>), DkimKeyError> {
    let blocks = pem.split("-----BEGIN ").skip(1).filter_map(|block| block.split_once("-----"));
    let (label, rest) = blocks
        .into_iter()
        .find(|(label, _)| label.ends_with("PRIVATE KEY"))
        .ok_or(DkimKeyError::NoKey)?;
    let body = rest.split("-----END").next().unwrap_or_default();
    if label.starts_with("ENCRYPTED") || body.contains("ENCRYPTED") {
        return Err(DkimKeyError::Encrypted);
    }
    let digits: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(digits).map_err(|_| DkimKeyError::NoKey)?;
    Ok((label, der))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;

    const RSA: &str = include_str!("../../tests/data/dkim/rsa.pem");
    const RSA_PKCS1: &str = include_str!("../../tests/data/dkim/rsa-pkcs1.pem");
    const RSA_1024: &str = include_str!("../../tests/data/dkim/rsa-1024.pem");
    const ED25519: &str = include_str!("../../tests/data/dkim/ed25519.pem");

    #[test]
    fn both_forms_of_a_key_are_one_key() {
        let [one, other] = [RSA, RSA_PKCS1].map(|pem| rsa_key(pem).unwrap());
        assert_eq!(one.public_key().as_ref(), other.public_key().as_ref());
        assert!(ed25519_key(ED25519).is_ok());
    }

    #[test]
    fn a_key_is_of_its_kind_long_enough_and_without_password() {
        let refused = |pem: &str| rsa_key(pem).map(drop).unwrap_err();
        assert_eq!(refused(RSA_1024), DkimKeyError::Length);
        assert_eq!(refused(ED25519), DkimKeyError::Kind("RSA"));
        assert_eq!(ed25519_key(RSA).map(drop).unwrap_err(), DkimKeyError::Kind("Ed25519"));
        let encrypted = RSA.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE");
        assert_eq!(refused(&encrypted), DkimKeyError::Encrypted);
        for pem in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----"] {
            assert_eq!(refused(pem), DkimKeyError::NoKey, "{pem}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let rsa = DkimKey { selector: "s1".to_owned(), pair: rsa_key(RSA).unwrap() };
        assert_eq!(format!("{rsa:?}"), "DkimKey(\"s1\")");
    }
}
