//! The thread that reads long sound files, piece by piece as they are heard: an hour costs no more memory than a second.

use crate::log::{Level, log};
use crate::threads;
use media_proto::track::Track;
use serde_json::json;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::sync::mpsc;
use std::thread::JoinHandle;

/// Samples of 8 kHz in a chunk: a quarter of a second.
pub const CHUNK: usize = 2_000;
/// Chunks of one stream that are filled or on their way.
const CHUNKS: usize = 4;

/// A sound file, open.
pub type SoundFile = Track<BufReader<File>>;

/// A piece of a file.
#[derive(Debug)]
pub struct Chunk {
    /// Which order to go somewhere it was read after.
    turn: u32,
    pub narrow: Vec<i16>,
    /// The same at 16 kHz.
    pub wide: Vec<i16>,
    /// Nothing comes behind it: it is the last, or the file cannot be read on.
    end: Option<Result<(), String>>,
}

pub enum Job {
    /// A file that will be heard.
    Open { id: u64, path: String, file: Box<SoundFile>, out: mpsc::Sender<Chunk> },
    /// A chunk that was heard, to be filled again.
    Fill { id: u64, chunk: Chunk },
    /// Read on from here (a sample of 8 kHz).
    Seek { id: u64, turn: u32, to: u64 },
    /// Nobody hears it any more.
    Close { id: u64 },
}

/// Starts the thread; it ends when all senders are gone.
pub fn start() -> io::Result<(mpsc::Sender<Job>, JoinHandle<()>)> {
    let (sender, jobs) = mpsc::channel();
    let thread = threads::spawn("reader", move || {
        let mut files = HashMap::new();
        for job in jobs {
            carry_out(job, &mut files);
        }
    })?;
    Ok((sender, thread))
}

/// A file that is heard.
struct Open {
    path: String,
    file: Box<SoundFile>,
    out: mpsc::Sender<Chunk>,
    turn: u32,
    over: bool,
    /// Empty chunks, for when it goes on behind its end.
    idle: Vec<Chunk>,
}

fn carry_out(job: Job, files: &mut HashMap<u64, Open>) {
    match job {
        Job::Open { id, path, file, out } => {
            let mut open = Open { path, file, out, turn: 0, over: false, idle: Vec::new() };
            for _ in 0..CHUNKS {
                let (narrow, wide) = (Vec::with_capacity(CHUNK), Vec::with_capacity(2 * CHUNK));
                open.fill(Chunk { turn: 0, narrow, wide, end: None });
            }
            files.insert(id, open);
        }
        Job::Fill { id, chunk } => {
            if let Some(open) = files.get_mut(&id) {
                open.fill(chunk);
            }
        }
        Job::Seek { id, turn, to } => {
            if let Some(open) = files.get_mut(&id) {
                open.seek(turn, to);
            }
        }
        Job::Close { id } => {
            files.remove(&id);
        }
    }
}

impl Open {
    fn fill(&mut self, mut chunk: Chunk) {
        if self.over {
            self.idle.push(chunk);
            return;
        }
        chunk.turn = self.turn;
        chunk.narrow.resize(CHUNK, 0);
        chunk.wide.resize(2 * CHUNK, 0);
        let read = self.file.read(&mut chunk.narrow, &mut chunk.wide);
        let count = read.unwrap_or(0);
        chunk.narrow.truncate(count);
        chunk.wide.truncate(2 * count);
        chunk.end = match read {
            Ok(CHUNK) => None,
            Ok(_) => Some(Ok(())),
            Err(error) => Some(Err(self.failed(&error))),
        };
        self.send(chunk);
    }

    fn seek(&mut self, turn: u32, to: u64) {
        (self.turn, self.over) = (turn, false);
        let failed = self.file.seek(to).err().map(|error| self.failed(&error));
        for mut chunk in std::mem::take(&mut self.idle) {
            match &failed {
                None => self.fill(chunk),
                Some(detail) => {
                    chunk.turn = turn;
                    chunk.narrow.clear();
                    chunk.wide.clear();
                    chunk.end = Some(Err(detail.clone()));
                    self.send(chunk);
                }
            }
        }
    }

    fn send(&mut self, chunk: Chunk) {
        self.over = chunk.end.is_some();
        let _ = self.out.send(chunk); // who heard it may be gone, and says so
    }

    fn failed(&self, error: &media_proto::wav::Error) -> String {
        let detail = format!("{} {error}", self.path);
        log(Level::Warning, "file_failed", json!({"detail": detail}));
        detail
    }
}

/// What a listener has of a file that is read for him.
#[derive(Debug)]
pub struct Stream {
    id: u64,
    jobs: mpsc::Sender<Job>,
    chunks: mpsc::Receiver<Chunk>,
    turn: u32,
    /// It is at its beginning.
    fresh: bool,
    current: Option<Chunk>,
    /// Length in samples of 8 kHz.
    length: u64,
}

/// What a stream has for now.
pub enum Ready<'a> {
    Chunk(&'a Chunk),
    /// The disk has not come to it yet.
    NotYet,
    End,
    Failed(&'a str),
}

impl Stream {
    /// Has the file read; the first second of it will soon be there.
    pub fn new(id: u64, path: String, file: Box<SoundFile>, jobs: &mpsc::Sender<Job>) -> Stream {
        let (out, chunks) = mpsc::channel();
        let length = file.length();
        let _ = jobs.send(Job::Open { id, path, file, out }); // fails only at the end of the process
        Stream { id, jobs: jobs.clone(), chunks, turn: 0, fresh: true, current: None, length }
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// What comes next, when `at` samples of the present chunk were heard. True with it: a new chunk begins.
    pub fn ready(&mut self, at: usize) -> (Ready<'_>, bool) {
        let mut begins = false;
        let used = |chunk: &Chunk| at >= chunk.narrow.len() && chunk.end.is_none();
        if self.current.as_ref().is_none_or(used) {
            (begins, self.fresh) = (true, false);
            self.give_back();
            while let Ok(chunk) = self.chunks.try_recv() {
                if chunk.turn == self.turn {
                    self.current = Some(chunk);
                    break;
                }
                let _ = self.jobs.send(Job::Fill { id: self.id, chunk });
            }
        }
        let at = if begins { 0 } else { at };
        let ready = match &self.current {
            None => Ready::NotYet,
            Some(chunk) if at < chunk.narrow.len() => Ready::Chunk(chunk),
            Some(Chunk { end: Some(Err(detail)), .. }) => Ready::Failed(detail),
            Some(Chunk { end: Some(Ok(())), .. }) => Ready::End,
            Some(_) => Ready::NotYet, // an empty chunk is the last
        };
        (ready, begins)
    }

    fn give_back(&mut self) {
        if let Some(chunk) = self.current.take() {
            let _ = self.jobs.send(Job::Fill { id: self.id, chunk });
        }
    }

    /// Goes on at a sample of 8 kHz.
    pub fn seek(&mut self, to: u64) {
        if self.fresh && to == 0 {
            return;
        }
        self.fresh = to == 0;
        self.turn = self.turn.wrapping_add(1);
        let _ = self.jobs.send(Job::Seek { id: self.id, turn: self.turn, to });
        self.give_back();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.jobs.send(Job::Close { id: self.id });
    }
}
