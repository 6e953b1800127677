//! The system calls that the standard library lacks, made safe.

use libc::{c_int, c_void};
use socket2::{Domain, SockRef, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn timespec(duration: Duration) -> libc::timespec {
    libc::timespec { tv_sec: duration.as_secs() as libc::time_t, tv_nsec: duration.subsec_nanos().into() }
}

/// A descriptor that another thread waits on, to be woken. Who is told many things at once is woken by the first of them.
#[derive(Debug)]
pub struct EventFd {
    fd: OwnedFd,
    told: AtomicBool,
}

impl EventFd {
    pub fn new() -> io::Result<EventFd> {
        // SAFETY: takes no pointers; the result is checked.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the descriptor is new and nobody else's.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(EventFd { fd, told: AtomicBool::new(false) })
    }

    /// Wakes whoever waits; what it is for must be in its place before. A counter that is full wakes as well, so there is
    /// no error to tell.
    pub fn notify(&self) {
        if self.told.swap(true, Ordering::SeqCst) {
            return;
        }
        let one = 1u64.to_ne_bytes();
        // SAFETY: the buffer is valid for its length.
        unsafe { libc::write(self.fd.as_raw_fd(), one.as_ptr().cast::<c_void>(), one.len()) };
    }

    /// Forgets that it was woken; what it was woken for is to be looked at afterwards.
    pub fn drain(&self) {
        let mut count = [0u8; 8];
        // SAFETY: the buffer is valid for its length.
        unsafe { libc::read(self.fd.as_raw_fd(), count.as_mut_ptr().cast::<c_void>(), count.len()) };
        // Only now: whoever tells something after this writes again, whoever did so before has put it into its place.
        self.told.store(false, Ordering::SeqCst);
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Readiness of many descriptors, level-triggered.
pub struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    /// At most `capacity` descriptors are reported by one wait.
    pub fn new(capacity: usize) -> io::Result<Epoll> {
        // SAFETY: takes no pointers; the result is checked.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor is new and nobody else's.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Epoll { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; capacity] })
    }

    /// Watches `fd` for input under the name `token`.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: the event lives through the call.
        check(unsafe {
            libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &mut event)
        })?;
        Ok(())
    }

    pub fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        // SAFETY: no event is needed to remove a descriptor.
        check(unsafe {
            libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_DEL, fd.as_raw_fd(), std::ptr::null_mut())
        })?;
        Ok(())
    }

    /// Waits for input, at most for `timeout`; returns how many descriptors have some ([`Epoll::token`]).
    pub fn wait(&mut self, timeout: Duration) -> io::Result<usize> {
        let timeout = timespec(timeout);
        // SAFETY: the events and the timeout are valid for the call, and their number is right.
        let ready = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.fd.as_raw_fd(),
                self.events.as_mut_ptr(),
                self.events.len() as c_int,
                &raw const timeout,
                std::ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
        match check(ready as c_int) {
            Ok(ready) => Ok(ready as usize),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// The token of the `index`-th descriptor of the last wait.
    pub fn token(&self, index: usize) -> u64 {
        self.events[index].u64
    }
}

/// Throws away what waits in a socket: at most a thousand datagrams, since somebody may be flooding it.
pub fn empty(socket: &UdpSocket) {
    let mut nothing = [0u8; 0];
    for _ in 0..1000 {
        // SAFETY: no byte is written; the rest of a datagram that is longer is dropped.
        let taken = unsafe {
            libc::recv(socket.as_raw_fd(), nothing.as_mut_ptr().cast::<c_void>(), 0, libc::MSG_DONTWAIT)
        };
        if taken < 0 {
            return;
        }
    }
}

/// Sleeps this thread. Only for the pause between two sweeps of the sockets, which gathers packets.
pub fn pause(duration: Duration) {
    let time = timespec(duration);
    // SAFETY: the time lives through the call. Being woken early is harmless.
    unsafe { libc::nanosleep(&time, std::ptr::null_mut()) };
}

/// Datagrams taken from a socket by one call.
pub const BATCH: usize = 16;
const DATAGRAM: usize = 2048;

/// Buffers for [`BATCH`] datagrams, used over and over.
pub struct Batch {
    data: Box<[[u8; DATAGRAM]; BATCH]>,
    names: Box<[libc::sockaddr_storage; BATCH]>,
    // The vectors are pointed at by the headers and are kept only for that.
    _vectors: Box<[libc::iovec; BATCH]>,
    headers: Box<[libc::mmsghdr; BATCH]>,
}

impl Default for Batch {
    fn default() -> Self {
        let mut data = Box::new([[0u8; DATAGRAM]; BATCH]);
        // SAFETY: all of these are plain C structures for which zeros are valid.
        let (mut names, mut vectors, mut headers) = unsafe {
            (
                Box::new(std::mem::zeroed::<[libc::sockaddr_storage; BATCH]>()),
                Box::new(std::mem::zeroed::<[libc::iovec; BATCH]>()),
                Box::new(std::mem::zeroed::<[libc::mmsghdr; BATCH]>()),
            )
        };
        for i in 0..BATCH {
            vectors[i] = libc::iovec { iov_base: data[i].as_mut_ptr().cast(), iov_len: DATAGRAM };
            headers[i].msg_hdr.msg_iov = &mut vectors[i];
            headers[i].msg_hdr.msg_iovlen = 1;
            headers[i].msg_hdr.msg_name = (&raw mut names[i]).cast();
            headers[i].msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as u32;
        }
        Batch { data, names, _vectors: vectors, headers }
    }
}

impl Batch {
    /// Takes one datagram, if any waits; returns how many. Cheaper than [`Batch::receive`] where one is all there is.
    pub fn receive_one(&mut self, socket: &UdpSocket) -> usize {
        let mut name_length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        // SAFETY: the buffer and the name are valid for the lengths given, which the kernel does not exceed.
        let length = unsafe {
            libc::recvfrom(
                socket.as_raw_fd(),
                self.data[0].as_mut_ptr().cast(),
                DATAGRAM,
                libc::MSG_DONTWAIT,
                (&raw mut self.names[0]).cast(),
                &mut name_length,
            )
        };
        self.headers[0].msg_len = length.max(0) as u32;
        usize::from(length >= 0)
    }

    /// Takes what waits in the socket, at most [`BATCH`] datagrams; returns how many.
    pub fn receive(&mut self, socket: &UdpSocket) -> usize {
        // SAFETY: headers, vectors, names and data are boxed, so their addresses hold as long as this batch; the kernel
        // writes only within the lengths that the headers give.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let count = count.max(0) as usize;
        for header in &mut self.headers[..count] {
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as u32;
        }
        count
    }

    /// The `index`-th datagram and where it came from; `None` when the kernel gave no address.
    pub fn datagram(&mut self, index: usize) -> Option<(SocketAddr, &mut [u8])> {
        let length = (self.headers[index].msg_len as usize).min(DATAGRAM);
        let from = address(&self.names[index])?;
        Some((from, &mut self.data[index][..length]))
    }
}

fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match c_int::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that this is an IPv4 address, and the storage is large enough for every family.
            let v4 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::from((ip, u16::from_be(v4.sin_port))))
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for IPv6.
            let v6 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// A socket on this address that waits for nothing, and sends voice.
pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking().cloexec(), None)?;
    socket.bind(&address.into())?;
    let socket = socket.into();
    mark_as_voice(&socket, address.is_ipv6());
    Ok(socket)
}

/// Marks what a socket sends as voice (DSCP EF, RFC 4594). A system that does not let us is no reason to fail.
fn mark_as_voice(socket: &UdpSocket, ipv6: bool) {
    let class: c_int = 0xb8;
    let (level, option) =
        if ipv6 { (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) } else { (libc::IPPROTO_IP, libc::IP_TOS) };
    // SAFETY: the option's value lives through the call and has the given length.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const class).cast(),
            size_of::<c_int>() as libc::socklen_t,
        )
    };
}

/// A second socket on the port of `first`, for what comes from `peer` and goes there. What comes from others, `first` gets as before.
pub fn connected(first: &UdpSocket, peer: SocketAddr) -> io::Result<UdpSocket> {
    let local = first.local_addr()?;
    let second = Socket::new(Domain::for_address(local), Type::DGRAM.nonblocking().cloexec(), None)?;
    let sockets = [SockRef::from(first), SockRef::from(&second)];
    // Only for the moment of binding, so that no other program can share the port.
    let share = |share| sockets.iter().try_for_each(|socket| socket.set_reuse_port(share));
    share(true)?;
    let bound = second.bind(&local.into());
    share(false)?;
    bound?;
    second.connect(&peer.into())?;
    let second = second.into();
    mark_as_voice(&second, local.is_ipv6());
    Ok(second)
}

