//! A process that decodes what strangers send: it may compute and write to what it has open, for a while, and nothing else.

use crate::sys;

/// Seconds of CPU, for ten minutes of sound on a slow machine.
const SECONDS: u64 = 60;
/// Bytes of memory.
const MEMORY: u64 = 320 << 20;

/// What a decoder needs of the system once its input is read: memory, output, and an orderly end.
const CALLS: [libc::c_long; 21] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Locks this process in. Where the system knows no filter of calls, the limits alone hold.
pub fn enter() {
    sys::limit(SECONDS, MEMORY);
    sys::allow_only(&CALLS);
}

#[cfg(test)]
mod tests {
    #[test]
    fn calls_that_are_not_needed_end_the_process() {
        // SAFETY: the child runs nothing but system calls between fork and its end.
        let child = unsafe { libc::fork() };
        if child == 0 {
            super::enter();
            // SAFETY: a path that ends with a zero; if the call comes back, the child ends.
            unsafe {
                libc::unlink(c"/nonexistent".as_ptr());
                libc::_exit(0);
            }
        }
        let mut status = 0;
        // SAFETY: the status lives through the call.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSYS, "{status:x}");
    }
}
