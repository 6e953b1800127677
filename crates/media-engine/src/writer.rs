//! The thread that writes recordings.

use crate::notes::{Note, NoteSender, Recorded};
use crate::orders::Token;
use crate::threads;
use media_proto::wav;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

/// Samples that are gathered before they go to the disk: half a second.
pub const CHUNK: usize = 4000;
/// The header is made right after this many samples, so that a file cut by a crash plays but for its last second.
const HEADER_EVERY: u32 = 8000;
/// Chunks that may wait for a slow disk (64 MB). Beyond that recordings end with the reason `disk`.
const QUEUE: usize = 8000;

pub enum Job {
    /// Makes the file; answered with [`Note::RecordOpened`].
    Open { token: Token, file: u64, path: String, channels: u16, failed: Arc<AtomicBool> },
    /// The samples come back as an empty chunk.
    Write { file: u64, samples: Vec<i16>, back: mpsc::Sender<Vec<i16>> },
    /// Completes the file and tells so with [`Note::Recorded`].
    Finish { file: u64, done: Recorded },
    /// Ends the thread, with [`Note::Ended`].
    End,
}

/// A way to the writer.
#[derive(Clone)]
pub struct Jobs(pub mpsc::SyncSender<Job>);

/// Starts the thread; it ends after [`Job::End`].
pub fn start(notes: NoteSender) -> io::Result<(Jobs, JoinHandle<()>)> {
    let (jobs, receiver) = mpsc::sync_channel(QUEUE);
    let thread = threads::spawn("writer", move || {
        let mut files = HashMap::new();
        for job in receiver {
            if matches!(job, Job::End) {
                break;
            }
            carry_out(job, &mut files, &notes);
        }
        notes.send(Note::Ended);
    })?;
    Ok((Jobs(jobs), thread))
}

/// A file that is being written.
struct Open {
    file: File,
    path: String,
    channels: u16,
    /// Of all channels together.
    samples: u32,
    header_at: u32,
    bytes: Vec<u8>,
    failed: Arc<AtomicBool>,
}

fn carry_out(job: Job, files: &mut HashMap<u64, Open>, notes: &NoteSender) {
    match job {
        Job::Open { token, file, path, channels, failed } => {
            let opened = Open::new(path, channels, failed).map(|open| {
                files.insert(file, open);
            });
            notes.send(Note::RecordOpened { token, opened });
        }
        Job::Write { file, mut samples, back } => {
            if let Some(open) = files.get_mut(&file) {
                open.append(&samples);
            }
            samples.clear();
            let _ = back.send(samples); // the worker may have ended
        }
        Job::Finish { file, done } => {
            if let Some(mut open) = files.remove(&file) {
                let done = open.finish(done);
                notes.send(Note::Recorded(done));
            }
        }
        Job::End => {}
    }
}

impl Open {
    fn new(path: String, channels: u16, failed: Arc<AtomicBool>) -> Result<Open, String> {
        let file = File::create(&path).and_then(|mut file| {
            file.write_all(&wav::header_of(channels, 0))?;
            Ok(file)
        });
        let file = file.map_err(|error| format!("{path} cannot be written: {error}"))?;
        Ok(Open {
            file,
            path,
            channels,
            samples: 0,
            header_at: 0,
            bytes: Vec::with_capacity(2 * CHUNK),
            failed,
        })
    }

    fn append(&mut self, samples: &[i16]) {
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        self.bytes.clear();
        self.bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        let at = wav::HEADER_LEN as u64 + 2 * u64::from(self.samples);
        if self.file.write_all_at(&self.bytes, at).is_err() {
            self.failed.store(true, Ordering::Relaxed);
            return;
        }
        self.samples += samples.len() as u32;
        if self.samples - self.header_at >= HEADER_EVERY * u32::from(self.channels) {
            self.header();
        }
    }

    fn header(&mut self) {
        self.header_at = self.samples;
        if self.file.write_all_at(&wav::header_of(self.channels, self.samples), 0).is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
    }

    /// Makes the file whole. What did not fit on the disk is cut off, and the length told is that of the file.
    fn finish(&mut self, mut done: Recorded) -> Recorded {
        self.header();
        let _ = self.file.set_len(wav::HEADER_LEN as u64 + 2 * u64::from(self.samples));
        if self.failed.load(Ordering::Relaxed) {
            done.reason = crate::wire::RecordEnd::Disk;
        }
        done.ms = self.samples / 8 / u32::from(self.channels);
        done.voiced_ms = done.voiced_ms.min(done.ms);
        done.path.clone_from(&self.path);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::RecordEnd;

    fn done(path: &str) -> Recorded {
        Recorded {
            session: "s".into(),
            record: "r".into(),
            path: path.into(),
            ms: 9_999,
            voiced_ms: 9_999,
            reason: RecordEnd::Digit,
            digit: Some('#'),
        }
    }

    fn temporary(name: &str) -> String {
        let path = std::env::temp_dir().join(format!("tongdai-writer-{name}-{}.wav", std::process::id()));
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn the_file_is_whole_at_every_second_and_at_the_end() {
        let path = temporary("whole");
        let mut open = Open::new(path.clone(), 1, Arc::default()).unwrap();
        for _ in 0..3 {
            open.append(&[7; CHUNK]);
        }
        let cut = std::fs::read(&path).unwrap();
        assert_eq!(u32::from_le_bytes(cut[40..44].try_into().unwrap()), 2 * 8000);
        let told = open.finish(done(&path));
        assert_eq!((told.ms, told.voiced_ms, told.reason), (1500, 1500, RecordEnd::Digit));
        assert_eq!(wav::parse(&std::fs::read(&path).unwrap()), Ok(vec![7; 3 * CHUNK]));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn when_the_disk_fails_what_was_written_is_told_and_the_recorder_learns_of_it() {
        let path = temporary("failing");
        let failed = Arc::new(AtomicBool::new(false));
        let mut open = Open::new(path.clone(), 1, failed.clone()).unwrap();
        open.append(&[7; CHUNK]);
        open.file = File::open(&path).unwrap(); // cannot be written to
        open.append(&[7; CHUNK]);
        assert!(failed.load(Ordering::Relaxed));
        let told = open.finish(done(&path));
        assert_eq!((told.ms, told.reason), (500, RecordEnd::Disk));
        std::fs::remove_file(path).unwrap();
    }
}