/// Waits until one of `fds` has input, at most for `timeout`; says which have.
pub fn poll(fds: &[RawFd], timeout: Duration) -> io::Result<Vec<bool>> {
    let mut polled: Vec<_> =
        fds.iter().map(|&fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }).collect();
    let timeout = timeout.as_millis().min(60_000) as c_int;
    // SAFETY: the array is valid for its length.
    match check(unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout) }) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(polled.iter().map(|polled| polled.revents != 0).collect()),
    }
}

/// Blocks SIGTERM in this thread and those it starts, ignores SIGINT and SIGPIPE; returns a descriptor that has input
/// when SIGTERM came.
pub fn termination() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before use, and all pointers live through their calls.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_IGN);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTERM);
        check(libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()))?;
        let fd = check(libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Lets this process open as many files as it may.
pub fn raise_file_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure lives through both calls.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// Lets this process have at most this, for good: seconds of CPU, bytes of memory, no file beside those that are open, and no dump.
pub fn limit(seconds: u64, memory: u64) {
    let limits = [
        (libc::RLIMIT_CPU, seconds),
        (libc::RLIMIT_AS, memory),
        (libc::RLIMIT_NOFILE, 0),
        (libc::RLIMIT_CORE, 0),
    ];
    for (resource, most) in limits {
        let limit = libc::rlimit { rlim_cur: most as libc::rlim_t, rlim_max: most as libc::rlim_t };
        // SAFETY: the structure lives through the call. Less is always allowed, so there is no error to tell.
        unsafe { libc::setrlimit(resource, &limit) };
    }
}

/// The most calls that [`allow_only`] takes.
const MOST_CALLS: usize = 32;
/// The name of this machine's system calls (linux/audit.h); elsewhere there is no filter.
const AUDIT_ARCH: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0xc000_003e)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else {
    None
};

/// Ends this process at any system call but these (seccomp(2)), for good, and with its parent. False where the system has no
/// such filter.
pub fn allow_only(calls: &[libc::c_long]) -> bool {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IS: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let Some(arch) = AUDIT_ARCH else { return false };
    assert!(calls.len() <= MOST_CALLS, "more system calls than a jump of the filter reaches");
    let kill = libc::sock_filter { code: RETURN, jt: 0, jf: 0, k: libc::SECCOMP_RET_KILL_PROCESS };
    let mut program = [kill; MOST_CALLS + 6];
    // Of `struct seccomp_data`, the architecture is at 4 and the number of the call at 0.
    program[0] = libc::sock_filter { code: LOAD, jt: 0, jf: 0, k: 4 };
    program[1] = libc::sock_filter { code: IS, jt: 1, jf: 0, k: arch };
    program[3] = libc::sock_filter { code: LOAD, jt: 0, jf: 0, k: 0 };
    for (i, call) in calls.iter().enumerate() {
        let allowed = (calls.len() - i) as u8; // over the rest, and over the end for all others
        program[4 + i] = libc::sock_filter { code: IS, jt: allowed, jf: 0, k: *call as u32 };
    }
    program[5 + calls.len()].k = libc::SECCOMP_RET_ALLOW;
    let filter = libc::sock_fprog { len: 6 + calls.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the first two calls take no pointers; of the third, the filter and its program live through it.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter) == 0
    }
}

