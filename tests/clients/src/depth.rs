//! How deep a stack becomes: what lies below the caller is painted before, and looked at afterwards. Only
//! in a coroutine, whose stack is a mapping of its own with known ends.
#![allow(unsafe_code, reason = "memory that nobody has given to anybody")]

const PAINT: u64 = 0xdead_beef_cafe_f00d;
/// What the painter itself and the kernel may use below its own frame.
const CLEARANCE: usize = 4096;
/// More than any coroutine's: the thread's own stack is not painted to its end.
const MOST: usize = 8 << 20;

/// The mapping that a place of the stack lies in.
fn mapping(place: usize) -> Option<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let ends = |line: &str| {
        let (low, high) = line.split(' ').next()?.split_once('-')?;
        Some((usize::from_str_radix(low, 16).ok()?, usize::from_str_radix(high, 16).ok()?))
    };
    maps.lines().filter_map(ends).find(|(low, high)| (*low..*high).contains(&place))
}

/// What `code` gives, and how many bytes of the stack were used from its upper end on.
#[inline(never)]
pub(crate) fn of(code: impl FnOnce() -> String) -> (String, usize) {
    let here = 0_u8;
    let place = &raw const here as usize;
    let (low, high) = mapping(place).expect("a stack");
    assert!(high - low < MOST, "the stack of a thread");
    let end = (place - CLEARANCE) & !7;
    for word in (low..end).step_by(8) {
        // SAFETY: below the frames that are in use, and within the mapping.
        unsafe { (word as *mut u64).write_volatile(PAINT) };
    }
    let text = code();
    // SAFETY: as above.
    let painted = |word: &usize| unsafe { (*word as *const u64).read_volatile() == PAINT };
    let deepest = (low..end).step_by(8).find(|word| !painted(word)).unwrap_or(end);
    (text, high - deepest)
}
