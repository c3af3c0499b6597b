//! The CPUs of this process. The standard library's own count of them takes the cgroup's quota into
//! it, rounded down, and so cannot be explained to anybody.
#![allow(unsafe_code)]

/// How many CPUs this process may run on: sched_getaffinity(2). Where the kernel does not say, what
/// the standard library takes for the parallelism of the machine.
pub fn affinity() -> u64 {
    // SAFETY: cpu_set_t is a plain array of bits for which all zeroes is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the size is the set's own; 0 is this process.
    let done = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) };
    // SAFETY: the set is a live local that the kernel has filled in.
    let count = unsafe { libc::CPU_COUNT(&set) };
    match (done, u64::try_from(count)) {
        (0, Ok(count @ 1..)) => count,
        _ => std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
    }
}
