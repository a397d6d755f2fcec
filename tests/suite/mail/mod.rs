//! What leaves is what was signed, to us and to programs that know nothing of us.
mod dice;
pub(crate) mod oracle;
mod signing;
