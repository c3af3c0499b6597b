//! A thread area for each coroutine, as each thread has one: its thread-locals.
//!
//! Code that was written to block takes it that a thread does one thing at a time and keeps the state
//! of that one thing in thread-locals: the standard library the word that `park` sleeps on, tokio the
//! runtime that `block_on` is in, `parking_lot` the node by which a thread is in a queue, the panic
//! machinery its count. Two coroutines that share them and interleave break all of it: a second
//! `block_on` panics, a second `park` spins for ever. So a coroutine is, to whoever asks for a
//! thread-local, a thread: while it runs, the thread pointer of the CPU (ELF Handling For Thread-Local
//! Storage, section 3.4.6: the register `fs`) points to an area of its own, made by the same function
//! of the dynamic loader that makes those of real threads.
//!
//! Two things stay the thread's. What the C library itself keeps in thread-locals (the cache of malloc,
//! the locale) is carried over at each change, since it belongs to the kernel's thread and costs memory
//! for each. And an area is never freed: it is kept for the next coroutine, thread-locals included, as
//! the threads of a pool keep theirs.

use std::arch::asm;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::NonNull;
use std::sync::OnceLock;

use super::{owner, raw};

/// Offsets in the head of the thread's control block (glibc, sysdeps/x86_64/nptl/tls.h: `tcbhead_t`),
/// which compilers know too: its own address twice, the vector of blocks, and whether locks have to
/// be locked for the sake of other threads.
const TCB: usize = 0;
const DTV: usize = 8;
const SELF: usize = 16;
const MULTIPLE_THREADS: usize = 24;
/// The keys whose values lie in the control block itself (glibc: `PTHREAD_KEY_2NDLEVEL_SIZE`).
const KEYS_INSIDE: libc::pthread_key_t = 32;
/// AddressSanitizer's, the first key that a process has: what it knows of the thread, and goes on to know.
const KEYS_OF_TOOLS: libc::pthread_key_t = if cfg!(feature = "sanitizer") { 1 } else { 0 };
/// rseq(2): the CPU is not known, ask the kernel.
const CPU_UNKNOWN: u32 = u32::MAX;

type Allocate = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// What there is to know about areas in this process.
#[derive(Clone, Copy, Debug)]
struct Layout {
    allocate: Allocate,
    /// Bytes of the control block, from the thread pointer upwards.
    control: usize,
    /// Where the thread-locals of the C library lie, relative to the thread pointer, and their bytes.
    own: isize,
    own_size: usize,
    /// Where rseq's area lies, relative to the thread pointer.
    rseq: Option<isize>,
    /// Where the thread's number lies in the control block.
    number: usize,
    change: Change,
}

/// How the thread pointer is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Instruction,
    SystemCall,
}

static LAYOUT: OnceLock<Option<Layout>> = OnceLock::new();

/// An area. It lives as long as the process.
#[derive(Debug)]
pub(crate) struct Area(NonNull<u8>);

fn symbol(name: &CStr) -> Option<NonNull<c_void>> {
    // SAFETY: a name that ends with a zero byte, looked up in everything that is loaded.
    NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}

fn thread_pointer() -> *mut u8 {
    let pointer: *mut u8;
    // SAFETY: on this platform the word at this offset is the thread pointer itself.
    unsafe {
        asm!("mov {}, fs:[{own}]", out(reg) pointer, own = const SELF,
            options(nostack, preserves_flags, readonly));
    }
    pointer
}

/// # Safety
/// `pointer` is the thread pointer of the calling thread's own area, or of an [`Area`].
#[inline(always)]
unsafe fn set_thread_pointer(pointer: *mut u8, change: Change) {
    match change {
        // SAFETY: the kernel has said that the instruction may be used (AT_HWCAP2). Memory counts as
        // clobbered, so that no access to a thread-local is moved across.
        Change::Instruction => unsafe {
            asm!("wrfsbase {}", in(reg) pointer, options(nostack, preserves_flags));
        },
        // SAFETY: arch_prctl(2) with ARCH_SET_FS sets one register.
        Change::SystemCall => unsafe {
            const ARCH_SET_FS: usize = 0x1002;
            raw::call(libc::SYS_arch_prctl, [ARCH_SET_FS, pointer as usize, 0, 0, 0, 0]);
        },
    }
}

