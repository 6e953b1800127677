//! Threads that write recordings. Each file has one of its own: a disk that does not answer holds up what is on it, and nothing else.

use crate::fault;
use crate::notes::{Note, NoteSender, Recorded, Refused};
use crate::orders::Token;
use crate::sys;
use crate::threads;
use crate::wire::{ErrorCode, FileFormat, RecordEnd};
use media_proto::{opus_file, wav};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

/// Samples that are gathered before they go to the disk: half a second of 8 kHz, an eighth of stereo of 16 kHz.
pub const CHUNK: usize = 4000;
/// Chunks of a recording that may wait for its disk (8 MB), and chunks of all recordings (64 MB). Beyond that it ends with the reason
/// `disk`.
const ROOM: usize = 1000;
const ROOM_OF_ALL: usize = 8000;

/// Chunks of all recordings that wait for their disks.
#[derive(Clone, Debug, Default)]
pub struct Waiting(Arc<AtomicUsize>);

#[derive(Debug)]
pub enum Job {
    /// The samples come back as an empty chunk.
    Write { samples: Vec<i16>, back: mpsc::Sender<Vec<i16>> },
    /// Completes the file and tells so with [`Note::Recorded`].
    Finish(Recorded),
}

/// The way to a file that is being written.
#[derive(Debug)]
pub struct Writing {
    jobs: mpsc::Sender<Job>,
    /// Set by the thread when the disk failed.
    failed: Arc<AtomicBool>,
    /// The disk is too slow.
    full: bool,
    own: Waiting,
    all: Waiting,
}

/// Makes the file of a recording, or goes on behind what is in it (`resume`), in a thread that ends with the recording. It is
/// answered with [`Note::RecordOpened`]; the last that the thread tells is [`Note::Ended`].
pub fn open(
    token: Token,
    path: String,
    form: Form,
    resume: bool,
    all: &Waiting,
    notes: NoteSender,
) -> io::Result<Writing> {
    let (writing, to_do) = Writing::new(all);
    let (failed, waiting) = (writing.failed.clone(), [writing.own.clone(), all.clone()]);
    threads::spawn("writer", move || {
        let (open, opened) = match Open::begin(path, form, resume, failed) {
            Ok(open) => (Some(open), Ok(())),
            Err(refused) => (None, Err(refused)),
        };
        notes.send(Note::RecordOpened { token, opened });
        if let Some(open) = open {
            write(open, &to_do, &waiting, &notes);
        }
        notes.send(Note::Ended);
    })?;
    Ok(writing)
}

/// Writes a file until it is complete, or nobody has it any more.
fn write(mut open: Open, to_do: &mpsc::Receiver<Job>, waiting: &[Waiting; 2], notes: &NoteSender) {
    for job in to_do {
        match job {
            Job::Write { mut samples, back } => {
                if fault::survive(|| open.append(&samples)).is_none() {
                    open.give_up();
                }
                for waiting in waiting {
                    waiting.0.fetch_sub(1, Ordering::Relaxed);
                }
                samples.clear();
                let _ = back.send(samples); // the worker may have ended
            }
            Job::Finish(done) => {
                let done = fault::survive(|| open.finish(done.clone())).unwrap_or_else(|| {
                    open.give_up();
                    open.told(done)
                });
                notes.send(Note::Recorded(done));
                return;
            }
        }
    }
}

impl Writing {
    /// One that waits to be written, with all that wait.
    pub fn new(all: &Waiting) -> (Writing, mpsc::Receiver<Job>) {
        let (jobs, to_do) = mpsc::channel();
        let (failed, own) = (Arc::default(), Waiting::default());
        (Writing { jobs, failed, full: false, own, all: all.clone() }, to_do)
    }

