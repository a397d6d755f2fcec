//! The last instant of a certificate (RFC 5280 section 4.1).
use chrono::{DateTime, NaiveDateTime, Utc};

/// The constructed kinds of DER that lead to it, and those of instants.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The last instant at which a certificate in DER is valid; `None` if it is no certificate.
///
/// Reads that and nothing else: whether to believe it was decided before.
#[must_use]
pub fn last_instant(der: &[u8]) -> Option<DateTime<Utc>> {
    let (certificate, _) = of_kind(der, SEQUENCE)?;
    let (content, _) = of_kind(certificate, SEQUENCE)?;
    let rest = of_kind(content, VERSION).map_or(content, |(_, rest)| rest);
    // Number, algorithm and issuer.
    let (_, _, rest) = value(rest)?;
    let (_, _, rest) = value(rest)?;
    let (_, _, rest) = value(rest)?;
    let (validity, _) = of_kind(rest, SEQUENCE)?;
    let (_, _, rest) = value(validity)?;
    let (kind, text, _) = value(rest)?;
    instant(kind, std::str::from_utf8(text).ok()?)
}

fn instant(kind: u8, text: &str) -> Option<DateTime<Utc>> {
    let text = match kind {
        // RFC 5280 section 4.1.2.5.1: years below 50 are of this century.
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    Some(NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?.and_utc())
}

fn of_kind(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (kind, content, rest) = value(der)?;
    (kind == wanted).then_some((content, rest))
}

/// The first value: its kind, its content, and what is behind it.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&kind, rest) = der.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = if short < 0x80 {
        (usize::from(short), rest)
    } else {
        // Certificates are shorter than 16 MB.
        let digits = usize::from(short & 0x7f);
        let (digits, rest) =
            rest.split_at_checked(digits).filter(|(d, _)| (1..=3).contains(&d.len()))?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((kind, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 3, 4);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_last_instant_is_read_in_both_of_its_forms() {
        for year in [2027, 2049, 2050, 2104] {
            let last = last_instant(&certificate(year)).unwrap();
            assert_eq!(last.to_rfc3339(), format!("{year}-03-04T00:00:00+00:00"));
        }
    }

    #[test]
    fn what_is_cut_or_changed_is_read_without_harm() {
        let whole = certificate(2030);
        for end in 0..whole.len() {
            assert_eq!(last_instant(&whole[..end]), None);
        }
        for place in 0..whole.len().min(300) {
            let mut changed = whole.clone();
            changed[place] ^= 0xff;
            let _ = last_instant(&changed);
        }
    }
}
