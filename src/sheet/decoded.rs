//! A file as UTF-8, a chunk at a time.
use std::{
    fs::File,
    io::{self, Read, Seek},
};

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::{encoding::CHUNK, error::RowReason};

/// The text of a file in an encoding known to fit; two buffers of fixed size, whatever the file's.
pub(super) struct Decoded {
    file: File,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_at: usize,
    raw_end: usize,
    text: Vec<u8>,
    text_at: usize,
    text_end: usize,
    bytes_read: u64,
    file_ended: bool,
    text_ended: bool,
}

impl Decoded {
    /// Reads `file` from its start, without a byte-order mark.
    pub(super) fn from_start(mut file: File, encoding: &'static Encoding) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self {
            file,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; CHUNK],
            raw_at: 0,
            raw_end: 0,
            text: vec![0; CHUNK],
            text_at: 0,
            text_end: 0,
            bytes_read: 0,
            file_ended: false,
            text_ended: false,
        })
    }

    /// What comes next; empty only at the end.
    pub(super) fn fill(&mut self) -> Result<&[u8], RowReason> {
        while self.text_at == self.text_end && !self.text_ended {
            if self.raw_at == self.raw_end && !self.file_ended {
                self.raw_at = 0;
                self.raw_end = self.file.read(&mut self.raw).map_err(RowReason::Read)?;
                self.bytes_read += self.raw_end as u64;
                self.file_ended = self.raw_end == 0;
            }
            let raw = &self.raw[self.raw_at..self.raw_end];
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                raw,
                &mut self.text,
                self.file_ended,
            );
            self.raw_at += read;
            (self.text_at, self.text_end) = (0, written);
            match result {
                DecoderResult::InputEmpty => self.text_ended = self.file_ended,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.text_ended = true;
                    return Err(RowReason::Changed);
                }
            }
        }
        Ok(&self.text[self.text_at..self.text_end])
    }

    /// Passes over `count` octets of what [`fill`](Self::fill) gave.
    pub(super) const fn consume(&mut self, count: usize) {
        self.text_at += count;
    }

    /// Octets of the file read so far.
    pub(super) const fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
}
