//! Row identities, one type each, so that they cannot be mixed up.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
            serde::Deserialize,
        )]
        pub struct $name(pub i64);
    };
}

id!(
    /// A contact.
    ContactId
);
id!(
    /// An account.
    AccountId
);
id!(
    /// A rep.
    RepId
);
id!(
    /// One row of the outbox.
    OutreachId
);

/// A number that depends on `seed` and `salt` alone and looks random: the same contact gets the same
/// one for ever. `SplitMix64`'s finaliser (Steele, Lea, Flood 2014).
#[must_use]
pub const fn scatter(seed: i64, salt: u64) -> u64 {
    let mut z = seed.cast_unsigned().wrapping_add(salt.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// [`scatter`] as a share in `0.0..1.0`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept, which is what an f64 holds")]
pub const fn scattered_share(seed: i64, salt: u64) -> f64 {
    (scatter(seed, salt) >> 11) as f64 / (1_u64 << 53) as f64
}
