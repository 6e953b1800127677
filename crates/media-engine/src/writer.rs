//! The thread that writes recordings.

use crate::notes::{Note, NoteSender, Recorded};
use crate::orders::Token;
use crate::sys;
use crate::threads;
use crate::wire::{FileFormat, RecordEnd};
use media_proto::{opus_file, wav};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

/// Samples that are gathered before they go to the disk: half a second of 8 kHz, an eighth of stereo of 16 kHz.
pub const CHUNK: usize = 4000;
/// Chunks that may wait for a slow disk (64 MB). Beyond that recordings end with the reason `disk`.
const QUEUE: usize = 8000;

pub enum Job {
    /// Makes the file; answered with [`Note::RecordOpened`].
    Open { token: Token, file: u64, path: String, form: Form, failed: Arc<AtomicBool> },
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

/// What a file holds.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub format: FileFormat,
    /// 8000 or 16,000 Hz.
    pub rate: u32,
    /// One or two.
    pub channels: u16,
}

/// A file that is being written.
struct Open {
    file: File,
    path: String,
    form: Form,
    /// Makes the pages of an Opus file.
    opus: Option<opus_file::Writer>,
    /// Of all channels together, those that are in the file.
    samples: u32,
    /// Bytes in the file.
    length: u64,
    header_at: u32,
    bytes: Vec<u8>,
    failed: Arc<AtomicBool>,
}

fn carry_out(job: Job, files: &mut HashMap<u64, Open>, notes: &NoteSender) {
    match job {
        Job::Open { token, file, path, form, failed } => {
            let opened = Open::new(path, form, failed).map(|open| {
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
    fn new(path: String, form: Form, failed: Arc<AtomicBool>) -> Result<Open, String> {
        let mut bytes = Vec::with_capacity(2 * CHUNK);
        let opus = match form.format {
            FileFormat::Wav => {
                bytes.extend(wav::header_of(form.rate, form.channels, 0));
                None
            }
            FileFormat::Opus => {
                let serial = sys::random() as u32;
                let writer = opus_file::Writer::new(serial, form.channels, form.rate, &mut bytes);
                Some(writer.ok_or_else(|| format!("{path} cannot be written: no memory for an encoder"))?)
            }
        };
        let file = File::create(&path).and_then(|file| file.write_all_at(&bytes, 0).map(|()| file));
        let file = file.map_err(|error| format!("{path} cannot be written: {error}"))?;
        Ok(Open {
            file,
            path,
            form,
            opus,
            samples: 0,
            length: bytes.len() as u64,
            header_at: 0,
            bytes,
            failed,
        })
    }

    fn append(&mut self, samples: &[i16]) {
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        self.bytes.clear();
        match &mut self.opus {
            None => self.bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes())),
            Some(opus) => opus.push(samples, &mut self.bytes),
        }
        if self.write() {
            self.samples += samples.len() as u32;
            // A file cut by a crash plays but for its last second.
            if self.opus.is_none()
                && self.samples - self.header_at >= self.form.rate * u32::from(self.form.channels)
            {
                self.header();
            }
        }
    }

    /// Puts what was made behind the file; false when the disk failed.
    fn write(&mut self) -> bool {
        let written = self.file.write_all_at(&self.bytes, self.length).is_ok();
        if written {
            self.length += self.bytes.len() as u64;
        } else {
            self.failed.store(true, Ordering::Relaxed);
        }
        written
    }

    fn header(&mut self) {
        self.header_at = self.samples;
        let header = wav::header_of(self.form.rate, self.form.channels, self.samples);
        if self.file.write_all_at(&header, 0).is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
    }

    /// Makes the file whole. What did not fit on the disk is cut off, and the length told is that of the file.
    fn finish(&mut self, mut done: Recorded) -> Recorded {
        match &mut self.opus {
            None => self.header(),
            Some(opus) => {
                self.bytes.clear();
                opus.finish(&mut self.bytes);
                if !self.failed.load(Ordering::Relaxed) {
                    self.write();
                }
            }
        }
        let _ = self.file.set_len(self.length);
        if self.failed.load(Ordering::Relaxed) {
            done.reason = RecordEnd::Disk;
        }
        let per_ms = self.form.rate / 1000 * u32::from(self.form.channels);
        done.ms = self.samples / per_ms;
        done.voiced_ms = done.voiced_ms.min(done.ms);
        done.path.clone_from(&self.path);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form { format: FileFormat::Wav, rate: 8000, channels: 1 };

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
        let mut open = Open::new(path.clone(), FORM, Arc::default()).unwrap();
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
        let mut open = Open::new(path.clone(), FORM, failed.clone()).unwrap();
        open.append(&[7; CHUNK]);
        open.file = File::open(&path).unwrap(); // cannot be written to
        open.append(&[7; CHUNK]);
        assert!(failed.load(Ordering::Relaxed));
        let told = open.finish(done(&path));
        assert_eq!((told.ms, told.reason), (500, RecordEnd::Disk));
        std::fs::remove_file(path).unwrap();
    }
}
