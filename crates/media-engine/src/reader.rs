//! The thread that reads long sound files, piece by piece as they are heard: an hour costs no more memory than a second.

use crate::fault;
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
    let (sender, jobs) = mpsc::channel::<Job>();
    let thread = threads::spawn("reader", move || {
        let mut files = HashMap::new();
        for job in jobs {
            let id = job.id();
            if fault::survive(|| carry_out(job, &mut files)).is_none() {
                give_up(id, &mut files);
            }
        }
    })?;
    Ok((sender, thread))
}

impl Job {
    fn id(&self) -> u64 {
        match *self {
            Job::Open { id, .. } | Job::Fill { id, .. } | Job::Seek { id, .. } | Job::Close { id } => id,
        }
    }
}

/// Ends a file that a fault of ours keeps from being read on, for who hears it and nobody else.
fn give_up(id: u64, files: &mut HashMap<u64, Open>) {
    if let Some(mut open) = files.remove(&id) {
        let detail = format!("{} cannot be read on, by a fault of the engine", open.path);
        let (turn, end) = (open.turn, Some(Err(detail)));
        open.send(Chunk { turn, narrow: Vec::new(), wide: Vec::new(), end });
    }
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
            let open = Open { path, file, out, turn: 0, over: false, idle: Vec::new() };
            let open = files.entry(id).insert_entry(open).into_mut();
            for _ in 0..CHUNKS {
                let (narrow, wide) = (Vec::with_capacity(CHUNK), Vec::with_capacity(2 * CHUNK));
                open.fill(Chunk { turn: 0, narrow, wide, end: None });
            }
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
        fault::work_on(&self.path);
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

#[cfg(test)]
mod tests {
    use super::*;
    use media_proto::wav;
    use std::time::Duration;

    /// Waits for what a stream has next.
    fn hear(stream: &mut Stream) -> Result<usize, String> {
        for _ in 0..1_000 {
            match stream.ready(CHUNK).0 {
                Ready::Chunk(chunk) => return Ok(chunk.narrow.len()),
                Ready::Failed(detail) => return Err(detail.to_owned()),
                Ready::End => return Ok(0),
                Ready::NotYet => crate::sys::pause(Duration::from_millis(10)),
            }
        }
        panic!("nothing came of the file");
    }

    #[test]
    fn a_fault_over_one_file_ends_it_and_the_others_are_read_on() {
        let path = std::env::temp_dir().join(format!("tongdai-reader-{}.wav", std::process::id()));
        let faulty = path.with_extension("faulty.wav");
        let mut file = wav::header(5 * CHUNK as u32).to_vec();
        file.resize(file.len() + 10 * CHUNK, 0);
        let (jobs, thread) = start().unwrap();
        let stream = |path: &std::path::Path, id| {
            std::fs::write(path, &file).unwrap();
            let track = Track::open(BufReader::new(File::open(path).unwrap())).unwrap();
            let path = path.to_str().unwrap().to_owned();
            Stream::new(id, path, Box::new(track), &jobs)
        };
        let mut good = stream(&path, 1);
        // At the first chunk, and at a later one.
        fault::provoked::in_work_on(faulty.to_str().unwrap());
        let mut first = stream(&faulty, 2);
        assert!(hear(&mut first).unwrap_err().contains("by a fault of the engine"));
        let mut later = stream(&faulty, 3);
        assert_eq!(hear(&mut later), Ok(CHUNK));
        fault::provoked::in_work_on(faulty.to_str().unwrap());
        let heard = (0..4).map(|_| hear(&mut later)).find(Result::is_err);
        assert!(heard.unwrap().unwrap_err().contains("by a fault of the engine"));
        assert!((0..5).all(|_| hear(&mut good) == Ok(CHUNK)));
        assert_eq!(hear(&mut good), Ok(0));
        drop((good, first, later, jobs));
        thread.join().unwrap();
        std::fs::remove_file(path).unwrap();
        std::fs::remove_file(faulty).unwrap();
    }
}
