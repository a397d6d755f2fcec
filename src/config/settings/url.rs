//! Addresses of websites, of this program, and of the database.
use std::{net::IpAddr, path::Path};

use super::super::form::{Words, not_this};
use crate::domain::{EmailAddress, TOKEN_LENGTH};

/// A domain, as an A-label in small letters.
pub(super) const DOMAIN: Words<String> = Words {
    expected: "a domain such as `example.com`",
    read: |text| {
        let address = format!("name@{}", text.trim()).parse::<EmailAddress>();
        let domain = address.map(|address| address.domain().to_owned());
        domain.map_err(|_| not_this(DOMAIN.expected, text))
    },
};

/// A website.
pub(super) const WEBSITE: Words<String> = Words {
    expected: "a web address such as `https://www.example.com`",
    read: |text| {
        let text = text.trim();
        if host_of(text).is_some() { Ok(text.to_owned()) } else { Err(expected(WEBSITE.expected)) }
    },
};

/// Characters of the way out, which has to stand in its header whole: some relays fold a long line after
/// it was signed, and the signature is of no use then.
const MAX_WAY_OUT: usize = 120;
/// Characters of [`BASE`], behind which `/u/` and a token stand.
const MAX_BASE: usize = MAX_WAY_OUT - "/u/".len() - TOKEN_LENGTH;

/// Where contacts reach this program.
pub(super) const BASE: Words<String> = Words {
    expected: "an `https` address such as `https://mail.example.com`",
    read: |text| {
        let text = text.trim().trim_end_matches('/');
        match host_of(text) {
            None => Err(expected(BASE.expected)),
            Some(_) if text.len() > MAX_BASE => {
                Err(format!("expected an address of {MAX_BASE} characters at most"))
            }
            Some(_) if text.contains(['?', '#']) => {
                Err("expected an address without `?` and `#`".to_owned())
            }
            Some(host) if text.starts_with("https:") || is_loopback(host) => Ok(text.to_owned()),
            Some(_) => Err("expected `https`; plain `http` is for this machine alone".to_owned()),
        }
    },
};

/// A database, or where its address is.
pub(super) const DATABASE: Words<String> = Words {
    expected: "`sqlite:PATH`, `postgres://HOST/NAME`, `env:NAME` or `file:PATH`",
    read: |text| {
        let text = text.trim();
        if ["env:", "file:"].iter().any(|place| text.starts_with(place)) {
            return Ok(text.to_owned());
        }
        if password_in(text) {
            return Err(
                "a password is not written here; put the whole address into a file of its \
                        own and write `file:PATH`, or into the environment and write `env:NAME`"
                    .to_owned(),
            );
        }
        database(text, Path::new("")).map(|_| text.to_owned())
    },
};

fn expected(what: &str) -> String {
    format!("expected {what}")
}

/// The host of an `http` or `https` address, without its port; `None` if it is none.
fn host_of(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let clean = text.chars().all(|c| c.is_ascii_graphic() && !"\"'<>\\^`{|}".contains(c));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    (clean && port_fits && is_host(host)).then_some(host)
}

/// Whether `text` is a host name or an address; one of IPv6 with or without brackets.
pub(super) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let name = text.len() <= 253 && text.trim_end_matches('.').split('.').all(label);
    name || address_of(text).is_some()
}

fn address_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether `host` is this machine and no other.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || address_of(host).is_some_and(|address| address.is_loopback())
}

fn password_in(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let in_front = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    in_front || url.contains("?password=") || url.contains("&password=")
}

/// The address of a database, with a relative path of a file put below `base`.
pub(super) fn database(url: &str, base: &Path) -> Result<String, String> {
    if let Some((_, rest)) = url.split_once("://").filter(|(kind, _)| kind.starts_with("postgres"))
    {
        return if rest.is_empty() { Err(expected(DATABASE.expected)) } else { Ok(url.to_owned()) };
    }
    let rest = url.strip_prefix("sqlite:").ok_or_else(|| expected(DATABASE.expected))?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    if path.is_empty() {
        return Err(expected(DATABASE.expected));
    }
    if path == ":memory:" || base.as_os_str().is_empty() || Path::new(path).is_absolute() {
        return Ok(url.to_owned());
    }
    let base =
        base.to_str().ok_or("the folder of the configuration has a name that is not UTF-8")?;
    // The driver takes these three for its own.
    let base = base.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let whole = Path::new(&base).join(path);
    let mark = if parameters.is_empty() { "" } else { "?" };
    Ok(format!("sqlite://{}{mark}{parameters}", whole.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_makes_the_way_out_longer_than_120_is_refused() {
        let base = |length: usize| format!("https://{}.example", "x".repeat(length - 16));
        let longest = (BASE.read)(&base(75)).unwrap();
        assert_eq!(format!("{longest}/u/{}", "t".repeat(TOKEN_LENGTH)).len(), MAX_WAY_OUT);
        assert!((BASE.read)(&base(76)).unwrap_err().contains("75 characters at most"));
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for text in
            ["http://localhost:8025", "http://127.0.0.1/x/", "http://[::1]:1/", "https://a.b"]
        {
            assert!((BASE.read)(text).is_ok_and(|url| !url.ends_with('/')), "{text}");
        }
        for text in ["http://mail.example.com", "http://localhost.evil.com", "http://10.0.0.1"] {
            assert!((BASE.read)(text).unwrap_err().contains("this machine"), "{text}");
        }
        for text in [
            "",
            "mail.example.com",
            "https://",
            "https://a b",
            "ftp://a.b",
            "https://a:x",
            "https://u@a",
        ] {
            assert_eq!((BASE.read)(text), Err(expected(BASE.expected)), "{text}");
        }
    }

    #[test]
    fn a_file_database_is_found_from_the_folder_of_the_configuration() {
        let base = Path::new("/etc/50%/config");
        for (url, whole) in [
            ("sqlite:p.db", "sqlite:///etc/50%25/config/p.db"),
            ("sqlite://../p.db?mode=rwc", "sqlite:///etc/50%25/config/../p.db?mode=rwc"),
            ("sqlite:/var/p.db", "sqlite:/var/p.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("postgres://db/perennial", "postgres://db/perennial"),
        ] {
            assert_eq!(database(url, base).as_deref(), Ok(whole));
        }
        assert!(database("mysql://x/y", base).is_err());
        assert!(database("sqlite:", base).is_err());
    }

    #[test]
    fn a_password_in_the_address_of_the_database_is_refused_and_not_repeated() {
        for url in ["postgres://ada:hunter2@db/x", "postgres://db/x?user=a&password=hunter2"] {
            let error = (DATABASE.read)(url).unwrap_err();
            assert!(error.contains("env:NAME") && !error.contains("hunter2"), "{error}");
        }
        assert!((DATABASE.read)("postgres://ada@db/x").is_ok());
    }
}
