//! A few random bits from the kernel: what makes the names that one process gives differ from
//! another's. Nothing here is a secret.

/// 64 random bits, getrandom(2). Where the kernel has none to give (it never waits for them), the
/// clock and the number of the process stand in.
pub fn random_bits() -> u64 {
    let mut bits = 0u64;
    // SAFETY: the pointer and the length are those of a live local that any bytes make a value of.
    let got =
        unsafe { libc::getrandom((&raw mut bits).cast(), size_of::<u64>(), libc::GRND_NONBLOCK) };
    if got == size_of::<u64>() as libc::ssize_t {
        return bits;
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.as_nanos() as u64);
    // An odd constant spreads the few bits that differ over all of them (Fibonacci hashing).
    (nanos ^ u64::from(std::process::id()) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    #[test]
    fn bits_differ() {
        assert_ne!(super::random_bits(), super::random_bits());
    }
}
