//! What a file that comes in is a list of.
use std::{fmt, str::FromStr};

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImportKind {
    /// People.
    Contacts,
    /// Companies.
    Accounts,
    /// Owners of accounts.
    Reps,
    /// Purchases.
    Orders,
    /// Contracts.
    Contracts,
    /// Calls, visits, gifts, events and mails.
    Touches,
}

/// The text is not an [`ImportKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected contacts, accounts, reps, orders, contracts or touches")]
pub struct ImportKindError;

impl ImportKind {
    /// Every kind, in the order in which files that refer to each other are best imported.
    pub const ALL: [Self; 6] =
        [Self::Reps, Self::Accounts, Self::Contacts, Self::Orders, Self::Contracts, Self::Touches];

    /// The word for it on the command line and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Accounts => "accounts",
            Self::Reps => "reps",
            Self::Orders => "orders",
            Self::Contracts => "contracts",
            Self::Touches => "touches",
        }
    }

    /// Whether a column that no field knows is kept as an attribute.
    #[must_use]
    pub const fn keeps_attributes(self) -> bool {
        matches!(self, Self::Contacts | Self::Accounts)
    }
}

impl FromStr for ImportKind {
    type Err = ImportKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_lowercase();
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(ImportKindError)
    }
}

impl fmt::Display for ImportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_parses_back_from_its_word() {
        for kind in ImportKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!(" Orders ".parse(), Ok(ImportKind::Orders));
        assert_eq!("order".parse::<ImportKind>(), Err(ImportKindError));
    }
}
