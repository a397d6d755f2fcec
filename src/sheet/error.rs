//! What can be wrong with a file, and with one record of it.
use std::io;

/// Longest record that is read, in octets of UTF-8. A longer one is most often an open quotation mark.
pub(super) const MAX_RECORD_OCTETS: usize = 64 * 1024;
/// Most columns that a file may have.
pub(super) const MAX_COLUMNS: usize = 200;

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// Nothing has that path.
    #[error("there is no such file; check the path")]
    Missing,
    /// A directory has that path.
    #[error("this is a folder; expected a CSV file")]
    Folder,
    /// A pipe, socket or device, which cannot be read twice.
    #[error("this is no ordinary file and cannot be read twice; save it as a CSV file first")]
    Special,
    /// The operating system says no.
    #[error("the file may not be read; check its permissions")]
    Denied,
    /// No octet, or no more than a byte-order mark and blank lines.
    #[error(
        "the file is empty; expected a line with the names of the columns and a line per record"
    )]
    Empty,
    /// A spreadsheet, not its text.
    #[error("this is an Excel workbook; save it as `CSV UTF-8` and import that file")]
    Workbook,
    /// The byte-order mark or the zeros of UTF-16 promise what the text does not keep.
    #[error(
        "the file begins as {encoding}, but the byte at offset {offset} does not fit; save it again as UTF-8"
    )]
    Broken {
        /// The encoding that the file begins in.
        encoding: &'static str,
        /// Offset of the first octet that does not fit, from 0.
        offset: u64,
    },
    /// Neither of the encodings that need no mark.
    #[error(
        "the text is neither UTF-8 (see the byte at offset {utf8}) nor GB18030 (offset {gb18030}); \
         save the file as UTF-8, in Excel as `CSV UTF-8`"
    )]
    Encoding {
        /// Offset of the first octet that UTF-8 does not allow, from 0.
        utf8: u64,
        /// Offset of the first octet that GB18030 does not allow, from 0.
        gb18030: u64,
    },
    /// It would decode as GB18030, into characters that nobody wrote.
    #[error(
        "the text is not UTF-8 (see the byte at offset {offset}) and looks like a Western European \
         encoding; save the file as UTF-8, in Excel as `CSV UTF-8`"
    )]
    Western {
        /// Offset of the first octet that UTF-8 does not allow, from 0.
        offset: u64,
    },
    /// The first line does not name columns.
    #[error(
        "line {line} holds data, not the names of the columns; put a line with the names above it"
    )]
    NoHeader {
        /// The first line that is not blank, from 1.
        line: u64,
    },
    /// The first record itself is at fault.
    #[error("the line with the names of the columns cannot be used: line {}: {}", .0.line, .0.reason)]
    Header(RowProblem),
    /// Reading failed.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
}

impl From<io::Error> for SheetError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::IsADirectory => Self::Folder,
            io::ErrorKind::PermissionDenied => Self::Denied,
            _ => Self::Read(error),
        }
    }
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RowProblem {
    /// The line on which the record begins, from 1; the header's is 1 unless blank lines precede it.
    pub line: u64,
    /// What is wrong.
    pub reason: RowReason,
}

/// What is wrong with a record.
#[derive(Debug, thiserror::Error)]
pub enum RowReason {
    /// It goes on for too long to be kept in memory.
    #[error("the record is longer than {} kB; is a quotation mark missing?", MAX_RECORD_OCTETS / 1024)]
    TooLong,
    /// It has more cells than any file may have columns.
    #[error("the record has more than {MAX_COLUMNS} cells")]
    TooManyCells,
    /// It has more cells than there are columns, and they are not blank.
    #[error(
        "{found} cells for {columns} columns; a cell that holds the separator needs quotation marks"
    )]
    MoreCellsThanColumns {
        /// Cells of the record.
        found: usize,
        /// Columns of the file.
        columns: usize,
    },
    /// It holds U+0000, which no text does.
    #[error("the record holds a NUL character; the file may be damaged")]
    Nul,
    /// The file ends inside a quoted cell; nothing after the mark could be read.
    #[error("a quotation mark is opened and never closed; the rest of the file was not read")]
    OpenQuote,
    /// The file is not what it was when its encoding was found out.
    #[error("the file was changed while it was read; import it again")]
    Changed,
    /// Reading failed.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
}

impl RowReason {
    /// Whether nothing can be read after this record.
    #[must_use]
    pub const fn ends_reading(&self) -> bool {
        matches!(self, Self::OpenQuote | Self::Changed | Self::Read(_))
    }
}
