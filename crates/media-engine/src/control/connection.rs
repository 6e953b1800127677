//! One connection to the command socket: frames in, bytes out.

use crate::wire::MAX_FRAME;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

/// A controller that leaves more than this unread (bytes) is not reading any more.
const MAX_UNREAD: usize = 16 << 20;

pub struct Connection {
    pub stream: UnixStream,
    input: Vec<u8>,
    /// How much of the input was given out as frames.
    given: usize,
    output: Vec<u8>,
    closed: bool,
}

impl Connection {
    /// Takes over a stream that is not blocking.
    pub fn new(stream: UnixStream) -> Connection {
        Connection { stream, input: Vec::new(), given: 0, output: Vec::new(), closed: false }
    }

    /// Reads what has come; [`Connection::next_frame`] gives it piece by piece.
    pub fn fill(&mut self) {
        let mut buffer = [0; 65_536];
        self.input.drain(..std::mem::take(&mut self.given));
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return self.close(),
                Ok(length) => self.input.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.close(),
            }
            if self.input.len() > 2 * MAX_FRAME {
                return;
            }
        }
    }

    /// The content of the next whole frame. One that is too long ends the connection.
    pub fn next_frame(&mut self) -> Option<Vec<u8>> {
        let rest = &self.input[self.given..];
        let head: &[u8; 4] = rest.first_chunk()?;
        let length = u32::from_be_bytes(*head) as usize;
        if length > MAX_FRAME {
            self.close();
            return None;
        }
        let content = rest.get(4..4 + length)?.to_vec();
        self.given += 4 + length;
        Some(content)
    }

    /// Bytes to be sent, to be appended to.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Sends as much as goes without waiting.
    pub fn flush(&mut self) {
        while !self.output.is_empty() && !self.closed {
            match self.stream.write(&self.output) {
                Ok(length) => drop(self.output.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.output.len() > MAX_UNREAD {
                        self.close();
                    }
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.close(),
            }
        }
    }

    /// Whether something waits until the peer reads.
    pub fn is_blocked(&self) -> bool {
        !self.output.is_empty() && !self.closed
    }

    pub fn close(&mut self) {
        self.closed = true;
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_out_of_the_stream_wherever_it_breaks() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut connection = Connection::new(ours);
        theirs.write_all(b"\0\0\0\x02ab\0\0").unwrap();
        connection.fill();
        assert_eq!(connection.next_frame().as_deref(), Some(&b"ab"[..]));
        assert_eq!(connection.next_frame(), None);
        theirs.write_all(b"\0\x01c").unwrap();
        connection.fill();
        assert_eq!(connection.next_frame().as_deref(), Some(&b"c"[..]));
        drop(theirs);
        connection.fill();
        assert!(connection.is_closed());
    }

    #[test]
    fn a_frame_that_is_too_long_ends_the_connection() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut connection = Connection::new(ours);
        theirs.write_all(&[0, 0x10, 0, 1]).unwrap();
        connection.fill();
        assert_eq!(connection.next_frame(), None);
        assert!(connection.is_closed());
    }
}