    /// Has samples written; they come back as an empty chunk. When too much waits already they are lost, and it has failed.
    pub fn write(&mut self, samples: Vec<i16>, back: mpsc::Sender<Vec<i16>>) {
        let waiting = [(&self.own.0, ROOM), (&self.all.0, ROOM_OF_ALL)];
        self.full |= waiting.iter().any(|(waiting, room)| waiting.load(Ordering::Relaxed) >= *room);
        if self.full {
            return;
        }
        for (waiting, _) in waiting {
            waiting.fetch_add(1, Ordering::Relaxed);
        }
        let _ = self.jobs.send(Job::Write { samples, back }); // nobody wants to know of a thread that is gone
    }

    /// Has the file completed, which is told with [`Note::Recorded`].
    pub fn finish(self, done: Recorded) {
        let _ = self.jobs.send(Job::Finish(done));
    }

    /// Whether there is no use in writing more.
    pub fn has_failed(&self) -> bool {
        self.full || self.failed.load(Ordering::Relaxed)
    }
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
    /// Samples that an engine before this one has written; whether they are voice is not known.
    before: u32,
    bytes: Vec<u8>,
    failed: Arc<AtomicBool>,
    /// A fault of ours, and not the disk, keeps it from being written on.
    faulty: bool,
}

impl Open {
    fn begin(path: String, form: Form, resume: bool, failed: Arc<AtomicBool>) -> Result<Open, Refused> {
        let fault = format!("{path} cannot be written, by a fault of the engine");
        fault::survive(|| match resume {
            true => Open::again(path, form, failed),
            false => Open::new(path, form, failed),
        })
        .ok_or((ErrorCode::Internal, fault))?
        .map_err(|detail| (ErrorCode::BadFile, detail))
    }

