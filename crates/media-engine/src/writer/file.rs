//! The file of a recording, which plays whenever the process ends.

use crate::fault;
use crate::notes::{Recorded, Refused};
use crate::sys;
use crate::wire::{ErrorCode, FileFormat, RecordEnd};
use media_proto::{opus_file, wav};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Samples that are gathered before they go to the disk: half a second of 8 kHz, an eighth of stereo of 16 kHz.
pub const CHUNK: usize = 4000;

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
pub struct Open {
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
    /// Samples that an engine before this one has written; whether they are voice is not known.
    before: u32,
    bytes: Vec<u8>,
    failed: Arc<AtomicBool>,
    /// A fault of ours, and not the disk, keeps it from being written on.
    faulty: bool,
}

impl Open {
    pub fn begin(path: String, form: Form, resume: bool, failed: Arc<AtomicBool>) -> Result<Open, Refused> {
        let fault = format!("{path} cannot be written, by a fault of the engine");
        fault::survive(|| match resume {
            true => Open::again(path, form, failed),
            false => Open::new(path, form, failed),
        })
        .ok_or((ErrorCode::Internal, fault))?
        .map_err(|detail| (ErrorCode::BadFile, detail))
    }

    pub fn new(path: String, form: Form, failed: Arc<AtomicBool>) -> Result<Open, String> {
        fault::work_on(&path);
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
            before: 0,
            bytes,
            failed,
            faulty: false,
        })
    }

    /// A WAV file whose engine is gone, to be gone on with; a new one where there is none yet.
    fn again(path: String, form: Form, failed: Arc<AtomicBool>) -> Result<Open, String> {
        let file = match File::options().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Open::new(path, form, failed),
            opened => opened,
        };
        fault::work_on(&path);
        let mut header = [0; wav::HEADER_LEN];
        let file = file.and_then(|file| file.read_exact_at(&mut header, 0).map(|()| file));
        let file = file.map_err(|error| format!("{path} cannot be gone on with: {error}"))?;
        let ours = wav::header_of(form.rate, form.channels, 0);
        if form.format != FileFormat::Wav || header[8..40] != ours[8..40] {
            return Err(format!(
                "{path} cannot be gone on with: it is not the kind of WAV that is asked for"
            ));
        }
        let length = file.metadata().map_err(|error| format!("{path}: {error}"))?.len();
        let frames = (length - wav::HEADER_LEN as u64) / 2 / u64::from(form.channels);
        let samples = u32::try_from(frames * u64::from(form.channels)).unwrap_or(u32::MAX);
        let mut open = Open {
            file,
            path,
            form,
            opus: None,
            samples,
            length: wav::HEADER_LEN as u64 + 2 * u64::from(samples),
            header_at: 0,
            before: samples,
            bytes: Vec::with_capacity(2 * CHUNK),
            failed,
            faulty: false,
        };
        open.header();
        Ok(open)
    }

    pub fn append(&mut self, samples: &[i16]) {
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        fault::work_on(&self.path);
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

    /// After a fault nothing more is written; what was stays, and plays. The recorder learns of it as of a failing disk.
    pub fn give_up(&mut self) {
        self.faulty = true;
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Makes the file whole. What did not fit on the disk is cut off, and the length told is that of the file.
    pub fn finish(&mut self, done: Recorded) -> Recorded {
        fault::work_on(&self.path);
        match &mut self.opus {
            None => self.header(),
            Some(_) if self.failed.load(Ordering::Relaxed) => {}
            Some(opus) => {
                self.bytes.clear();
                opus.finish(&mut self.bytes);
                self.write();
            }
        }
        let _ = self.file.set_len(self.length);
        self.told(done)
    }

    /// What is told of the file as it is.
    pub fn told(&self, mut done: Recorded) -> Recorded {
        match (self.faulty, self.failed.load(Ordering::Relaxed)) {
            (true, _) => done.reason = RecordEnd::Failed,
            (false, true) => done.reason = RecordEnd::Disk,
            (false, false) => {}
        }
        let per_ms = self.form.rate / 1000 * u32::from(self.form.channels);
        done.ms = self.samples / per_ms;
        done.voiced_ms = (self.before / per_ms + done.voiced_ms).min(done.ms);
        done.path.clone_from(&self.path);
        done
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub const FORM: Form = Form { format: FileFormat::Wav, rate: 8000, channels: 1 };

    pub fn done(path: &str) -> Recorded {
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

    pub fn temporary(name: &str) -> String {
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
    fn a_recording_goes_on_behind_what_an_engine_before_has_written() {
        let path = temporary("again");
        let mut open = Open::new(path.clone(), FORM, Arc::default()).unwrap();
        (0..3).for_each(|_| open.append(&[7; CHUNK]));
        drop(open); // killed: the header tells of two chunks
        let mut open = Open::again(path.clone(), FORM, Arc::default()).unwrap();
        open.append(&[9; CHUNK]);
        let told = open.finish(Recorded { voiced_ms: 100, ..done(&path) });
        assert_eq!((told.ms, told.voiced_ms), (2000, 1600));
        let whole = wav::parse(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(whole, [vec![7; 3 * CHUNK], vec![9; CHUNK]].concat());
        let wide = Form { rate: 16_000, ..FORM };
        assert!(Open::again(path.clone(), wide, Arc::default()).is_err_and(|error| error.contains(&path)));
        assert_eq!(wav::parse(&std::fs::read(&path).unwrap()).unwrap(), whole, "what is there stays");
        std::fs::remove_file(&path).unwrap();
        let mut open = Open::again(path.clone(), FORM, Arc::default()).unwrap();
        open.append(&[1; CHUNK]);
        assert_eq!(open.finish(done(&path)).ms, 500, "there was no file yet");
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
