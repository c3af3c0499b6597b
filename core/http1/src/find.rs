//! Looks for one byte. What is looked for in a head (the end of a line, the space behind a target) is
//! mostly a few bytes away, and there the call of a vectorised search takes longer than the search.

use memchr::memchr;

/// Words of eight bytes that are looked at before the search for long distances begins.
const NEAR: usize = 8;

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Where the first `byte` is.
#[inline]
pub(crate) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let pattern = ONES * u64::from(byte);
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().take(NEAR).enumerate() {
        let different = u64::from_le_bytes(*word) ^ pattern;
        // The lowest bit that is set belongs to the first byte that is the same; a borrow may set
        // others, above it.
        let same = different.wrapping_sub(ONES) & !different & HIGH_BITS;
        if same != 0 {
            return Some(number * 8 + same.trailing_zeros() as usize / 8);
        }
    }
    if words.len() > NEAR {
        return memchr(byte, &bytes[NEAR * 8..]).map(|offset| NEAR * 8 + offset);
    }
    rest.iter().position(|other| *other == byte).map(|offset| words.len() * 8 + offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_first(byte: u8, near in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(find(byte, &near), memchr(byte, &near));
        }

        #[test]
        fn it_is_the_first_of_few_kinds(
            bytes in prop::collection::vec(prop::sample::select(vec![9, 10, 11, 0x8a]), 0..100),
        ) {
            prop_assert_eq!(find(10, &bytes), memchr(10, &bytes));
        }
    }
}
