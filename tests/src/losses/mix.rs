//! What the clients ask for, and what is a right answer: a response that is whole and wrong is a
//! lost request, too.

use sha2::{Digest, Sha256};

use super::dice::Dice;
use crate::client::{Request, Response};

/// A request, and how its answer is judged.
pub(super) struct Question {
    pub(super) name: &'static str,
    pub(super) request: Request,
    expected: Expected,
}

enum Expected {
    Text(&'static str),
    Length(usize),
    /// The digest of what was sent.
    Echo {
        length: usize,
        digest: String,
    },
}

/// How often out of a hundred, and what.
type Row = (usize, fn(&mut Dice) -> Question);

static MIX: &[Row] = &[(50, hello), (20, bytes), (15, echo), (10, read), (5, write)];

pub(super) fn draw(dice: &mut Dice) -> Question {
    let mut rest = dice.below(MIX.iter().map(|(weight, _)| weight).sum());
    for (weight, question) in MIX {
        match rest.checked_sub(*weight) {
            Some(less) => rest = less,
            None => return question(dice),
        }
    }
    hello(dice)
}

fn hello(_: &mut Dice) -> Question {
    let expected = Expected::Text("Hello, world!\n");
    Question { name: "GET /", request: Request::get("/"), expected }
}

fn read(_: &mut Dice) -> Question {
    let request = Request::get("/read");
    Question { name: "GET /read", request, expected: Expected::Text("read for 5 ms\n") }
}

fn write(_: &mut Dice) -> Question {
    let request = Request::get("/write?ms=20");
    Question { name: "GET /write", request, expected: Expected::Text("wrote for 20 ms\n") }
}

/// Mostly in one write, now and then in more than a socket takes at once.
fn bytes(dice: &mut Dice) -> Question {
    let length = if dice.one_in(10) { 700_000 } else { dice.below(20_000) };
    let request = Request::get(&format!("/bytes?n={length}"));
    Question { name: "GET /bytes", request, expected: Expected::Length(length) }
}

/// With a length or in chunks.
fn echo(dice: &mut Dice) -> Question {
    let length = if dice.one_in(10) { 200_000 } else { dice.below(5_000) };
    let body = dice.noise(length);
    let digest = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let post = Request::new("POST", "/echo");
    let request = if dice.one_in(2) {
        post.body(body)
    } else {
        post.chunks(body.chunks(1500).map(<[u8]>::to_vec))
    };
    Question { name: "POST /echo", request, expected: Expected::Echo { length, digest } }
}

impl Question {
    /// What is wrong with the body of the answer, if anything is.
    pub(super) fn fault(&self, response: &Response) -> Option<String> {
        let right = match &self.expected {
            Expected::Text(text) => response.body == text.as_bytes(),
            Expected::Length(length) => response.body.len() == *length,
            Expected::Echo { length, digest } => {
                let echo = serde_json::from_slice(&response.body).unwrap_or_default();
                let echo: serde_json::Value = echo;
                echo["body_len"] == *length && echo["body_sha256"] == digest.as_str()
            }
        };
        let start = &response.body[..response.body.len().min(200)];
        (!right).then(|| {
            format!("{} bytes: {:?}", response.body.len(), start.escape_ascii().to_string())
        })
    }
}