/// The C library's thread-locals, of the calling thread.
fn own_block() -> Option<(*mut u8, usize)> {
    struct Search {
        inside: usize,
        found: Option<(*mut u8, usize)>,
    }

    unsafe extern "C" fn look(
        info: *mut libc::dl_phdr_info,
        _: libc::size_t,
        search: *mut c_void,
    ) -> c_int {
        // SAFETY: dl_iterate_phdr(3) passes a valid structure, and the pointer that it was given.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search>()) };
        // SAFETY: so many program headers there are.
        let headers =
            unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let base = info.dlpi_addr as usize;
        let holds = |header: &libc::Elf64_Phdr| {
            let start = base + header.p_vaddr as usize;
            header.p_type == libc::PT_LOAD
                && (start..start + header.p_memsz as usize).contains(&search.inside)
        };
        if !headers.iter().any(holds) {
            return 0;
        }
        let block = headers.iter().find(|header| header.p_type == libc::PT_TLS);
        search.found = block
            .filter(|_| !info.dlpi_tls_data.is_null())
            .map(|block| (info.dlpi_tls_data.cast(), block.p_memsz as usize));
        1
    }

    let inside = symbol(c"__errno_location")?.as_ptr() as usize;
    let mut search = Search { inside, found: None };
    // SAFETY: the function is of the right type and keeps the pointer no longer than the call.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
    search.found
}

fn layout() -> Option<&'static Layout> {
    LAYOUT.get_or_init(find_layout).as_ref()
}

fn find_layout() -> Option<Layout> {
    const FSGSBASE: u64 = 1 << 1;
    let allocate = symbol(c"_dl_allocate_tls")?;
    // SAFETY: the loader's function of this name has had this type since there have been threads.
    let allocate = unsafe { std::mem::transmute::<*mut c_void, Allocate>(allocate.as_ptr()) };
    // SAFETY: a constant that the C library has for debuggers (nptl_db), an unsigned 32-bit number.
    let control = unsafe { *symbol(c"_thread_db_sizeof_pthread")?.as_ptr().cast::<u32>() };
    let (own, own_size) = own_block()?;
    // SAFETY: a constant since glibc 2.35, a ptrdiff_t.
    let rseq = symbol(c"__rseq_offset").map(|offset| unsafe { *offset.as_ptr().cast::<isize>() });
    let field = symbol(c"_thread_db_pthread_tid")?;
    // SAFETY: another constant for debuggers: bits, elements, and the bytes before it.
    let [bits, _, number] = unsafe { *field.as_ptr().cast::<[u32; 3]>() };
    let number = (bits == i32::BITS).then_some(number as usize)?;
    // SAFETY: getauxval(3) reads a table.
    let features = unsafe { libc::getauxval(libc::AT_HWCAP2) };
    let change = match features & FSGSBASE {
        0 => Change::SystemCall,
        _ => Change::Instruction,
    };
    let own = (own as isize).wrapping_sub(thread_pointer() as isize);
    Some(Layout { allocate, control: control as usize, own, own_size, rseq, number, change })
}

/// Whether areas can be made here.
pub(crate) fn possible() -> bool {
    layout().is_some()
}

