//! Where hyper and the codec think differently about the corpus, and why; everything else they read
//! alike. A difference that is not on the list fails, and so does one that is gone.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::cases::{CASES, Case, each};
use crate::drive::{End, Habit, play};
use crate::peer::{Heard, Opinion, ask};

/// Cases that are judged differently, for one reason.
struct Difference {
    reason: &'static str,
    /// Their names, separated by spaces.
    cases: &'static str,
}

/// hyper accepts what the codec refuses.
const STRICTER: &[Difference] = &[
    Difference {
        reason: "RFC 9112 section 3.2 has a server refuse it; hyper leaves Host to the \
            application.",
        cases: "host-missing host-missing-absolute host-misspelt host-twice-1.0 host-twice-apart \
            host-twice-different host-twice-equal host-twice-one-empty host-twice-permitted \
            host-value-angle host-value-backslash host-value-bad-percent host-value-brace \
            host-value-bracket-inside host-value-fragment host-value-ipv6-closed-only \
            host-value-ipv6-empty host-value-ipv6-letters host-value-ipv6-open \
            host-value-ipv6-short host-value-ipv6-then-name host-value-ipv6-without-brackets \
            host-value-ipv6-zone host-value-list host-value-list-tight host-value-non-ascii \
            host-value-path host-value-port-letters host-value-port-negative \
            host-value-port-only host-value-query host-value-quote host-value-space \
            host-value-tab host-value-two-ports host-value-url host-value-userinfo \
            pipeline-bad-host",
    },
    Difference {
        reason: "RFC 9112 section 2.2 permits a recipient to take LF for a line end, and hyper \
            does.",
        cases: "leading-crlf-lf leading-lf lf-all lf-field lf-hides-field lf-last \
            lf-request-line trailer-final-lf trailer-lf",
    },
    Difference {
        reason: "RFC 9112 section 2.2 has a server skip one empty line; hyper skips any number, \
            and a CR alone.",
        cases: "eof-head-leading-cr leading-crlf-twice leading-crlf-twice-later",
    },
    Difference {
        reason: "RFC 9110 section 9.1 defines a method as any token; ours are of 3 to 20 bytes \
            and have no lower case.",
        cases: "method-hash method-lower-case method-mixed-case method-twenty-one-bytes \
            method-two-bytes pipeline-bad-method pipeline-body-longer-than-length",
    },
    Difference {
        reason: "RFC 9112 section 3.2 ties the forms of a target to methods and to a valid \
            authority; hyper passes them on.",
        cases: "target-absolute-ipv6-future target-absolute-ipv6-zone \
            target-absolute-port-letters target-absolute-port-only \
            target-absolute-scheme-digit target-absolute-scheme-mark \
            target-absolute-userinfo target-asterisk-get target-asterisk-longer \
            target-authority-get target-connect-absolute target-connect-asterisk \
            target-connect-empty-port target-connect-no-host target-connect-no-port \
            target-connect-path target-connect-port-letters target-connect-port-too-large \
            target-connect-userinfo target-relative target-scheme-without-authority",
    },
    Difference {
        reason: "RFC 3986 section 2 has no bytes beyond ASCII; hyper takes them when they are \
            UTF-8.",
        cases: "target-utf8 target-utf8-query",
    },
    Difference {
        reason: "RFC 9112 section 6.3 permits to merge lengths that agree, and hyper does.",
        cases: "length-twice-apart length-twice-equal",
    },
    Difference {
        reason: "RFC 9112 section 6.1 permits Transfer-Encoding to override Content-Length, and \
            hyper does.",
        cases: "coding-after-length coding-and-length coding-and-zero-length \
            pipeline-bad-smuggling pipeline-desync-chunked",
    },
    Difference {
        reason: "RFC 9112 section 6.1 has a server answer 501 to a coding it does not \
            understand, and forbids chunked twice; hyper looks at the last coding only and \
            decodes no other.",
        cases: "coding-compress-case coding-deflate-chunked coding-gzip-chunked \
            coding-gzip-then-chunked coding-gzip-twice coding-identity-chunked \
            coding-leading-comma coding-twice coding-twice-case coding-twice-fields \
            coding-unknown-under-chunked coding-x-gzip-chunked",
    },
    Difference {
        reason: "RFC 9110 section 10.1.1 permits 417 for an unknown expectation; hyper ignores \
            it.",
        cases: "expect-empty expect-list expect-no-body-other expect-number expect-other \
            expect-parameter expect-quoted expect-words",
    },
    Difference {
        reason: "RFC 9112 sections 7.1 and 7.1.1 give the size line a grammar; hyper permits \
            white space behind the size and skips the extensions unread, up to a CR.",
        cases: "chunk-extension-bad-name chunk-extension-behind-quote \
            chunk-extension-control-quoted chunk-extension-empty \
            chunk-extension-escaped-quote chunk-extension-no-name chunk-extension-no-value \
            chunk-extension-non-ascii chunk-extension-nul chunk-extension-open-quote \
            chunk-extension-trailing-semicolon chunk-extension-trailing-space \
            chunk-extension-two-semicolons chunk-extension-two-values \
            chunk-size-space-behind chunk-size-tab-behind",
    },
    Difference {
        reason: "RFC 6585 section 5, RFC 9112 sections 3 and 7.1.1 leave limits to the server; \
            hyper's are others.",
        cases: "limit-chunk-line-over limit-extensions-dribbled limit-extensions-over \
            limit-field-default-over limit-field-name limit-field-over \
            limit-field-white-space limit-fields-over limit-line-default-over \
            limit-line-over limit-line-second limit-trailer-size",
    },
    Difference {
        reason: "RFC 9110 section 6.5.1 forbids fields for framing, routing and the like in \
            trailers; hyper passes all on.",
        cases: "trailer-forbidden-authorization trailer-forbidden-cache-control \
            trailer-forbidden-connection trailer-forbidden-content-encoding \
            trailer-forbidden-content-length trailer-forbidden-content-range \
            trailer-forbidden-content-type trailer-forbidden-cookie trailer-forbidden-expect \
            trailer-forbidden-forwarded trailer-forbidden-host trailer-forbidden-if-match \
            trailer-forbidden-keep-alive trailer-forbidden-max-forwards \
            trailer-forbidden-proxy-authorization trailer-forbidden-proxy-connection \
            trailer-forbidden-range trailer-forbidden-second trailer-forbidden-te \
            trailer-forbidden-trailer trailer-forbidden-transfer-encoding \
            trailer-forbidden-upgrade",
    },
    Difference {
        reason: "RFC 9110 section 8.3 gives a message one Content-Type; hyper leaves it to the \
            application.",
        cases: "type-twice",
    },
];

