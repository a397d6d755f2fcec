//! Which encoding a file is in, found by reading it once from end to end.
use std::{
    fs::File,
    io::{self, Read, Seek},
};

use encoding_rs::{DecoderResult, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::error::SheetError;

/// Octets read at a time, here and when decoding.
pub(super) const CHUNK: usize = 64 * 1024;

/// Zip archives (xlsx) and OLE compound files (xls).
const WORKBOOKS: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"];

/// The encoding in which every octet of `file` makes sense.
///
/// A byte-order mark or the zeros of UTF-16 decide; without them it is UTF-8 if it can be, then
/// GB18030, which includes GBK and GB 2312.
pub(super) fn detect(file: &mut File) -> Result<&'static Encoding, SheetError> {
    let mut head = Vec::new();
    file.rewind()?;
    file.by_ref().take(4096).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(SheetError::Empty);
    }
    if WORKBOOKS.iter().any(|magic| head.starts_with(magic)) {
        return Err(SheetError::Workbook);
    }
    let marked = Encoding::for_bom(&head).map(|(encoding, _)| encoding);
    if let Some(encoding) = marked.or_else(|| utf_16_by_zeros(&head)) {
        return match first_fault(file, encoding)? {
            None => Ok(encoding),
            Some(offset) => Err(SheetError::Broken { encoding: encoding.name(), offset }),
        };
    }
    let Some(utf8) = first_fault(file, UTF_8)? else { return Ok(UTF_8) };
    match first_fault(file, GB18030)? {
        Some(gb18030) => Err(SheetError::Encoding { utf8, gb18030 }),
        None if looks_western(file)? => Err(SheetError::Western { offset: utf8 }),
        None => Ok(GB18030),
    }
}

/// UTF-16 without a mark: line ends, separators and digits have a zero on one side.
fn utf_16_by_zeros(head: &[u8]) -> Option<&'static Encoding> {
    let is_ascii_text = |b: u8| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let (mut little, mut big) = (0, 0);
    for pair in head.as_chunks::<2>().0 {
        match *pair {
            [b, 0] if is_ascii_text(b) => little += 1,
            [0, b] if is_ascii_text(b) => big += 1,
            _ => {}
        }
    }
    // Chinese prose is half Han at most between its separators and addresses; 一 is U+4E00, whose
    // octets look like a letter of the other order.
    let enough =
        |ours: usize, other: usize| ours >= 2 && ours * 16 >= head.len() && ours > other * 2;
    if enough(little, big) {
        Some(UTF_16LE)
    } else if enough(big, little) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The offset of the first octet that `encoding` does not allow.
fn first_fault(file: &mut File, encoding: &'static Encoding) -> io::Result<Option<u64>> {
    file.rewind()?;
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let (mut raw, mut text) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut offset = 0;
    loop {
        let count = file.read(&mut raw)?;
        let last = count == 0;
        let mut rest = &raw[..count];
        loop {
            let (result, read, _) =
                decoder.decode_to_utf8_without_replacement(rest, &mut text, last);
            offset += read as u64;
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(bad, after) => {
                    return Ok(Some(offset.saturating_sub(u64::from(bad) + u64::from(after))));
                }
            }
        }
        if last {
            return Ok(None);
        }
    }
}

/// Whether valid GB18030 is more likely windows-1252: there a letter with an accent is followed by a
/// plain letter (`ü` `l`), while a common Han character has two octets from the upper half.
fn looks_western(file: &mut File) -> io::Result<bool> {
    file.rewind()?;
    let mut raw = vec![0; CHUNK];
    let (mut lead, mut plain, mut upper) = (false, 0_u64, 0_u64);
    loop {
        let count = file.read(&mut raw)?;
        if count == 0 {
            return Ok(plain > upper);
        }
        for byte in &raw[..count] {
            if lead {
                plain += u64::from(byte.is_ascii_alphabetic());
                upper += u64::from(*byte >= 0x80);
                lead = false;
            } else {
                lead = *byte > 0x80;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn detected(bytes: &[u8]) -> Result<&'static str, SheetError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        detect(&mut file).map(Encoding::name)
    }

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    const TEXT: &str = "姓名,邮箱\r\n王一一,wang@example.com\r\n";

    #[test]
    fn a_mark_decides() {
        assert_eq!(detected(b"\xef\xbb\xbfa,b").unwrap(), "UTF-8");
        assert_eq!(
            detected(&utf_16(&format!("\u{feff}{TEXT}"), u16::to_le_bytes)).unwrap(),
            "UTF-16LE"
        );
        assert_eq!(
            detected(&utf_16(&format!("\u{feff}{TEXT}"), u16::to_be_bytes)).unwrap(),
            "UTF-16BE"
        );
    }

    #[test]
    fn utf_16_is_found_without_a_mark() {
        assert_eq!(detected(&utf_16(TEXT, u16::to_le_bytes)).unwrap(), "UTF-16LE");
        assert_eq!(detected(&utf_16(TEXT, u16::to_be_bytes)).unwrap(), "UTF-16BE");
        assert_eq!(detected(&utf_16("email\na@b.cd\n", u16::to_le_bytes)).unwrap(), "UTF-16LE");
    }

    #[test]
    fn chinese_text_is_told_apart_by_its_octets() {
        assert_eq!(detected(TEXT.as_bytes()).unwrap(), "UTF-8");
        assert_eq!(detected(&GB18030.encode(TEXT).0).unwrap(), "gb18030");
        assert_eq!(detected(&GB18030.encode("姓名\n朱镕\n𠮷野\n").0).unwrap(), "gb18030");
    }

    #[test]
    fn a_stray_nul_does_not_make_utf_16() {
        assert_eq!(detected(b"email,name\nada@example.org,A\0da\n").unwrap(), "UTF-8");
    }

    #[test]
    fn western_text_is_refused_rather_than_turned_into_han_characters() {
        let error = detected(b"name,email\nM\xfcller,m@example.com\n").unwrap_err();
        assert!(matches!(error, SheetError::Western { offset: 12 }), "{error}");
    }

    #[test]
    fn an_encoding_that_nobody_knows_is_named_by_its_first_fault() {
        let error = detected(b"name\nAda\n\xff\xff\n").unwrap_err();
        assert!(matches!(error, SheetError::Encoding { utf8: 9, gb18030: 9 }), "{error}");
        let error = detected(b"\xef\xbb\xbfname\n\xfc\n").unwrap_err();
        assert!(matches!(error, SheetError::Broken { encoding: "UTF-8", offset: 8 }), "{error}");
    }

    #[test]
    fn a_fault_is_found_across_the_edge_of_a_chunk() {
        let mut bytes = vec![b'a'; CHUNK - 1];
        bytes.extend_from_slice("王".as_bytes());
        assert_eq!(detected(&bytes).unwrap(), "UTF-8");
        bytes.extend_from_slice(b"\xff\xff");
        let at = (CHUNK + 2) as u64;
        let error = detected(&bytes).unwrap_err();
        assert!(matches!(error, SheetError::Encoding { utf8, .. } if utf8 == at), "{error}");
    }

    #[test]
    fn workbooks_and_empty_files_are_named() {
        assert!(matches!(detected(b"PK\x03\x04\x14\x00"), Err(SheetError::Workbook)));
        assert!(matches!(detected(b""), Err(SheetError::Empty)));
    }
}
