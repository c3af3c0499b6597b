//! The routes: a table from the path to what is wrong there.

use http::StatusCode;
use oxicorn::Request;

use crate::deed::{Answer, Content, Deed, Reading};
use crate::script::Scene::{Failure, Panic, Piece};
use crate::script::{Scene, Script};

type Route = (&'static str, fn() -> Deed);

/// In the order of what they are about: lengths, fields, statuses, sources, requests, handlers.
static ROUTES: &[Route] = &[
    ("/", || whole("hello\n").into()),
    ("/short", || whole("01234").field("content-length", "10").into()),
    ("/short/pieces", || pieces(&FIVE).field("content-length", "10").into()),
    ("/short/claimed", || produced(Script::new(&FIVE).claiming(10)).into()),
    ("/short/nothing", || whole("").field("content-length", "10").into()),
    ("/long", || whole("0123456789").field("content-length", "5").into()),
    ("/long/pieces", || pieces(&TEN).field("content-length", "5").into()),
    ("/long/claimed", || produced(Script::new(&TEN).claiming(5)).into()),
    ("/long/next-piece", || pieces(&[FIVE, FIVE].concat()).field("content-length", "5").into()),
    ("/length/word", || whole("01234").field("content-length", "five").into()),
    ("/length/signed", || whole("01234").field("content-length", "+5").into()),
    ("/length/list", || whole("01234").field("content-length", "5, 5").into()),
    ("/length/twice", || length_twice().into()),
    ("/hop-by-hop", || hop_by_hop().into()),
    ("/coded", || pieces(&FIVE).field("transfer-encoding", "gzip, chunked").into()),
    ("/status/100", || whole("01234").status(StatusCode::CONTINUE).into()),
    ("/status/101", || whole("01234").status(StatusCode::SWITCHING_PROTOCOLS).into()),
    ("/status/103", || whole("01234").status(StatusCode::EARLY_HINTS).into()),
    ("/status/204", || bodiless(StatusCode::NO_CONTENT).into()),
    ("/status/304", || bodiless(StatusCode::NOT_MODIFIED).into()),
    ("/status/204/pieces", || pieces(&FIVE).status(StatusCode::NO_CONTENT).into()),
    ("/status/304/pieces", || pieces(&FIVE).status(StatusCode::NOT_MODIFIED).into()),
    ("/pieces", || pieces(&FIVE).into()),
    ("/fails", || pieces(&[Piece("01234"), Failure]).into()),
    ("/fails/length", || pieces(&[Piece("01234"), Failure]).field("content-length", "10").into()),
    ("/fails/first", || pieces(&[Failure]).into()),
    ("/panics/body", || pieces(&[Piece("01234"), Panic]).into()),
    ("/panics/body/length", || {
        pieces(&[Piece("01234"), Panic]).field("content-length", "10").into()
    }),
    ("/panics", || Deed::Panic),
    ("/aborts", || Deed::Abort),
    ("/reads/part", || Deed::Read(Reading::Part)),
    ("/reads/twice", || Deed::Read(Reading::Twice)),
    ("/reads/never", || Deed::Read(Reading::Never)),
    ("/reflects", || Deed::Read(Reading::IntoField)),
];

const FIVE: [Scene; 2] = [Piece("012"), Piece("34")];
const TEN: [Scene; 3] = [Piece("012"), Piece("3456"), Piece("789")];

/// What is done for the request.
pub(crate) fn find(request: &Request) -> Deed {
    let path = request.uri().path();
    let route = ROUTES.iter().find(|(known, _)| *known == path);
    match route {
        Some((_, deed)) => deed(),
        None => whole("no such misdeed\n").status(StatusCode::NOT_FOUND).into(),
    }
}

fn whole(text: &'static str) -> Answer {
    Answer::new(Content::Whole(text))
}

fn produced(script: Script) -> Answer {
    Answer::new(Content::Produced(script))
}

fn pieces(scenes: &[Scene]) -> Answer {
    produced(Script::new(scenes))
}

fn length_twice() -> Answer {
    whole("01234").field("content-length", "5").field("content-length", "5")
}

fn bodiless(status: StatusCode) -> Answer {
    whole("01234").status(status).field("content-length", "5")
}

/// Every field that is the connection's and not the message's.
fn hop_by_hop() -> Answer {
    [
        ("connection", "keep-alive, x-mine"),
        ("keep-alive", "timeout=1000"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authenticate", "Basic"),
        ("te", "trailers"),
        ("trailer", "x-later"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("date", "yesterday"),
        ("x-kept", "yes"),
    ]
    .into_iter()
    .fold(whole("01234"), |answer, (name, value)| answer.field(name, value))
}
