//! The part of a request's body that is read before the application starts.

use bytes::{Bytes, BytesMut};

#[derive(Debug, Default)]
pub(super) enum Gathered {
    #[default]
    Nothing,
    /// One piece, as the codec gave it: a small body is never copied.
    One(Bytes),
    Many(BytesMut),
}

impl Gathered {
    pub(super) fn len(&self) -> usize {
        match self {
            Gathered::Nothing => 0,
            Gathered::One(bytes) => bytes.len(),
            Gathered::Many(bytes) => bytes.len(),
        }
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        *self = match std::mem::take(self) {
            Gathered::Nothing => Gathered::One(piece),
            Gathered::One(first) => {
                let mut all = BytesMut::with_capacity((first.len() + piece.len()) * 2);
                all.extend_from_slice(&first);
                all.extend_from_slice(&piece);
                Gathered::Many(all)
            }
            Gathered::Many(mut all) => {
                all.extend_from_slice(&piece);
                Gathered::Many(all)
            }
        };
    }

    pub(super) fn take(&mut self) -> Bytes {
        match std::mem::take(self) {
            Gathered::Nothing => Bytes::new(),
            Gathered::One(bytes) => bytes,
            Gathered::Many(bytes) => bytes.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_in_order() {
        let mut gathered = Gathered::default();
        for (piece, length) in [("ab", 2), ("c", 3), ("def", 6)] {
            gathered.push(Bytes::from(piece));
            assert_eq!(gathered.len(), length);
        }
        assert_eq!(gathered.take(), "abcdef");
        assert_eq!(gathered.len(), 0);
    }
}