    fn new(path: String, form: Form, failed: Arc<AtomicBool>) -> Result<Open, String> {
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

    fn append(&mut self, samples: &[i16]) {
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
    fn give_up(&mut self) {
        self.faulty = true;
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Makes the file whole. What did not fit on the disk is cut off, and the length told is that of the file.
    fn finish(&mut self, done: Recorded) -> Recorded {
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
    fn told(&self, mut done: Recorded) -> Recorded {
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

    /// Writes two files, in the first of which there is a fault at `at` (0: its opening), and tells what came of them.
    fn with_a_fault(name: &str, format: FileFormat, at: usize) -> (Vec<Recorded>, [String; 2]) {
        let paths = [temporary(&format!("{name}-{at}-a")), temporary(&format!("{name}-{at}-b"))];
        let (note_sender, notes) = crate::notes::queue().unwrap();
        let (back, backs) = mpsc::channel();
        let all = Waiting::default();
        let mut files = Vec::new();
        for step in 0..4 {
            for (file, path) in paths.iter().enumerate() {
                if file == 0 && step == at {
                    fault::provoked::in_work_on(path);
                }
                if step == 0 {
                    let form = Form { format, ..FORM };
                    let open = open(file as Token, path.clone(), form, false, &all, note_sender.clone());
                    files.push(Some(open.unwrap()));
                    let opened = notes.notes.iter().find(|note| !matches!(note, Note::Ended));
                    let Some(Note::RecordOpened { token, opened }) = opened else { panic!("{opened:?}") };
                    let refused = opened.err().map(|(code, _)| code);
                    let expected = (file == 0 && at == 0).then_some(ErrorCode::Internal);
                    assert_eq!((token, refused), (file as Token, expected));
                } else if step == 3 {
                    files[file].take().unwrap().finish(done(path));
                } else {
                    files[file].as_mut().unwrap().write(vec![7; CHUNK], back.clone());
                    if !(file == 0 && at == 0) {
                        assert!(backs.recv().unwrap().is_empty());
                    }
                }
            }
            let failed = |file: &Option<Writing>| file.as_ref().is_some_and(Writing::has_failed);
            let expected = step < 3 && (1..=step).contains(&at);
            assert_eq!([failed(&files[0]), failed(&files[1])], [expected, false]);
        }
        drop(note_sender); // the last of them ends with the threads
        let done = notes.notes.iter().filter_map(|note| match note {
            Note::Recorded(recorded) => Some(recorded),
            _ => None,
        });
        let mut done: Vec<_> = done.collect();
        done.sort_by(|a, b| a.path.cmp(&b.path));
        (done, paths)
    }

    #[test]
    fn what_waits_for_a_disk_is_bounded_and_is_in_the_file_when_the_disk_moves_again() {
        let path = temporary("slow");
        let (notes, told) = crate::notes::queue().unwrap();
        let (back, _backs) = mpsc::channel();
        let all = Waiting::default();
        let (mut writing, to_do) = Writing::new(&all);
        let fill = |writing: &mut Writing| {
            while !writing.has_failed() {
                writing.write(vec![7; CHUNK], back.clone());
            }
        };
        fill(&mut writing);
        assert_eq!(all.0.load(Ordering::Relaxed), ROOM);
        let (mut other, others) = Writing::new(&all);
        other.write(vec![7; CHUNK], back.clone());
        assert!(!other.has_failed(), "there is room for another disk's");
        all.0.fetch_add(ROOM_OF_ALL - ROOM - 10, Ordering::Relaxed);
        fill(&mut other);
        assert_eq!(others.try_iter().count(), 10);
        let waiting = [writing.own.clone(), all];
        writing.finish(Recorded { reason: RecordEnd::Disk, ..done(&path) });
        let open = Open::new(path.clone(), FORM, Arc::default()).unwrap();
        write(open, &to_do, &waiting, &notes);
        assert_eq!(waiting[0].0.load(Ordering::Relaxed), 0);
        let Ok(Note::Recorded(recorded)) = told.notes.try_recv() else { panic!("it is not told") };
        assert_eq!((recorded.reason, recorded.ms), (RecordEnd::Disk, ROOM as u32 * 500));
        assert_eq!(wav::parse(&std::fs::read(&path).unwrap()).unwrap().len(), ROOM * CHUNK);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_fault_over_one_recording_keeps_what_is_written_and_leaves_the_others_alone() {
        for (at, ms) in [(1, 0), (2, 500), (3, 1000)] {
            let (done, paths) = with_a_fault("fault", FileFormat::Wav, at);
            let told: Vec<_> = done.iter().map(|done| (done.path.as_str(), done.ms, done.reason)).collect();
            assert_eq!(
                told,
                [(&*paths[0], ms, RecordEnd::Failed), (&*paths[1], 1000, RecordEnd::Digit)],
                "{at}"
            );
            let whole = wav::parse(&std::fs::read(&paths[1]).unwrap()).unwrap();
            assert_eq!(whole.len(), 8000);
            if at == 2 {
                assert_eq!(wav::parse(&std::fs::read(&paths[0]).unwrap()), Ok(vec![7; CHUNK]));
            }
            paths.iter().for_each(|path| std::fs::remove_file(path).unwrap());
        }
    }

    #[test]
    fn a_fault_at_the_beginning_of_a_recording_refuses_it() {
        let (done, paths) = with_a_fault("fault-at-first", FileFormat::Opus, 0);
        assert_eq!(done.len(), 1);
        assert_eq!((done[0].path.as_str(), done[0].reason), (&*paths[1], RecordEnd::Digit));
        paths.iter().for_each(|path| drop(std::fs::remove_file(path)));
    }

    #[test]
    fn a_recording_as_opus_that_a_fault_cut_has_no_half_page() {
        let (done, paths) = with_a_fault("fault-opus", FileFormat::Opus, 2);
        assert_eq!((done[0].reason, done[1].reason), (RecordEnd::Failed, RecordEnd::Digit));
        let length = |path: &str| {
            let file = std::io::BufReader::new(File::open(path).unwrap());
            media_proto::track::Track::open(file).unwrap().length()
        };
        assert_eq!(length(&paths[1]), 8000);
        assert!(length(&paths[0]) <= 4000);
        paths.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    }
}
