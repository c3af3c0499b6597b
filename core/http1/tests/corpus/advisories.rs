//! The advisories about request parsing in other servers, and what each was about: every one has a
//! case here that shows that the codec does not have the fault.

use std::collections::BTreeSet;

use crate::cases::CASES;

const ADVISORIES: &[(&str, &str)] = &[
    ("CVE-2019-16785", "waitress: bare LF, white space before a colon"),
    ("CVE-2019-16786", "waitress: a coding that is not exactly chunked"),
    ("CVE-2019-16789", "waitress: bytes that were stripped as white space"),
    ("CVE-2020-11076", "puma: Transfer-Encoding in disguise"),
    ("CVE-2020-11077", "puma: what is left of one request begins the next"),
    ("CVE-2021-32714", "hyper: a chunk size that overflows"),
    ("CVE-2021-32715", "hyper: a plus sign in Content-Length"),
    ("CVE-2021-41136", "puma: bare LF"),
    ("CVE-2022-24761", "waitress: signs and prefixes in numbers, bytes in chunk extensions"),
    ("CVE-2022-24790", "puma: lenient numbers and line ends"),
    ("CVE-2023-40175", "puma: a blank Content-Length"),
    ("CVE-2023-41419", "gevent: trailers"),
    ("CVE-2024-1135", "gunicorn: the last coding is not chunked"),
    ("CVE-2024-21647", "puma: unbounded chunk extensions"),
    ("CVE-2024-45614", "puma: an underscore for a dash"),
    ("CVE-2024-6827", "gunicorn: a coding that nobody knows was ignored"),
    ("CVE-2025-4366", "pingora: an unread body on a connection that is used again"),
    ("CVE-2025-43859", "h11: what follows a chunk's data was not looked at"),
    ("CVE-2025-47287", "tornado: framing and 100 Continue"),
    ("CVE-2025-55315", "Kestrel: line ends in chunk extensions"),
    ("CVE-2025-58068", "eventlet: trailers"),
    ("CVE-2026-2833", "pingora: what follows an upgrade that was not granted"),
    ("CVE-2026-2835", "pingora: a length with a coding, HTTP/1.0 bodies"),
    ("GHSA-4f7p-27jc-3c36", "waitress: as CVE-2022-24761"),
    ("GHSA-4ppp-gpcr-7qf6", "waitress: Content-Length that is invalid or given twice"),
    ("GHSA-68xg-gqqm-vgj8", "puma: as CVE-2023-40175, and trailers"),
    ("GHSA-73m2-3pwg-5fgc", "waitress: white space that a pattern matched for ever"),
    ("GHSA-9298-4cf8-g4wj", "waitress: reading on behind a bad request"),
    ("GHSA-c2f4-cvqm-65w2", "puma: as CVE-2024-21647"),
    ("RUSTSEC-2020-0008", "hyper: a length behind a coding"),
    ("RUSTSEC-2021-0020", "hyper: Transfer-Encoding in several fields"),
    ("RUSTSEC-2021-0081", "actix-http: a length with a coding"),
    ("actix-http 3.12.1", "a length with a coding in HTTP/1.0"),
    ("actix-http 3.2.1", "Transfer-Encoding in HTTP/1.0"),
    ("gunicorn #2650", "SCRIPT_NAME from the client"),
    ("gunicorn #2799", "an underscore for a dash"),
    ("gunicorn 2020 desync", "Content-Length with a spaced or plain Transfer-Encoding"),
    ("gunicorn 25.3-26.1", "what its parsers were hardened against in these releases"),
    ("hyper 1.1.0", "a chunk-size line without a digit"),
    ("hyper 1.11.0", "a length before a coding"),
    ("hyper 1.4.1", "the last chunk without its zero"),
    ("may_minihttp", "Transfer-Encoding ignored, an unread body read as a request"),
    ("puma 8.0.2", "a PROXY line behind the first byte of HTTP"),
];

#[test]
fn every_advisory_has_a_case() {
    let named: BTreeSet<&str> =
        CASES.iter().flat_map(|case| &case.expected.advisories).map(String::as_str).collect();
    let known: BTreeSet<&str> = ADVISORIES.iter().map(|(id, _)| *id).collect();
    assert_eq!(named, known);
    assert!(ADVISORIES.iter().all(|(_, fault)| !fault.is_empty()));
}
