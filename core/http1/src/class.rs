//! The character classes of the grammar, as tables: one look-up a byte, and one place to read them.

/// A set of bytes.
#[derive(Debug)]
pub(crate) struct Class([bool; 256]);

impl Class {
    /// Letters, digits and `others`.
    const fn alphanumeric_and(others: &[u8]) -> Class {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let mut index = 0;
        while index < others.len() {
            table[others[index] as usize] = true;
            index += 1;
        }
        Class(table)
    }

    /// Whether `byte` is in the class.
    #[inline]
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }

    /// How many bytes at the front are.
    pub(crate) fn prefix(&self, bytes: &[u8]) -> usize {
        bytes.iter().take_while(|byte| self.has(**byte)).count()
    }
}

/// `tchar` (RFC 9110 section 5.6.2).
pub(crate) static TOKEN: Class = Class::alphanumeric_and(b"!#$%&'*+-.^_`|~");

/// What a host's name is made of (RFC 3986 section 3.2.2), without the comma: in a field value that
/// is a list, and a host is not one.
pub(crate) static HOST: Class = Class::alphanumeric_and(b"-._~%!$&'()*+;=");
