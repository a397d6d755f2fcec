//! Small bar charts for a terminal.

/// Width of the longest bar, in characters.
const WIDTH: u64 = 40;
/// Eighths of a character, so that short bars differ too.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// One line for each label: the label, its bar, its number.
pub(super) fn bars(rows: &[(String, u64)]) -> String {
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let label = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let line = |(name, count): &(String, u64)| {
        let eighths = usize::try_from(count * WIDTH * 8 / most).unwrap_or(0);
        let bar = format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
        format!("  {name:<label$}  {bar} {count}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion_and_nothing_has_none() {
        let rows = [("Mon".to_owned(), 80), ("Tue".to_owned(), 41), ("Wed".to_owned(), 0)];
        insta::assert_snapshot!(bars(&rows), @r"
          Mon  ████████████████████████████████████████ 80
          Tue  ████████████████████▌ 41
          Wed   0
        ");
    }
}