impl Area {
    /// Makes one; `None`: it cannot be, or there is no memory.
    pub(crate) fn new() -> Option<Area> {
        let layout = layout()?;
        // SAFETY: null asks for memory for the whole area: all static blocks and the control block.
        let area = NonNull::new(unsafe { (layout.allocate)(std::ptr::null_mut()) })?.cast::<u8>();
        let (old, new) = (thread_pointer(), area.as_ptr());
        // SAFETY: both control blocks are of this size. What the loader has set in the new one is
        // kept, and what points to itself points to itself; the rest (the thread's number, the guards
        // of stacks and pointers) is the thread's, which will run on it.
        unsafe {
            let vector = new.add(DTV).cast::<usize>().read();
            std::ptr::copy_nonoverlapping(old, new, layout.control);
            new.add(TCB).cast::<usize>().write(new as usize);
            new.add(DTV).cast::<usize>().write(vector);
            new.add(SELF).cast::<usize>().write(new as usize);
            new.add(MULTIPLE_THREADS).cast::<i32>().write(1);
        }
        if let Some(offset) = layout.rseq {
            // SAFETY: rseq's area lies within the control block: cpu_id_start and cpu_id, 32 bits each.
            unsafe { new.offset(offset).cast::<u32>().add(1).write(CPU_UNKNOWN) };
        }
        let area = Area(area);
        area.with(|| {
            // SAFETY: the number lies within the control block.
            owner::number(unsafe { new.add(layout.number).cast() });
            for key in KEYS_OF_TOOLS..KEYS_INSIDE {
                // SAFETY: a key that does not exist is an error without consequences; one that does
                // has no value yet for this "thread". The destructors are the thread's own.
                unsafe {
                    if !libc::pthread_getspecific(key).is_null() {
                        libc::pthread_setspecific(key, std::ptr::null());
                    }
                }
            }
        });
        Some(area)
    }

    /// Runs `code` with this area in the place of the caller's. It must not unwind, and what it runs on
    /// its way must be the area's: a coroutine that always has this one, and always on this thread.
    #[inline(always)]
    pub(crate) fn with<T>(&self, code: impl FnOnce() -> T) -> T {
        let Some(layout) = layout() else { return code() };
        let (old, new) = (thread_pointer(), self.0.as_ptr());
        // SAFETY: both areas have a block for the C library at the same place and of the same size, and
        // both pointers are those of areas.
        unsafe {
            std::ptr::copy_nonoverlapping(
                old.offset(layout.own),
                new.offset(layout.own),
                layout.own_size,
            );
            set_thread_pointer(new, layout.change);
        }
        let value = code();
        // SAFETY: as above, the other way round.
        unsafe {
            std::ptr::copy_nonoverlapping(
                new.offset(layout.own),
                old.offset(layout.own),
                layout.own_size,
            );
            set_thread_pointer(old, layout.change);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::thread;

    thread_local! {
        static NUMBER: Cell<u32> = const { Cell::new(7) };
        static TEXTS: RefCell<Vec<String>> = RefCell::default();
    }

    #[inline(never)]
    fn number() -> u32 {
        NUMBER.get()
    }

    #[inline(never)]
    fn set(number: u32) {
        NUMBER.set(number);
    }

    #[test]
    fn each_area_has_thread_locals_of_its_own() {
        assert!(possible());
        let (one, two) = (Area::new().unwrap(), Area::new().unwrap());
        set(1);
        for (area, value) in [(&one, 2), (&two, 3)] {
            area.with(|| {
                assert_eq!(number(), 7, "as in a new thread");
                set(value);
                TEXTS.with_borrow_mut(|texts| texts.push(format!("{value}")));
            });
        }
        assert_eq!((one.with(number), two.with(number), number()), (2, 3, 1));
        assert!(TEXTS.with_borrow(Vec::is_empty));
        assert_eq!(two.with(|| TEXTS.with_borrow(Vec::len)), 1);
    }

    #[test]
    fn a_panic_is_counted_where_it_is() {
        let area = Area::new().unwrap();
        let caught = area.with(|| {
            let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(7)));
            assert!(!thread::panicking());
            caught.is_err()
        });
        assert!(caught && !thread::panicking());
    }

    #[test]
    fn to_the_standard_library_it_is_a_thread() {
        let area = Area::new().unwrap();
        let outside = thread::current();
        area.with(|| {
            let inside = thread::current();
            assert_ne!(inside.id(), outside.id());
            outside.unpark();
            thread::park_timeout(std::time::Duration::from_millis(1));
            inside.unpark();
            thread::park();
            let child = thread::Builder::new().spawn(thread::current).unwrap();
            assert_ne!(child.join().unwrap().id(), inside.id());
        });
        thread::park();
        let memory = area.with(|| vec![vec![1_u8; 100]; 100]);
        drop(memory);
        let error = area.with(|| std::fs::read("/nonexistent").unwrap_err());
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    }
}
