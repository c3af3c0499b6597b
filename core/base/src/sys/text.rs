//! The pages of programs that a process has mapped: code, and data that nobody writes to. Start-up reads settings, opens logs and
//! resolves names, and none of it is needed again; but what it has touched stays in the page
//! tables and is counted as the process' resident memory for the rest of its life.

use std::ffi::{c_int, c_void};
use std::ops::Range;

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

/// The same for a process that has loaded code of others, who may have changed some of it where it lies: only mappings of
/// files, not writable, of which no page was ever written to. Best effort: without /proc nothing is let go of.
pub fn shed_untouched_files() {
    for range in
        std::fs::read_to_string("/proc/self/smaps").map_or(Vec::new(), |text| untouched(&text))
    {
        // SAFETY: the kernel says that the range is one mapping of a file and that no page of it is this process' own:
        // its pages are those of the file, before and after. Whoever maps something else there meanwhile would have
        // to be another thread that unloads a library, which Python never does.
        unsafe { libc::madvise(range.start as *mut c_void, range.len(), libc::MADV_DONTNEED) };
    }
}

/// Those mappings, in the words of proc_pid_smaps(5).
fn untouched(smaps: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut candidate = None;
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some("Anonymous:"), Some("0")) => found.extend(candidate.take()),
            (Some(key), _) if key.ends_with(':') => {}
            (Some(range), Some(rights)) => {
                let is_file = words.nth(3).is_some_and(|path| path.starts_with('/'));
                let unwritten =
                    rights.starts_with('r') && !rights.contains('w') && rights.ends_with('p');
                candidate = (is_file && unwritten).then(|| parsed(range)).flatten();
            }
            _ => {}
        }
    }
    found
}

fn parsed(range: &str) -> Option<Range<usize>> {
    let (start, end) = range.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_of_comes_back() {
        let before = format!("{:?}", std::env::current_dir());
        shed_text();
        assert_eq!(format!("{:?}", std::env::current_dir()), before);
        shed_untouched_files();
        assert_eq!(format!("{:?}", std::env::current_dir()), before);
    }

    #[test]
    fn only_files_that_nobody_has_written_to_are_let_go_of() {
        let of = |range: &str, rights: &str, path: &str, anonymous: u32| {
            format!(
                "{range} {rights} 00000000 fe:00 1 {path}\nRss: 8 kB\nAnonymous: {anonymous} kB\nVmFlags: rd\n"
            )
        };
        let text = [
            of("1000-3000", "r-xp", "/lib/code.so", 0),
            of("3000-4000", "r--p", "/lib/code.so", 4),
            of("4000-5000", "rw-p", "/lib/code.so", 0),
            of("5000-6000", "r--p", "", 0),
            of("6000-7000", "r-xp", "[vdso]", 0),
            of("7000-8000", "r--s", "/shared", 0),
            of("8000-9000", "---p", "/lib/gap.so", 0),
            of("9000-a000", "r--p", "/lib/locale archive", 0),
        ];
        assert_eq!(untouched(&text.concat()), [0x1000..0x3000, 0x9000..0xa000]);
    }
}
