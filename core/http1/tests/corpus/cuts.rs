//! However the bytes of a conversation are cut, it is the same conversation, and what is refused is
//! refused at the same moment.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::cases::{CASES, Case, each};
use crate::drive::{Habit, Story, play};

/// Files up to this size are cut at every place, in bytes.
const SMALL: usize = 2048;

fn whole(case: &Case) -> Story {
    play(case.limits(), Habit::Reads, [&case.bytes[..]]).0
}

fn in_pieces<'a>(case: &Case, pieces: impl IntoIterator<Item = &'a [u8]>) -> Story {
    play(case.limits(), Habit::Reads, pieces).0
}

#[test]
fn byte_by_byte() {
    each(|case| assert_eq!(in_pieces(case, case.bytes.chunks(1)), whole(case), "{}", case.name));
}

#[test]
fn every_small_file_in_two() {
    each(|case| {
        if case.bytes.len() > SMALL {
            return;
        }
        let whole = whole(case);
        for at in 1..case.bytes.len() {
            let (one, two) = case.bytes.split_at(at);
            assert_eq!(in_pieces(case, [one, two]), whole, "{} cut at {at}", case.name);
        }
    });
}

fn any_case() -> impl Strategy<Value = &'static Case> {
    select(CASES.iter().collect::<Vec<_>>())
}

fn any_large_case() -> impl Strategy<Value = &'static Case> {
    select(CASES.iter().filter(|case| case.bytes.len() > SMALL).collect::<Vec<_>>())
}

/// `bytes` cut into pieces of these lengths, over and over.
fn pieces<'a>(mut bytes: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    lengths.iter().cycle().map_while(move |length| {
        let piece = bytes.split_off(..(*length).min(bytes.len()))?;
        (!piece.is_empty()).then_some(piece)
    })
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn large_files_in_three(case in any_large_case(), one: Index, two: Index) {
        let length = case.bytes.len() + 1;
        let (one, two) = (one.index(length), two.index(length));
        let (one, two) = (one.min(two), one.max(two));
        let cut = [&case.bytes[..one], &case.bytes[one..two], &case.bytes[two..]];
        prop_assert_eq!(in_pieces(case, cut), whole(case), "{}", case.name);
    }

    #[test]
    fn any_file_in_any_pieces(
        case in any_case(),
        lengths in prop::collection::vec(1usize..80, 1..20),
    ) {
        let cut = pieces(&case.bytes, &lengths);
        prop_assert_eq!(in_pieces(case, cut), whole(case), "{}", case.name);
    }
}
