//! Random texts from a seed, so that a failure comes again.
use std::sync::Arc;

use perennial::mail::{Enclosed, Enclosure};

/// The generator `SplitMix64`.
pub(super) struct Dice(pub(super) u64);

/// What makes trouble in headers, bodies and file names.
const PIECES: [&str; 26] = [
    "Anna",
    "王伟",
    "欧阳静",
    "👩‍👩‍👧‍👦",
    "𠮷",
    "é",
    "ß",
    " ",
    "  ",
    "\r\n",
    "\r\nBcc: x@example.com",
    "\n\n",
    "\t",
    "\0",
    "\u{202e}",
    "\u{2028}",
    "=?utf-8?Q?=41?=",
    "=?utf-8?B?",
    "?=",
    "\"",
    "<a@b>",
    "(c)",
    ", ; :",
    "\\",
    ".",
    "عربي",
];

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// A text of at most `most` pieces, half of them single characters of any script.
    pub(super) fn text(&mut self, most: usize) -> String {
        let pieces = self.below(most + 1);
        (0..pieces).map(|_| self.piece()).collect()
    }

    fn piece(&mut self) -> String {
        let scripts = [0x20..0x7f, 0x4e00..0x9fff, 0x1f300..0x1f5ff, 0x400..0x4ff, 0x0..0x1_0000];
        if self.below(2) == 0 {
            return PIECES[self.below(PIECES.len())].to_owned();
        }
        let script = scripts[self.below(scripts.len())].clone();
        let code = script.start + u32::try_from(self.below(script.len())).unwrap();
        char::from_u32(code).map(String::from).unwrap_or_default()
    }

    /// The name of a file as the templates folder allows it.
    pub(super) fn file_name(&mut self) -> String {
        let odd = |c: char| "/\\:*?\"<>|%.".contains(c) || perennial::domain::is_hidden(c);
        let stem: String = self.text(12).chars().filter(|c| !odd(*c)).collect();
        let stem = stem.split_whitespace().collect::<Vec<_>>().join(" ");
        let stem: String = stem.chars().take(90).collect();
        if stem.trim().is_empty() {
            "目录.pdf".to_owned()
        } else {
            format!("{}.pdf", stem.trim())
        }
    }

    /// Pictures and files, often none.
    pub(super) fn enclosed(&mut self) -> Enclosed {
        let images = (0..self.few())
            .map(|_| {
                let name = format!("p{}.png", self.below(1_000));
                self.enclosure(name, "image/png")
            })
            .collect();
        let files = (0..self.few())
            .map(|_| {
                let name = self.file_name();
                self.enclosure(name, "application/pdf")
            })
            .collect();
        Enclosed { images, files }
    }

    fn few(&mut self) -> usize {
        self.below(6).saturating_sub(3)
    }

    fn enclosure(&mut self, name: String, media_type: &'static str) -> Enclosure {
        let bytes: Vec<u8> = (0..self.below(300)).map(|_| self.next().to_be_bytes()[0]).collect();
        Enclosure { name, media_type, bytes: Arc::from(bytes) }
    }
}
