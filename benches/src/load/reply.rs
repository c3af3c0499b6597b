//! Where an answer ends: the status, the framing, and whether the connection lives on. Nothing else
//! of an answer matters to a load, and nothing else is looked at.

/// Header fields of an answer at most; none of the servers comes near.
const FIELDS: usize = 64;
/// A head longer than this is no head.
const LONGEST_HEAD: usize = 64 * 1024;

/// What stands between one answer and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The connection takes another request.
    Keep,
    /// The server will close it.
    Close,
}

/// A whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) after: After,
}

/// It was not HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// How the end of the connection is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtEnd {
    /// Nothing of an answer has come.
    Nothing,
    /// An answer is cut short.
    Short,
    /// That was how the answer ended.
    Whole(Reply),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// In the size, so far this.
    Size(u64),
    /// Behind the size, up to the line feed.
    Extension(u64),
    /// In the data, and the two bytes behind it.
    Data(u64),
    /// In a trailer line that has so many bytes.
    Trailer(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Fixed(u64),
    Chunked(Chunk),
    UntilClosed,
}

/// Reads the answers of one connection, in whatever pieces they come.
#[derive(Debug)]
pub(super) struct Reader {
    state: State,
    reply: Reply,
    /// The beginning of a head whose end has not come.
    partial: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Reader {
        let reply = Reply { status: 0, after: After::Keep };
        Reader { state: State::Head, reply, partial: Vec::new() }
    }
}

impl Reader {
    /// Takes bytes off the front of `data`, up to the end of an answer. None: all are taken, and
    /// the answer goes on.
    pub(super) fn feed(&mut self, data: &mut &[u8]) -> Result<Option<Reply>, Malformed> {
        loop {
            match self.state {
                State::Head => match self.head(data)? {
                    Some(()) => {}
                    None => return Ok(None),
                },
                State::Fixed(left) => {
                    let take = left.min(data.len() as u64);
                    *data = &data[take as usize..];
                    if take < left {
                        self.state = State::Fixed(left - take);
                        return Ok(None);
                    }
                    return Ok(Some(self.finish()));
                }
                State::Chunked(chunk) => {
                    let Some((&byte, rest)) = data.split_first() else { return Ok(None) };
                    match chunk {
                        // Data is skipped, everything else is looked at byte by byte.
                        Chunk::Data(left) => {
                            let take = left.min(data.len() as u64);
                            *data = &data[take as usize..];
                            self.state = State::Chunked(match left - take {
                                0 => Chunk::Size(0),
                                left => Chunk::Data(left),
                            });
                        }
                        chunk => {
                            *data = rest;
                            match next(chunk, byte)? {
                                Some(chunk) => self.state = State::Chunked(chunk),
                                None => return Ok(Some(self.finish())),
                            }
                        }
                    }
                }
                State::UntilClosed => {
                    *data = &[];
                    return Ok(None);
                }
            }
        }
    }

    /// What it means that the connection has ended here.
    pub(super) fn end(&self) -> AtEnd {
        match self.state {
            State::Head if self.partial.is_empty() => AtEnd::Nothing,
            State::UntilClosed => AtEnd::Whole(self.reply),
            _ => AtEnd::Short,
        }
    }

    fn finish(&mut self) -> Reply {
        self.state = State::Head;
        self.reply
    }

    /// Reads a head and decides how the body ends. None: the head goes on.
    fn head(&mut self, data: &mut &[u8]) -> Result<Option<()>, Malformed> {
        if data.is_empty() {
            return Ok(None);
        }
        let (head, length) = if self.partial.is_empty() {
            match Head::parse(data)? {
                Some(parsed) => parsed,
                None => {
                    self.partial.extend_from_slice(data);
                    *data = &[];
                    return Ok(None);
                }
            }
        } else {
            let before = self.partial.len();
            self.partial.extend_from_slice(data);
            match Head::parse(&self.partial)? {
                Some((head, length)) => {
                    self.partial.clear();
                    (head, length - before)
                }
                None if self.partial.len() > LONGEST_HEAD => return Err(Malformed),
                None => {
                    *data = &[];
                    return Ok(None);
                }
            }
        };
        *data = &data[length..];
        self.reply = head.reply;
        self.state = match head.reply.status {
            // An interim answer: the real one follows.
            100..=199 => State::Head,
            204 | 304 => State::Fixed(0),
            _ => head.body,
        };
        Ok(Some(()))
    }
}

/// What follows `byte` in the framing of a chunked body; None: nothing, it has ended.
fn next(chunk: Chunk, byte: u8) -> Result<Option<Chunk>, Malformed> {
    /// Behind the last digit of a size of 2^60 there is no room for another.
    const LARGEST: u64 = 1 << 60;
    Ok(Some(match (chunk, byte) {
        (Chunk::Size(size) | Chunk::Extension(size), b'\n') => match size {
            0 => Chunk::Trailer(0),
            size => Chunk::Data(size + 2),
        },
        // Before a size stands, behind a chunk, nothing: its CRLF was counted with its data.
        (Chunk::Size(size), byte) => match char::from(byte).to_digit(16) {
            Some(digit) if size < LARGEST => Chunk::Size(size * 16 + u64::from(digit)),
            Some(_) => return Err(Malformed),
            None if matches!(byte, b'\r' | b';' | b' ') => Chunk::Extension(size),
            None => return Err(Malformed),
        },
        (Chunk::Extension(size), _) => Chunk::Extension(size),
        (Chunk::Trailer(0), b'\n') => return Ok(None),
        (Chunk::Trailer(_), b'\n') => Chunk::Trailer(0),
        (Chunk::Trailer(count), b'\r') => Chunk::Trailer(count),
        (Chunk::Trailer(count), _) => Chunk::Trailer(count.saturating_add(1)),
        (Chunk::Data(left), _) => Chunk::Data(left),
    }))
}

struct Head {
    reply: Reply,
    body: State,
}

impl Head {
    /// The head at the front of `bytes`, and its length. None: it goes on.
    fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Malformed> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        let length = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Malformed),
        };
        let mut after = match parsed.version {
            Some(1) => After::Keep,
            _ => After::Close,
        };
        let mut body = State::UntilClosed;
        for field in parsed.headers.iter() {
            match field.name.len() {
                10 if field.name.eq_ignore_ascii_case("connection") => {
                    after = named(field.value).unwrap_or(after);
                }
                // Beside a coding the length does not count.
                14 if field.name.eq_ignore_ascii_case("content-length")
                    && !matches!(body, State::Chunked(_)) =>
                {
                    body = State::Fixed(number(field.value).ok_or(Malformed)?);
                }
                17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                    body = State::Chunked(Chunk::Size(0));
                }
                _ => {}
            }
        }
        if body == State::UntilClosed {
            after = After::Close;
        }
        let status = parsed.code.ok_or(Malformed)?;
        Ok(Some((Head { reply: Reply { status, after }, body }, length)))
    }
}

fn named(value: &[u8]) -> Option<After> {
    let mut options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    options.find_map(|option| match option {
        option if option.eq_ignore_ascii_case(b"close") => Some(After::Close),
        option if option.eq_ignore_ascii_case(b"keep-alive") => Some(After::Keep),
        _ => None,
    })
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
