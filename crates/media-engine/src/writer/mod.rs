//! Threads that write recordings. Each file has one of its own: a disk that does not answer holds up what is on it, and nothing else.

mod file;

use crate::fault;
use crate::notes::{Note, NoteSender, Recorded};
use crate::orders::Token;
use crate::threads;
use file::Open;
pub use file::{CHUNK, Form};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

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

#[cfg(test)]
mod tests {
    use super::file::tests::{FORM, done, temporary};
    use super::*;
    use crate::wire::{ErrorCode, FileFormat, RecordEnd};
    use media_proto::wav;
    use std::fs::File;

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
