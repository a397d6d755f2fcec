use std::io::Write;

use encoding_rs::GB18030;
use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::*;

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn open(bytes: &[u8]) -> Result<Sheet, SheetError> {
    Sheet::open(file(bytes).path())
}

/// Each record as `line: cell|cell`, each problem as its text.
fn lines(bytes: &[u8]) -> Vec<String> {
    let mut sheet = open(bytes).unwrap_or_else(|error| panic!("{error}"));
    let mut record = StringRecord::new();
    let mut lines = Vec::new();
    loop {
        match sheet.next_record(&mut record) {
            Ok(Some(line)) => {
                lines.push(format!("{line}: {}", record.iter().collect::<Vec<_>>().join("|")));
            }
            Ok(None) => return lines,
            Err(problem) => lines.push(problem.to_string()),
        }
    }
}

const TEXT: &str = "姓名;邮箱\r\n王伟;wang@example.com\r\n";

#[test]
fn the_same_file_in_every_encoding_gives_the_same_records() {
    let utf_16 = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    };
    let marked = format!("\u{feff}{TEXT}");
    for (name, bytes) in [
        ("UTF-8", TEXT.as_bytes().to_vec()),
        ("UTF-8", marked.as_bytes().to_vec()),
        ("UTF-16LE", utf_16(&marked, u16::to_le_bytes)),
        ("UTF-16BE", utf_16(&marked, u16::to_be_bytes)),
        ("UTF-16LE", utf_16(TEXT, u16::to_le_bytes)),
        ("gb18030", GB18030.encode(TEXT).0.into_owned()),
    ] {
        let sheet = open(&bytes).unwrap();
        assert_eq!(sheet.headers(), ["姓名", "邮箱"], "{name}");
        assert_eq!(sheet.encoding_name(), name);
        assert_eq!(sheet.bytes_total(), bytes.len() as u64);
        assert_eq!(lines(&bytes), ["2: 王伟|wang@example.com"], "{name}");
    }
}

#[test]
fn a_cell_may_hold_line_ends_and_the_next_record_keeps_its_line() {
    let text = "a,b\r\n\"x\r\ny\",\"say \"\"hi\"\"\"\r\n\r\n3,4\n5,\"6\n\n\"\n7,8";
    assert_eq!(lines(text.as_bytes()), ["2: x\r\ny|say \"hi\"", "5: 3|4", "6: 5|6\n\n", "9: 7|8"]);
}

#[test]
fn blank_records_are_passed_over_and_short_ones_are_kept() {
    assert_eq!(lines(b"\n\na,b,c\n,,\n \t,\n1\n\n,2\n"), ["6: 1", "8: |2"]);
}

#[test]
fn too_many_cells_are_a_problem_unless_they_are_blank() {
    assert_eq!(
        lines(b"a,b\n1,2,,\n1,2,3\n4,5\n"),
        [
            "2: 1|2",
            "line 3: 3 cells for 2 columns; a cell that holds the separator needs quotation marks",
            "4: 4|5"
        ]
    );
    let wide = format!("a,b\n{}\n1,2\n", ",".repeat(300));
    assert_eq!(lines(wide.as_bytes()), ["line 2: the record has more than 200 cells", "3: 1|2"]);
}

#[test]
fn two_hundred_columns_are_allowed_and_no_more() {
    let names = |n: usize| (0..n).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
    assert_eq!(open(names(200).as_bytes()).unwrap().headers().len(), 200);
    let error = open(names(201).as_bytes()).map(|_| ()).unwrap_err();
    assert!(matches!(
        error,
        SheetError::Header(RowProblem { reason: RowReason::TooManyCells, .. })
    ));
}

#[test]
fn a_cell_of_ten_megabytes_costs_its_record_and_nothing_else() {
    let long = format!("a,b\n1,2\n\"{}\n\",x\n3,4\n", "y".repeat(10_000_000));
    assert_eq!(
        lines(long.as_bytes()),
        [
            "2: 1|2",
            "line 3: the record is longer than 64 kB; is a quotation mark missing?",
            "5: 3|4"
        ]
    );
}

#[test]
fn an_open_quotation_mark_names_the_line_where_it_hides_the_rest() {
    let long = format!("a,b\n1,2\n\"3,4\n{}", "5,6\n".repeat(100_000));
    for text in ["a,b\n1,2\n\"3,4\n5,6\n", "a,b\n1,2\n\"", &long] {
        assert_eq!(
            lines(text.as_bytes()),
            [
                "2: 1|2",
                "line 3: a quotation mark is opened and never closed; the rest of the file was not read"
            ]
        );
    }
}

