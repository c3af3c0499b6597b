//! However the bytes of a conversation are cut, it is the same conversation.

use oxicorn_http1::*;
use proptest::prelude::*;
use proptest::sample::select;

use crate::drive::*;

/// Small enough for generated requests to pass them now and then.
const LIMITS: Limits =
    Limits { line: 60, fields: 5, field_size: 40, missing_host: MissingHost::Refuse };

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        40 => select(vec![
            "GET / HTTP/1.1",
            "POST /a?b=\"c\" HTTP/1.1",
            "HEAD //a#b HTTP/1.2",
            "OPTIONS * HTTP/1.1",
            "DELETE http://a/b HTTP/1.1",
        ]).prop_map(str::to_owned),
        2 => select(vec![
            "get / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/2.0", "\x16", "", "GET",
            "CONNECT a:1 HTTP/1.1", "POST / HTTP/1.0", "GET * HTTP/1.1",
        ]).prop_map(str::to_owned),
        1 => (40usize..52).prop_map(|len| format!("GET {} HTTP/1.1", "/".repeat(len))),
    ]
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        60 => select(vec![
            "A: b",
            "Connection: keep-alive",
            "Expect: 100-continue",
            "Cookie: a=b",
        ]).prop_map(str::to_owned),
        3 => select(vec![
            "A : b", "A: b\r", "A: \0", " folded", "Host: again", "no colon", "Connection: close",
            "Transfer-Encoding: gzip", "Content-Length: 1", "Expect: x",
        ]).prop_map(str::to_owned),
        3 => (20usize..40).prop_map(|len| format!("A: {}", "b".repeat(len))),
    ]
}

fn ending() -> impl Strategy<Value = &'static str> {
    prop_oneof![200 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("\r\r\n")]
}

fn chunk() -> impl Strategy<Value = String> {
    let extension = prop_oneof![
        40 => select(vec!["", ";a", " ; a = \"b;\\\"\""]).prop_map(str::to_owned),
        1 => select(vec![";", " ", ";a=", "x"]).prop_map(str::to_owned),
        3 => (20usize..45).prop_map(|len| format!(";{}", "a".repeat(len))),
    ];
    ("[a-z\r\n]{1,20}", extension, ending(), ending())
        .prop_map(|(data, ext, one, two)| format!("{:x}{ext}{one}{data}{two}", data.len()))
}

fn body() -> impl Strategy<Value = (String, String)> {
    let fixed = ("[a-z\r\n]{0,30}", 0usize..20).prop_map(|(data, lie)| {
        let length = data.len() + usize::from(lie == 0);
        (format!("Content-Length: {length}\r\n"), data)
    });
    let trailer = prop_oneof![9 => Just("Sum: 1".to_owned()), 1 => field()];
    let trailers = prop::collection::vec((trailer, ending()), 0..3);
    let chunked = (prop::collection::vec(chunk(), 0..4), ending(), trailers, ending()).prop_map(
        |(chunks, last, trailers, end)| {
            let trailers: String = trailers.into_iter().map(|(f, e)| f + e).collect();
            let body = format!("{}0{last}{trailers}{end}", chunks.concat());
            ("Transfer-Encoding: chunked\r\n".to_owned(), body)
        },
    );
    prop_oneof![Just((String::new(), String::new())), fixed, chunked]
}

fn request() -> impl Strategy<Value = String> {
    let leading = prop_oneof![30 => Just(""), 3 => Just("\r\n"), 1 => Just("\r\n\r\n")];
    let fields = prop::collection::vec((field(), ending()), 0..4);
    (leading, line(), ending(), fields, body(), ending()).prop_map(
        |(leading, line, first, fields, (framing, body), last)| {
            let fields: String = fields.into_iter().map(|(f, e)| f + e).collect();
            format!("{leading}{line}{first}Host: a\r\n{framing}{fields}{last}{body}")
        },
    )
}

fn conversation() -> impl Strategy<Value = String> {
    (prop::collection::vec(request(), 1..5), any::<prop::sample::Index>(), 0usize..4).prop_map(
        |(requests, cut, whole)| {
            let mut bytes = requests.concat();
            if whole == 0 {
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            bytes
        },
    )
}

/// `bytes` cut into pieces of these lengths, over and over.
fn pieces<'a>(mut bytes: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    lengths.iter().cycle().map_while(move |length| {
        if bytes.is_empty() {
            return None;
        }
        let (piece, rest) = bytes.split_at((*length).min(bytes.len()));
        bytes = rest;
        Some(piece)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn cuts_do_not_matter(
        bytes in conversation(),
        lengths in prop::collection::vec(1usize..30, 1..20),
    ) {
        let whole = play(LIMITS, [bytes.as_bytes()]);
        prop_assert_eq!(&play(LIMITS, pieces(bytes.as_bytes(), &lengths)), &whole);
        prop_assert_eq!(&play(LIMITS, bytes.as_bytes().chunks(1)), &whole);
    }

    #[test]
    fn garbage_is_survived(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        lengths in prop::collection::vec(1usize..30, 1..5),
    ) {
        let whole = play(LIMITS, [&bytes[..]]);
        prop_assert_eq!(play(LIMITS, pieces(&bytes, &lengths)), whole);
    }

    /// A valid request with one byte changed: where smuggling is looked for.
    #[test]
    fn one_wrong_byte(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
            5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let whole = play(Limits::default(), [&bytes[..]]);
        prop_assert_eq!(play(Limits::default(), bytes.chunks(1)), whole);
    }
}