/// Takes ownership of a descriptor that was handed down by number.
pub fn inherited(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: only asks whether the descriptor is open; the result is checked.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: the descriptor is open, and by the command line it was given to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Random bits from the kernel.
pub fn random() -> u128 {
    let mut bytes = [0u8; 16];
    // SAFETY: the buffer is valid for its length. 16 bytes are never cut short (getrandom(2)).
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    assert_eq!(got, bytes.len() as isize, "the kernel gives no random numbers");
    u128::from_ne_bytes(bytes)
}

/// The process that started this one, or the one that inherited it.
pub fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(port: u16) -> io::Result<UdpSocket> {
        bind((Ipv4Addr::LOCALHOST, port).into())
    }

    #[test]
    fn who_is_told_twice_is_woken_once_and_again_when_told_after_that() {
        let wake = EventFd::new().unwrap();
        let woken = || poll(&[wake.as_fd().as_raw_fd()], Duration::ZERO).unwrap()[0];
        assert!(!woken());
        wake.notify();
        wake.notify();
        assert!(woken());
        wake.drain();
        assert!(!woken());
        wake.notify();
        assert!(woken());
    }

    #[test]
    fn nothing_that_is_told_is_slept_over() {
        let wake = std::sync::Arc::new(EventFd::new().unwrap());
        let (sender, receiver) = std::sync::mpsc::channel();
        let tellers: Vec<_> = (0..3)
            .map(|_| {
                let (sender, wake) = (sender.clone(), wake.clone());
                std::thread::spawn(move || {
                    for n in 0..20_000 {
                        sender.send(n).unwrap();
                        wake.notify();
                    }
                })
            })
            .collect();
        let mut heard = 0;
        while heard < 60_000 {
            assert!(poll(&[wake.as_fd().as_raw_fd()], Duration::from_secs(20)).unwrap()[0], "{heard} heard");
            wake.drain();
            heard += receiver.try_iter().count();
        }
        tellers.into_iter().for_each(|teller| teller.join().unwrap());
    }

    #[test]
    fn a_connected_socket_gets_what_the_peer_sends_and_the_first_one_all_else() {
        let [first, peer, stranger] = [0; 3].map(|port| local(port).unwrap());
        let here = first.local_addr().unwrap();
        let second = connected(&first, peer.local_addr().unwrap()).unwrap();
        let bytes = |socket: &UdpSocket| {
            let mut buffer = [0; 9];
            std::iter::from_fn(|| socket.recv(&mut buffer).ok().map(|_| buffer[0])).collect::<Vec<_>>()
        };
        peer.send_to(&[1], here).unwrap();
        stranger.send_to(&[2], here).unwrap();
        second.send(&[3]).unwrap();
        first.send_to(&[4], stranger.local_addr().unwrap()).unwrap();
        assert_eq!((bytes(&second), bytes(&first)), (vec![1], vec![2]));
        assert_eq!((bytes(&peer), bytes(&stranger)), (vec![3], vec![4]));
        // The peer moves.
        second.connect(stranger.local_addr().unwrap()).unwrap();
        peer.send_to(&[5], here).unwrap();
        stranger.send_to(&[6], here).unwrap();
        assert_eq!((bytes(&second), bytes(&first)), (vec![6], vec![5]));
        assert_eq!(local(here.port()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(second);
        stranger.send_to(&[7], here).unwrap();
        assert_eq!(bytes(&first), [7]);
        connected(&first, peer.local_addr().unwrap()).unwrap();
    }

    #[test]
    fn another_program_that_would_share_the_port_may_not() {
        let first = local(0).unwrap();
        let here = first.local_addr().unwrap();
        let _second = connected(&first, local(0).unwrap().local_addr().unwrap()).unwrap();
        let other = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        other.set_reuse_port(true).unwrap();
        assert_eq!(other.bind(&here.into()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
