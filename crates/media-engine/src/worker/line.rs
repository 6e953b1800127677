//! A second socket on a stream's port, connected to its peer.
//!
//! The kernel finds the way to a connected peer once and not for each packet, which saves a seventh of what a relay costs. The first
//! socket stays as it is and gets what comes from anybody else: strangers are counted, and a peer that moves is found, as ever.

use super::session::Session;
use super::world::World;
use crate::orders::Slot;
use crate::sys;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

/// A session's sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Rtp,
    Rtcp,
    Line,
}

impl Door {
    /// The name that a socket is watched under.
    pub fn token(self, slot: Slot) -> u64 {
        u64::from(slot) * 4 + self as u64
    }

    /// The socket of a name.
    pub fn of(token: u64) -> (Slot, Door) {
        let door = match token % 4 {
            0 => Door::Rtp,
            1 => Door::Rtcp,
            _ => Door::Line,
        };
        ((token / 4) as Slot, door)
    }
}

/// The second socket, once there is a peer that it could be connected to.
#[derive(Default)]
pub struct Line {
    pub socket: Option<UdpSocket>,
    /// Whom it is connected to, or was to be.
    peer: Option<SocketAddr>,
}

impl World {
    /// Connects a stream to the source that it latched to, if it is not yet. Without a line (there may be no descriptor left)
    /// all goes on through the first socket.
    pub fn connect(&mut self, slot: Slot) {
        let Some(session) = self.sessions.get_mut(slot as usize).and_then(Option::as_deref_mut) else {
            return;
        };
        let Some(peer) = session.latch.source().filter(|source| session.line.peer != Some(*source)) else {
            return;
        };
        session.line.peer = Some(peer);
        let socket = match session.line.socket.take() {
            Some(socket) => socket.connect(peer).map(|()| socket),
            None => sys::connected(&session.sockets.rtp, peer).and_then(|socket| {
                self.epoll.add(socket.as_fd(), Door::Line.token(slot))?;
                Ok(socket)
            }),
        };
        session.line.socket = socket.ok();
    }
}

impl Session {
    /// Sends a datagram from the stream's port.
    pub fn send_datagram(&self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        match &self.line.socket {
            // An error that a datagram before it caused (ICMP) is told once, and this one is not sent.
            Some(line) if self.line.peer == Some(to) => match line.send(datagram) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => line.send(datagram),
                sent => sent,
            },
            _ => self.sockets.rtp.send_to(datagram, to),
        }
    }
}
