//! Files as spreadsheets save them, read as a stream of records.
//!
//! This room owns encodings, separators, quotation marks and line numbers, and keeps memory the same
//! for every size of file. What the cells mean is the domain's ([`Columns`](crate::domain::Columns)).
#![warn(missing_docs)]

mod decoded;
mod encoding;
mod error;
mod records;

use std::{fs::File, path::Path};

pub use csv::StringRecord;
pub use error::{RowProblem, RowReason, SheetError};

use self::{decoded::Decoded, records::Records};
use crate::domain::{EmailAddress, one_line};

/// Longest column name that is kept, in characters.
const MAX_HEADER_CHARS: usize = 128;

/// An open file with a header, at some record.
///
/// UTF-8, UTF-16 and GB18030 are told apart by reading the file once before; separators may be
/// commas, semicolons or tabs. A record may have fewer cells than the header, since Excel leaves out
/// trailing blanks after some lines; records that are all blank are passed over.
pub struct Sheet {
    records: Records,
    headers: Vec<String>,
    encoding_name: &'static str,
    bytes_total: u64,
}

impl Sheet {
    /// Opens the file, finds out its encoding and reads its header. Reads the whole file once.
    ///
    /// # Errors
    ///
    /// If `path` is no readable text file with a header; the error says what to do about it.
    pub fn open(path: &Path) -> Result<Self, SheetError> {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(SheetError::Folder);
        }
        if !metadata.is_file() {
            return Err(SheetError::Special);
        }
        let mut file = File::open(path)?;
        let encoding = encoding::detect(&mut file)?;
        let source = Decoded::from_start(file, encoding)?;
        let mut records = Records::new(source).map_err(SheetError::Header)?;
        let headers = read_headers(&mut records)?;
        Ok(Self { records, headers, encoding_name: encoding.name(), bytes_total: metadata.len() })
    }

    /// The names of the columns, each on one line.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The encoding's name, such as `UTF-8`, `UTF-16LE` or `gb18030`.
    #[must_use]
    pub const fn encoding_name(&self) -> &'static str {
        self.encoding_name
    }

    /// Size of the file in octets when it was opened.
    #[must_use]
    pub const fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// Octets read so far, in steps of 64 kB.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.records.bytes_read()
    }

    /// Reads the next record into `record` and gives back the line it begins on, counted from 1 as
    /// an editor does; `None` at the end.
    ///
    /// # Errors
    ///
    /// If this record cannot be used. The next call goes on with the next record; after a reason
    /// that [`ends_reading`](RowReason::ends_reading) it gives `None`.
    pub fn next_record(&mut self, record: &mut StringRecord) -> Result<Option<u64>, RowProblem> {
        let Some(line) = self.records.next(record)? else { return Ok(None) };
        let (found, columns) = (record.len(), self.headers.len());
        if record.iter().skip(columns).any(|cell| !cell.trim().is_empty()) {
            let reason = RowReason::MoreCellsThanColumns { found, columns };
            return Err(RowProblem { line, reason });
        }
        record.truncate(columns);
        Ok(Some(line))
    }
}

fn read_headers(records: &mut Records) -> Result<Vec<String>, SheetError> {
    let mut record = StringRecord::new();
    let line = records.next(&mut record).map_err(SheetError::Header)?.ok_or(SheetError::Empty)?;
    if record.iter().any(|cell| cell.parse::<EmailAddress>().is_ok()) {
        return Err(SheetError::NoHeader { line });
    }
    let mut headers: Vec<_> = record.iter().map(|cell| one_line(cell, MAX_HEADER_CHARS)).collect();
    // Blank names at the end are the rest of columns that were cleared, not deleted.
    while headers.last().is_some_and(String::is_empty) {
        headers.pop();
    }
    if headers.is_empty() { Err(SheetError::NoHeader { line }) } else { Ok(headers) }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