/// The codec accepts what hyper refuses.
const LAXER: &[Difference] = &[
    Difference {
        reason: "RFC 9110 section 2.5: a later minor version is answered as 1.1. httparse knows \
            1.0 and 1.1 only.",
        cases: "pipeline-mixed-versions version-1.2 version-1.2-chunked version-1.9",
    },
    Difference {
        reason: "RFC 3986 has no quotes, angle brackets and carets in a URI; browsers send \
            them, and we encode them.",
        cases: "target-all-visible target-angles target-caret-backtick target-quote",
    },
    Difference {
        reason: "RFC 6585 section 5 leaves limits to the server, and here there is none; \
            hyper's is 100 fields.",
        cases: "limit-fields-off",
    },
];

fn on(list: &[Difference], case: &Case) -> bool {
    let name = case.name.split('/').next_back();
    list.iter()
        .flat_map(|difference| difference.cases.split(' '))
        .any(|listed| Some(listed) == name)
}

/// What the codec makes of `bytes`, in the terms in which hyper is asked.
fn own(case: &Case, bytes: &[u8]) -> (Vec<Heard>, Opinion) {
    let (story, _) = play(case.limits(), Habit::Reads, [bytes]);
    let whole = story.requests.into_iter().filter_map(|seen| {
        Some(Heard {
            method: seen.method,
            uri: seen.uri,
            headers: seen.headers,
            body: seen.body,
            trailers: seen.trailers?,
        })
    });
    let opinion = match story.end {
        End::Closed | End::Retired => Opinion::Accepts,
        End::Refused(..) => Opinion::Refuses,
    };
    (whole.collect(), opinion)
}

#[test]
fn hyper_differs_only_where_it_is_known_to() {
    each(|case| {
        let (ours, theirs) = (own(case, &case.bytes), ask(&case.bytes));
        let expected = match (on(STRICTER, case), on(LAXER, case)) {
            (false, false) => (ours.1, ours.1),
            (true, false) => (Opinion::Refuses, Opinion::Accepts),
            (false, true) => (Opinion::Accepts, Opinion::Refuses),
            (true, true) => panic!("{} is on both lists", case.name),
        };
        assert_eq!((ours.1, theirs.1), expected, "{}", case.name);
        if ours.1 == theirs.1 {
            assert_eq!(ours.0, theirs.0, "{}", case.name);
        } else {
            assert!(ours.0.iter().zip(&theirs.0).all(|(our, their)| our == their), "{}", case.name);
        }
    });
}

#[test]
fn the_lists_name_cases_that_exist() {
    for difference in STRICTER.iter().chain(LAXER) {
        assert!(difference.reason.starts_with("RFC "), "{}", difference.reason);
        for name in difference.cases.split(' ') {
            let exists = |case: &Case| case.name.split('/').next_back() == Some(name);
            assert!(CASES.iter().any(exists), "{name}");
        }
    }
}

/// hyper does not read a Connection field with bytes beyond ASCII, and then closes or stays as the
/// version implies; the codec reads the options around them (RFC 9110 section 7.6.1).
fn obscure_connection(heard: &Heard) -> bool {
    heard.headers.iter().any(|(name, value)| name == "connection" && !value.is_ascii())
}

/// Bytes that mean something somewhere, more often than others.
fn byte() -> impl Strategy<Value = u8> {
    let telling = &b"\r\n\t \0:;,=\"0123456789abcdefGET/.-_\x7f\x80\xff"[..];
    prop_oneof![any::<u8>(), select(telling)]
}

fn small_case() -> impl Strategy<Value = &'static Case> {
    let small = |case: &&Case| (1..1000).contains(&case.bytes.len());
    select(CASES.iter().filter(small).collect::<Vec<_>>())
}

proptest! {
    /// Nobody wrote down what these mean; but what both accept, both read alike.
    #[test]
    fn with_one_byte_changed_they_still_agree(case in small_case(), at: Index, byte in byte()) {
        let mut bytes = case.bytes.clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let (ours, theirs) = (own(case, &bytes), ask(&bytes));
        if (ours.1, theirs.1) == (Opinion::Accepts, Opinion::Accepts)
            && !ours.0.iter().any(obscure_connection)
        {
            prop_assert_eq!(ours.0, theirs.0, "{}", bytes.escape_ascii());
        }
    }
}
