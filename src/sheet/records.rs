//! Text in records and cells (RFC 4180, and what spreadsheets make of it).
use csv::StringRecord;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::{
    decoded::Decoded,
    error::{MAX_COLUMNS, MAX_RECORD_OCTETS, RowProblem, RowReason},
};

/// The records of a text. A record that outgrows the buffers is passed over, never kept.
pub(super) struct Records {
    source: Decoded,
    parser: Reader,
    lines: LineCount,
    cells: Vec<u8>,
    ends: Vec<usize>,
    ended: bool,
}

impl Records {
    /// The records of `source`, with the separator that its first line uses most.
    pub(super) fn new(mut source: Decoded) -> Result<Self, RowProblem> {
        let start = source.fill().map_err(|reason| RowProblem { line: 1, reason })?;
        let parser = ReaderBuilder::new().delimiter(delimiter(start)).build();
        Ok(Self {
            source,
            parser,
            lines: LineCount::default(),
            cells: vec![0; MAX_RECORD_OCTETS],
            // One more than allowed: the parser reports a full buffer before it sees the line end.
            ends: vec![0; MAX_COLUMNS + 1],
            ended: false,
        })
    }

    /// Octets of the file read so far.
    pub(super) const fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }

    /// Reads the next record that is not blank into `record`; the line it begins on, `None` at the
    /// end.
    pub(super) fn next(&mut self, record: &mut StringRecord) -> Result<Option<u64>, RowProblem> {
        while !self.ended {
            record.clear();
            let more = self.skip_line_ends();
            let line = self.lines.current();
            let fault = |reason| RowProblem { line, reason };
            if !more.map_err(fault)? {
                break;
            }
            let (octets, cells) = self.parse().map_err(fault)?;
            self.copy(octets, cells, record).map_err(fault)?;
            if record.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// Passes over blank lines; whether anything follows.
    fn skip_line_ends(&mut self) -> Result<bool, RowReason> {
        loop {
            let input = self.source.fill().inspect_err(|_| self.ended = true)?;
            if input.is_empty() {
                return Ok(false);
            }
            let blank = input.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let all = blank == input.len();
            self.lines.pass(&input[..blank]);
            self.source.consume(blank);
            if !all {
                return Ok(true);
            }
        }
    }

    /// Reads one record into the buffers; its octets and cells.
    fn parse(&mut self) -> Result<(usize, usize), RowReason> {
        let (mut octets, mut cells) = (0, 0);
        let mut refused = None;
        loop {
            let input = self.source.fill().inspect_err(|_| self.ended = true)?;
            let at_end = input.is_empty();
            // A line end completes the last record, unless a quotation mark is open.
            let input = if at_end { b"\n" } else { input };
            let (out, ends) = (&mut self.cells[octets..], &mut self.ends[cells..]);
            let (result, read, wrote, ended) = self.parser.read_record(input, out, ends);
            octets += wrote;
            cells += ended;
            if !at_end {
                self.lines.pass(&input[..read]);
                self.source.consume(read);
            }
            match result {
                ReadRecordResult::InputEmpty if at_end => {
                    self.ended = true;
                    return Err(RowReason::OpenQuote);
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    refused.get_or_insert(RowReason::TooLong);
                    octets = 0;
                }
                ReadRecordResult::OutputEndsFull => {
                    refused.get_or_insert(RowReason::TooManyCells);
                    cells = 0;
                }
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        if cells > MAX_COLUMNS {
            refused.get_or_insert(RowReason::TooManyCells);
        }
        refused.map_or(Ok((octets, cells)), Err)
    }

    fn copy(&self, octets: usize, cells: usize, to: &mut StringRecord) -> Result<(), RowReason> {
        let text = &self.cells[..octets];
        if text.contains(&0) {
            return Err(RowReason::Nul);
        }
        // The decoder writes UTF-8 and the parser cuts it at ASCII characters only.
        let text = std::str::from_utf8(text).map_err(|_| RowReason::Changed)?;
        let mut start = 0;
        for end in &self.ends[..cells] {
            to.push_field(text.get(start..*end).unwrap_or_default());
            start = *end;
        }
        Ok(())
    }
}

/// The separator that the first line has most of outside of quotation marks; a comma if in doubt.
fn delimiter(text: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted && counts.iter().any(|(_, count)| *count > 0) => break,
            _ if quoted => {}
            _ => {
                for (separator, count) in &mut counts {
                    *count += u32::from(byte == separator);
                }
            }
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or_default();
    counts.iter().find(|(_, count)| *count == most).map_or(b',', |(separator, _)| *separator)
}

/// Lines as an editor counts them: `\n`, `\r\n` and `\r` each end one.
#[derive(Debug, Default)]
struct LineCount {
    ended: u64,
    after_return: bool,
}

impl LineCount {
    const fn current(&self) -> u64 {
        self.ended + 1
    }

    fn pass(&mut self, text: &[u8]) {
        for byte in text {
            let ends = *byte == b'\r' || (*byte == b'\n' && !self.after_return);
            self.ended += u64::from(ends);
            self.after_return = *byte == b'\r';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_the_one_outside_of_quotation_marks() {
        for (text, expected) in [
            ("a,b;c,d\n;;;;;;", b','),
            ("a;b;c\n", b';'),
            ("a\tb\n,,,", b'\t'),
            ("\"a,b,c\";d\n", b';'),
            ("\"a\n,,,b\";d\n", b';'),
            ("\r\n\na;b\n", b';'),
            ("email\n", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_count_the_same_whatever_ends_them() {
        for text in ["a\nb\n\nc", "a\r\nb\r\n\r\nc", "a\rb\r\rc", "a\r\nb\n\rc"] {
            let mut lines = LineCount::default();
            for byte in text.as_bytes() {
                lines.pass(&[*byte]);
            }
            assert_eq!(lines.current(), 4, "{text:?}");
        }
    }
}
