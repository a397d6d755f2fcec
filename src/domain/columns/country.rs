//! Countries by code or by name.
use crate::domain::half_width;

/// The text is neither a code nor a name that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a country code of two letters such as `CN`, `DE` or `US`")]
pub struct CountryError;

/// Codes of ISO 3166-1 with the names that lists use, in lower case. Only what trade with China and
/// Europe meets often; all other countries are written as codes.
const NAMES: &[(&str, &[&str])] = &[
    ("AE", &["united arab emirates", "uae", "阿联酋"]),
    ("AT", &["austria", "österreich", "奥地利"]),
    ("AU", &["australia", "澳大利亚"]),
    ("BE", &["belgium", "比利时"]),
    ("BR", &["brazil", "巴西"]),
    ("CA", &["canada", "加拿大"]),
    ("CH", &["switzerland", "schweiz", "瑞士"]),
    ("CN", &["china", "prc", "p.r. china", "mainland china", "中国", "中国大陆", "中华人民共和国"]),
    ("CZ", &["czechia", "czech republic", "捷克"]),
    ("DE", &["germany", "deutschland", "德国"]),
    ("DK", &["denmark", "丹麦"]),
    ("ES", &["spain", "西班牙"]),
    ("FI", &["finland", "芬兰"]),
    ("FR", &["france", "法国"]),
    ("GB", &["united kingdom", "uk", "great britain", "britain", "england", "英国"]),
    ("HK", &["hong kong", "香港", "中国香港"]),
    ("ID", &["indonesia", "印度尼西亚", "印尼"]),
    ("IE", &["ireland", "爱尔兰"]),
    ("IN", &["india", "印度"]),
    ("IT", &["italy", "意大利"]),
    ("JP", &["japan", "日本"]),
    ("KR", &["korea", "south korea", "republic of korea", "韩国"]),
    ("MO", &["macau", "macao", "澳门", "中国澳门"]),
    ("MX", &["mexico", "墨西哥"]),
    ("MY", &["malaysia", "马来西亚"]),
    ("NL", &["netherlands", "the netherlands", "holland", "荷兰"]),
    ("NO", &["norway", "挪威"]),
    ("NZ", &["new zealand", "新西兰"]),
    ("PH", &["philippines", "菲律宾"]),
    ("PL", &["poland", "波兰"]),
    ("PT", &["portugal", "葡萄牙"]),
    ("RU", &["russia", "russian federation", "俄罗斯"]),
    ("SA", &["saudi arabia", "沙特", "沙特阿拉伯"]),
    ("SE", &["sweden", "瑞典"]),
    ("SG", &["singapore", "新加坡"]),
    ("TH", &["thailand", "泰国"]),
    ("TR", &["turkey", "türkiye", "土耳其"]),
    ("TW", &["taiwan", "台湾", "中国台湾"]),
    ("US", &["united states", "united states of america", "usa", "u.s.", "america", "美国"]),
    ("VN", &["vietnam", "viet nam", "越南"]),
    ("ZA", &["south africa", "南非"]),
];

/// The code of a country in capitals, from a code of two letters or a common name in English or
/// Chinese. Whether a code is assigned is not checked.
///
/// # Errors
///
/// If the text is neither.
pub fn parse_country(text: &str) -> Result<String, CountryError> {
    let text = half_width(text).trim().to_lowercase();
    if let Some((code, _)) = NAMES.iter().find(|(_, names)| names.contains(&text.as_str())) {
        return Ok((*code).to_owned());
    }
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(text.to_uppercase())
    } else {
        Err(CountryError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_give_the_code() {
        for (text, code) in [
            ("cn", "CN"),
            ("ＤＥ", "DE"),
            ("中国", "CN"),
            (" Germany ", "DE"),
            ("UK", "GB"),
            ("fr", "FR"),
        ] {
            assert_eq!(parse_country(text).as_deref(), Ok(code), "{text}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        for text in ["", "DEU", "Ruritania", "1A", "德"] {
            assert_eq!(parse_country(text), Err(CountryError), "{text}");
        }
    }
}
