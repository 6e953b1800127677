//! The supervisor's hold on this process: it is connected as long as it lives, and the next one connects anew.

use crate::clock;
use crate::sys;
use media_proto::{Micros, SECOND};
use serde_json::json;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

/// What a supervisor says when another engine has taken the place of this one.
const RETIRE: &[u8] = b"retire";

pub struct Lifeline {
    listener: UnixListener,
    supervisor: Option<UnixStream>,
    /// Since when there is no supervisor.
    alone_since: Micros,
    patience: Micros,
    retired: bool,
}

impl Lifeline {
    /// `fd` is a listening Unix socket that the supervisor handed down; `seconds` is how long it may be away.
    pub fn inherit(fd: RawFd, seconds: u64) -> io::Result<Self> {
        let listener = UnixListener::from(sys::inherited(fd)?);
        listener.set_nonblocking(true)?;
        let patience = seconds * SECOND;
        Ok(Self { listener, supervisor: None, alone_since: clock::now(), patience, retired: false })
    }

    /// What to wait for: a new supervisor, and the end of this one.
    pub fn fds(&self) -> [RawFd; 2] {
        [self.listener.as_raw_fd(), self.supervisor.as_ref().map_or(-1, AsRawFd::as_raw_fd)]
    }

    /// Sees who came and who went. A supervisor is told who we are, and may say that we are to retire.
    pub fn look(&mut self) {
        match self.supervisor.as_mut().map(said) {
            Some(Said::Retire) => self.retired = true,
            Some(Said::Goodbye) => {
                self.supervisor = None;
                self.alone_since = clock::now();
            }
            Some(Said::Nothing) | None => {}
        }
        while let Ok((mut stream, _)) = self.listener.accept() {
            let greeting = json!({"pid": std::process::id(), "ready": true}).to_string();
            if stream.set_nonblocking(true).and_then(|()| stream.write_all(greeting.as_bytes())).is_ok() {
                self.supervisor = Some(stream);
            }
        }
    }

    /// Whether to end with the last session: no more are to be opened here.
    pub fn is_retired(&self) -> bool {
        self.retired
    }

    /// Whether nobody will come any more.
    pub fn is_over(&self, now: Micros) -> bool {
        self.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// When it is over if nobody comes; None while there is a supervisor.
    pub fn deadline(&self) -> Option<Micros> {
        self.supervisor.is_none().then(|| self.alone_since + self.patience)
    }
}

enum Said {
    Nothing,
    Retire,
    Goodbye,
}

fn said(stream: &mut UnixStream) -> Said {
    let mut words = [0u8; 64];
    match stream.read(&mut words) {
        Ok(0) => Said::Goodbye,
        Ok(count) if words[..count].windows(RETIRE.len()).any(|word| word == RETIRE) => Said::Retire,
        Ok(_) => Said::Nothing,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Said::Nothing,
        Err(_) => Said::Goodbye,
    }
}
