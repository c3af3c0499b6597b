//! The pages of programs that a process has mapped: code, and data that nobody writes to. Start-up reads settings, opens logs and
//! resolves names, and none of it is needed again; but what it has touched stays in the page
//! tables and is counted as the process' resident memory for the rest of its life.

use std::ffi::{c_int, c_void};

/// Lets go of all mapped program text and read-only data, this program's and its libraries': what is needed again comes
/// back from the page cache, some pages at a time. For a process that will do little for long.
pub fn shed_text() {
    // SAFETY: the callback has the signature that dl_iterate_phdr(3) wants, and no data.
    unsafe { libc::dl_iterate_phdr(Some(shed), std::ptr::null_mut()) };
}

unsafe extern "C" fn shed(info: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: sysconf(3) has no preconditions.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
    // SAFETY: dl_iterate_phdr hands out a valid object, whose headers are valid for as long.
    let (base, headers) = unsafe {
        let info = &*info;
        (info.dlpi_addr, std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()))
    };
    let unwritten = headers
        .iter()
        .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0);
    for header in unwritten {
        let start = (base + header.p_vaddr) as usize & !(page - 1);
        let end = ((base + header.p_vaddr + header.p_memsz) as usize).next_multiple_of(page);
        // SAFETY: the range is one mapping of a file, which is never written to: its pages are those
        // of the file, before and after.
        unsafe { libc::madvise(start as *mut c_void, end - start, libc::MADV_DONTNEED) };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_of_comes_back() {
        let before = format!("{:?}", std::env::current_dir());
        shed_text();
        assert_eq!(format!("{:?}", std::env::current_dir()), before);
    }
}
