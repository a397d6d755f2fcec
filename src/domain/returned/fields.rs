//! Fields in blocks, folded as RFC 5322 section 2.2.3 has it.

/// A field of a report.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// In lower case.
    pub(super) name: String,
    /// On one line, [`MOST_VALUE`] octets at most.
    pub(super) value: String,
}

/// Fields and the ends of blocks that are looked at; the rest of a longer report is not.
const MOST_FIELDS: usize = 2_000;
/// Octets of a value that are kept.
const MOST_VALUE: usize = 4_096;

/// The fields of `text` in their order; `None` where a block ends.
pub(super) fn fields(text: &str) -> Vec<Option<Field>> {
    let mut fields: Vec<Option<Field>> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            // Many empty lines end one block.
            if fields.last().is_some_and(Option::is_some) {
                fields.push(None);
            }
            continue;
        }
        match begin(line) {
            Some(_) if fields.len() >= MOST_FIELDS => break,
            Some((name, value)) => {
                let mut field = Field { name, value: String::new() };
                field.append(value);
                fields.push(Some(field));
            }
            // Some servers forget to indent what goes on; there is no other use for such a line.
            None => {
                if let Some(Some(field)) = fields.last_mut() {
                    field.append(line);
                }
            }
        }
    }
    fields
}

/// The name and the value of a line with which a field begins.
fn begin(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end();
    let is_name = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| (name.to_ascii_lowercase(), value))
}

impl Field {
    /// Adds a line to the value, as far as there is room.
    fn append(&mut self, line: &str) {
        let line = line.trim();
        if !self.value.is_empty() && !line.is_empty() && self.value.len() < MOST_VALUE {
            self.value.push(' ');
        }
        let room = MOST_VALUE.saturating_sub(self.value.len());
        self.value.push_str(&line[..line.floor_char_boundary(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_are_one_value_and_many_empty_lines_one_end() {
        let read = fields("A: 1\r\n\t2\r\n 3\r\n\r\n \r\n\r\nb-C : x:y\nwithout a name\n");
        let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
        let expected = [Some(field("a", "1 2 3")), None, Some(field("b-c", "x:y without a name"))];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_value_and_the_number_of_fields_are_bounded() {
        let read = fields(&format!("A: {}\n {}\n", "é".repeat(9_000), "x".repeat(9_000)));
        assert!(read[0].as_ref().is_some_and(|field| field.value.len() <= MOST_VALUE));
        assert_eq!(fields(&"A: 1\n".repeat(9_000)).len(), MOST_FIELDS);
    }
}
