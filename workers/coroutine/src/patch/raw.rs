//! The system call itself, without the C library's function `syscall`, which is one of those that are
//! defined here.

use std::arch::asm;
use std::ffi::c_long;

/// Makes system call `number`. Gives what the kernel gives: an error is its number, negated.
///
/// # Safety
/// As the system call asks for.
#[inline(always)]
pub(super) unsafe fn call(number: c_long, arguments: [usize; 6]) -> isize {
    let result: isize;
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the convention of system calls on this platform (syscall(2)); memory counts as clobbered.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            in("r8") e,
            in("r9") f,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}
