//! What a client has sent, made harmless: whatever it was, the result is printable ASCII that ends
//! neither the line nor the quotes around it, and from which the original can be told.

/// Whether a byte stands for itself.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// Appends `bytes`, escaped: `\"`, `\\`, and `\xHH` for everything else that is not plain.
pub(super) fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    // Without a branch in the loop it is done sixteen bytes at a time, and nearly always enough.
    if bytes.iter().fold(true, |all, &byte| all & is_plain(byte)) {
        out.extend_from_slice(bytes);
    } else {
        bytes.iter().for_each(|&byte| escape_byte(out, byte));
    }
}

/// Appends one byte, escaped.
pub(super) fn escape_byte(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        byte if is_plain(byte) => out.push(byte),
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        byte => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'\\', b'x', high, low]);
        }
    }
}

/// The length of the escape, or of the plain byte, that `bytes` begins with.
fn unit(bytes: &[u8]) -> usize {
    match bytes {
        [b'\\', b'x', ..] => 4,
        [b'\\', ..] => 2,
        _ => 1,
    }
}

/// The longest beginning of at most `limit` bytes that ends in no escape.
pub(super) fn cut(line: &[u8], limit: usize) -> &[u8] {
    let mut end = 0;
    while end < line.len() && end + unit(&line[end..]) <= limit {
        end += unit(&line[end..]);
    }
    &line[..end.min(line.len())]
}

/// Undoes [`escape`].
#[cfg(test)]
pub(super) fn unescape(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(&first) = bytes.first() {
        let (unit, rest) = bytes.split_at(unit(bytes));
        out.push(match unit {
            [b'\\', b'x', hex @ ..] => {
                u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap()
            }
            [b'\\', byte] => *byte,
            _ => first,
        });
        bytes = rest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        escape(&mut out, bytes);
        out
    }

    #[test]
    fn each_kind_of_byte_has_its_escape() {
        assert_eq!(escaped(b"plain ~text!"), b"plain ~text!");
        assert_eq!(
            escaped(b"a\"b\\c\nd\te\x7ff\x80\xff\0"),
            br#"a\"b\\c\x0ad\x09e\x7ff\x80\xff\x00"#
        );
    }

    proptest! {
        #[test]
        fn nothing_harmful_remains_and_nothing_is_lost(bytes: Vec<u8>) {
            let escaped = escaped(&bytes);
            prop_assert!(escaped.iter().all(|byte| (b' '..=b'~').contains(byte)));
            prop_assert_eq!(unescape(&escaped), bytes);
        }

        #[test]
        fn a_cut_leaves_whole_escapes(bytes: Vec<u8>, limit in 0usize..40) {
            let escaped = escaped(&bytes);
            let short = cut(&escaped, limit);
            prop_assert!(short.len() <= limit && escaped.starts_with(short));
            prop_assert!(short.len() + 4 > limit || short.len() == escaped.len());
            prop_assert!(bytes.starts_with(&unescape(short)));
        }
    }
}