#[test]
fn a_nul_character_costs_its_record() {
    assert_eq!(
        lines(b"name,email\nA\0,b\nc,d\n"),
        ["line 2: the record holds a NUL character; the file may be damaged", "3: c|d"]
    );
}

#[test]
fn records_survive_the_edge_of_a_chunk_wherever_it_falls() {
    let filler = "王".repeat(1000);
    let rows: Vec<_> = (0..200).map(|n| format!("{n},{filler}{}", "x".repeat(n % 7))).collect();
    let text = format!("a,b\n{}\n", rows.join("\n"));
    let expected: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(n, row)| format!("{}: {}", n + 2, row.replace(',', "|")))
        .collect();
    assert_eq!(lines(text.as_bytes()), expected);
    assert_eq!(lines(&GB18030.encode(&text).0), expected);
}

#[test]
fn a_file_without_a_header_is_refused_with_what_to_do() {
    for (bytes, text) in [
        (&b""[..], "the file is empty"),
        (b"\xef\xbb\xbf\r\n\n", "the file is empty"),
        (b" , ,\n", "the file is empty"),
        (b"ada@example.com,Ada\n", "line 1 holds data, not the names"),
        (b"\n\"name\nx", "a quotation mark is opened"),
    ] {
        let error = open(bytes).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(text), "{bytes:?} gave: {error}");
    }
}

#[test]
fn paths_that_are_no_file_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Sheet::open(folder.path()), Err(SheetError::Folder)));
    assert!(matches!(Sheet::open(&folder.path().join("x.csv")), Err(SheetError::Missing)));
    #[cfg(unix)]
    assert!(matches!(Sheet::open(Path::new("/dev/null")), Err(SheetError::Special)));
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert!(matches!(SheetError::from(denied), SheetError::Denied));
}

#[test]
fn a_file_that_changes_between_the_two_readings_is_noticed() {
    let mut temporary = file(format!("a,b\n{}", "1,2\n".repeat(50_000)).as_bytes());
    let mut sheet = Sheet::open(temporary.path()).unwrap();
    std::io::Seek::rewind(&mut temporary).unwrap();
    temporary.write_all(&vec![0xff; 200_000]).unwrap();
    let mut record = StringRecord::new();
    let problem = (0..50_000).find_map(|_| sheet.next_record(&mut record).err()).unwrap();
    assert!(problem.reason.ends_reading(), "{problem}");
    assert!(matches!(problem.reason, RowReason::Changed));
    assert!(matches!(sheet.next_record(&mut record), Ok(None)));
}

#[test]
fn progress_ends_at_the_size_of_the_file() {
    let bytes = format!("a,b\n{}", "1,2\n".repeat(50_000));
    let mut sheet = open(bytes.as_bytes()).unwrap();
    let mut record = StringRecord::new();
    assert!(sheet.bytes_read() < sheet.bytes_total());
    while let Ok(Some(_)) = sheet.next_record(&mut record) {}
    assert_eq!(sheet.bytes_read(), sheet.bytes_total());
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic_and_always_end(
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b"\"\",;\t\r\n\0\x81\xa3\xfe\xff".to_vec())],
            0..400,
        ),
    ) {
        let Ok(mut sheet) = open(&bytes) else { return Ok(()) };
        let mut record = StringRecord::new();
        let mut last = 0;
        for _ in 0..500 {
            match sheet.next_record(&mut record) {
                Ok(Some(line)) => {
                    prop_assert!(line > last && record.len() <= sheet.headers().len());
                    last = line;
                }
                Ok(None) => return Ok(()),
                Err(problem) => {
                    prop_assert!(problem.line > last);
                    last = problem.line;
                }
            }
        }
        prop_assert!(false, "did not end");
    }

    #[test]
    fn what_a_spreadsheet_quotes_is_read_back(
        rows in prop::collection::vec(prop::collection::vec("[a-z\", ;\r\n王é]{1,8}", 3), 1..20),
    ) {
        let mut text = "a,b,c\n".to_owned();
        for row in &rows {
            let quoted: Vec<_> =
                row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            text.push_str(&quoted.join(","));
            text.push('\n');
        }
        let mut sheet = open(text.as_bytes()).unwrap();
        let mut record = StringRecord::new();
        for row in rows.iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())) {
            prop_assert!(sheet.next_record(&mut record).unwrap().is_some());
            prop_assert_eq!(&record.iter().map(str::to_owned).collect::<Vec<_>>(), row);
        }
        prop_assert!(sheet.next_record(&mut record).unwrap().is_none());
    }
}
