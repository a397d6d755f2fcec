use super::*;

fn day() -> NaiveDate {
    "2026-05-14".parse().unwrap()
}

fn ring(numbers: impl IntoIterator<Item = u8>) -> Keyring {
    Keyring::new(numbers.into_iter().map(|number| (number, [number; 32]))).unwrap()
}

#[test]
fn a_token_says_what_was_signed_in_forty_two_characters() {
    let text = ring([1]).sign(Purpose::Click, -7, 513, day());
    assert_eq!(text.len(), TOKEN_LENGTH);
    let token = Token { outreach: -7, link_no: 513, issued_on: day() };
    assert_eq!(ring([1]).verify(Purpose::Click, &text), Some(token));
}

#[test]
fn a_return_path_fits_and_is_read_back_in_any_case() {
    let local = ring([1]).bounce(99, day());
    assert_eq!(local.len(), BOUNCE_LENGTH);
    assert!(local.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
    let token = Token { outreach: 99, link_no: 0, issued_on: day() };
    for text in [local.clone(), local.to_uppercase(), format!("B{}", &local[1..])] {
        assert_eq!(ring([1]).verify_bounce(&text), Some(token), "{text}");
    }
    assert_eq!(local, ring([1]).bounce(99, day()));
    assert_ne!(local, ring([2]).bounce(99, day()));
}

#[test]
fn a_return_path_with_one_other_character_is_refused() {
    let ring = ring([1]);
    let local = ring.bounce(99, day());
    for place in 0..local.len() {
        for byte in (0..128_u8).filter(|b| !b.eq_ignore_ascii_case(&local.as_bytes()[place])) {
            let mut other = local.clone().into_bytes();
            other[place] = byte;
            let other = String::from_utf8(other).unwrap();
            assert_eq!(ring.verify_bounce(&other), None, "{other:?}");
        }
    }
    for text in ["", "b-", &local[2..], &format!("{local}a"), &local[..51], "b-é"] {
        assert_eq!(ring.verify_bounce(text), None, "{text:?}");
    }
}

#[test]
fn any_flipped_bit_is_refused() {
    let ring = ring([1]);
    let bytes = URL_SAFE_NO_PAD.decode(ring.sign(Purpose::Open, 99, 0, day())).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let text = URL_SAFE_NO_PAD.encode(forged);
        assert_eq!(ring.verify(Purpose::Open, &text), None, "bit {bit}");
    }
}

#[test]
fn a_token_has_one_spelling() {
    let ring = ring([1]);
    let text = ring.sign(Purpose::Open, 99, 0, day());
    for place in 0..TOKEN_LENGTH {
        for byte in (0..128_u8).filter(|byte| *byte != text.as_bytes()[place]) {
            let mut other = text.clone().into_bytes();
            other[place] = byte;
            let other = String::from_utf8(other).unwrap();
            assert_eq!(ring.verify(Purpose::Open, &other), None, "{other:?}");
        }
    }
    assert_eq!(ring.verify(Purpose::Open, &format!("{text}=")), None);
}

#[test]
fn a_token_for_one_purpose_is_refused_for_every_other() {
    let ring = ring([1]);
    for (signed, asked) in PURPOSES.iter().flat_map(|a| PURPOSES.map(|b| (*a, b))) {
        let mut bytes = URL_SAFE_NO_PAD.decode(ring.sign(signed, 5, 0, day())).unwrap();
        let accepted = ring.verify(asked, &URL_SAFE_NO_PAD.encode(&bytes)).is_some();
        assert_eq!(accepted, signed == asked);
        bytes[2] = asked.byte();
        let relabelled = ring.verify(asked, &URL_SAFE_NO_PAD.encode(&bytes)).is_some();
        assert_eq!(relabelled, signed == asked, "the byte alone does not change a purpose");
    }
}

#[test]
fn a_new_key_signs_and_an_old_one_still_verifies() {
    let old = ring([3]).sign(Purpose::Unsubscribe, 5, 0, day());
    let both = ring([3, 4]);
    assert!(both.verify(Purpose::Unsubscribe, &old).is_some());
    let new = both.sign(Purpose::Unsubscribe, 5, 0, day());
    assert!(ring([4]).verify(Purpose::Unsubscribe, &new).is_some());
    assert_eq!(ring([3]).verify(Purpose::Unsubscribe, &new), None);
}

#[test]
fn a_ring_needs_a_key_and_one_key_a_number() {
    assert_eq!(Keyring::new([]).unwrap_err(), KeyringError::Empty);
    let twice = Keyring::new([(1, [0; 32]), (1, [1; 32])]);
    assert_eq!(twice.unwrap_err(), KeyringError::Twice(1));
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", ring([7])), "Keyring([7])");
}

#[test]
fn days_outside_of_the_format_move_to_its_ends() {
    assert_eq!(day_number(NaiveDate::MIN), 0);
    assert_eq!(day_number(NaiveDate::MAX), u16::MAX);
}

proptest::proptest! {
    #[test]
    fn garbage_is_refused_and_never_panics(text in "\\PC{0,60}", token in "[A-Za-z0-9_-]{42}") {
        for purpose in PURPOSES {
            proptest::prop_assert_eq!(ring([65]).verify(purpose, &text), None);
            proptest::prop_assert_eq!(ring([65]).verify(purpose, &token), None);
        }
    }

    #[test]
    fn every_token_is_read_back(outreach: i64, link_no: u16, day in 0..=u16::MAX) {
        let token = Token { outreach, link_no, issued_on: day_of(day).unwrap() };
        let text = ring([0, 255]).sign(Purpose::Click, outreach, link_no, token.issued_on);
        proptest::prop_assert_eq!(ring([0, 255]).verify(Purpose::Click, &text), Some(token));
    }
}
