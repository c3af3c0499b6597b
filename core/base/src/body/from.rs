//! What is a body as it stands: text, bytes, a part of a file, nothing.

use bytes::Bytes;

use super::{Body, FilePart, Kind};

impl Default for Body {
    fn default() -> Body {
        Body::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        let length = Some(bytes.len() as u64);
        Body::from_kind(Kind::Whole(bytes), length)
    }
}

impl From<FilePart> for Body {
    fn from(part: FilePart) -> Body {
        match part.len() {
            0 => Body::empty(),
            length => Body::from_kind(Kind::File(part), Some(length)),
        }
    }
}

impl From<()> for Body {
    fn from((): ()) -> Body {
        Body::empty()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Bytes::from(bytes).into()
    }
}
