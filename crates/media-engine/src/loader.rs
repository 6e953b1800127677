//! The thread that reads sound files, and what it keeps of them.

use crate::fault;
use crate::notes::{Note, NoteSender, Refused};
use crate::orders::Token;
use crate::playlist::Piece;
use crate::reader::{self, SoundFile, Stream};
use crate::threads;
use crate::wire::ErrorCode;
use media_proto::SAMPLE_RATE;
use media_proto::sound::Sound;
use media_proto::track::Track;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::SystemTime;

/// Sound that is kept for the next time, in bytes (about 23 minutes).
const CACHE_BYTES: usize = 64 << 20;
/// What is longer than this, in samples, is not kept in memory: it is read as it is heard.
const SHORT: u64 = 60 * SAMPLE_RATE as u64;
/// The longest music, which is kept in memory for all who hear it: ten minutes.
const LONGEST_LOOP: u64 = 600 * SAMPLE_RATE as u64;

/// Files to load for one command.
pub struct Request {
    pub token: Token,
    pub files: Vec<String>,
    /// All who hear it hear the same: it is in memory, however long.
    pub shared: bool,
}

/// Starts the thread. It answers every request with a [`Note::Loaded`] and ends when the sender is dropped.
pub fn start(
    notes: NoteSender,
    reader: mpsc::Sender<reader::Job>,
) -> io::Result<(mpsc::Sender<Request>, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel::<Request>();
    let thread = threads::spawn("loader", move || {
        let (mut cache, mut streams) = (Cache::new(CACHE_BYTES), 0);
        for Request { token, files, shared } in receiver {
            let mut load = |path: &String| {
                let loaded = fault::survive(|| cache.load(Path::new(path), shared)).unwrap_or_else(|| {
                    cache = Cache::new(CACHE_BYTES);
                    Err((ErrorCode::Internal, format!("{path} cannot be read, by a fault of the engine")))
                });
                Ok(match loaded? {
                    Loaded::Sound(sound) => Piece::Sound(sound),
                    Loaded::Long(file) => {
                        streams += 1;
                        Piece::Stream(Box::new(Stream::new(streams, path.clone(), file, &reader)))
                    }
                })
            };
            let pieces = files.iter().map(&mut load).collect();
            notes.send(Note::Loaded { token, pieces });
        }
    })?;
    Ok((sender, thread))
}

/// A file that can be played.
enum Loaded {
    Sound(Arc<Sound>),
    Long(Box<SoundFile>),
}

/// Sounds by path, as long as the file is the same; the least recently used go first.
struct Cache {
    sounds: HashMap<PathBuf, Kept>,
    capacity: usize,
    bytes: usize,
    uses: u64,
}

struct Kept {
    sound: Arc<Sound>,
    stamp: Stamp,
    used: u64,
}

/// A file that has the same stamp is the same file.
type Stamp = (Option<SystemTime>, u64);

impl Cache {
    fn new(capacity: usize) -> Cache {
        Cache { sounds: HashMap::new(), capacity, bytes: 0, uses: 0 }
    }

    fn load(&mut self, path: &Path, shared: bool) -> Result<Loaded, Refused> {
        self.read(path, shared).map_err(|detail| (ErrorCode::BadFile, detail))
    }

    fn read(&mut self, path: &Path, shared: bool) -> Result<Loaded, String> {
        fault::work_on(&path.to_string_lossy());
        let problem = |error: io::Error| format!("{} cannot be read: {error}", path.display());
        let metadata = std::fs::metadata(path).map_err(problem)?;
        let stamp = (metadata.modified().ok(), metadata.len());
        self.uses += 1;
        if let Some(kept) = self.sounds.get_mut(path) {
            if kept.stamp == stamp {
                kept.used = self.uses;
                return Ok(Loaded::Sound(kept.sound.clone()));
            }
            self.forget(path);
        }
        if !metadata.is_file() {
            return Err(format!("{} is not a file", path.display()));
        }
        let wrong = |error| format!("{} {error}", path.display());
        let file = BufReader::new(File::open(path).map_err(problem)?);
        let track = Track::open(file).map_err(wrong)?;
        if shared && track.length() > LONGEST_LOOP {
            return Err(format!(
                "{} is longer than ten minutes; use a shorter piece of music",
                path.display()
            ));
        }
        if !shared && track.length() > SHORT {
            return Ok(Loaded::Long(Box::new(track)));
        }
        let sound = Arc::new(track.whole().map_err(wrong)?);
        self.keep(path, Kept { sound: sound.clone(), stamp, used: self.uses });
        Ok(Loaded::Sound(sound))
    }

    fn keep(&mut self, path: &Path, kept: Kept) {
        let size = kept.sound.bytes();
        if size > self.capacity / 2 {
            return;
        }
        while self.bytes + size > self.capacity {
            let oldest = self.sounds.iter().min_by_key(|(_, kept)| kept.used).map(|(path, _)| path.clone());
            let Some(oldest) = oldest else { break };
            self.forget(&oldest);
        }
        self.bytes += size;
        self.sounds.insert(path.to_owned(), kept);
    }

    fn forget(&mut self, path: &Path) {
        if let Some(kept) = self.sounds.remove(path) {
            self.bytes -= kept.sound.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_proto::wav;

    fn load(cache: &mut Cache, path: &Path) -> Result<Arc<Sound>, String> {
        match cache.read(path, false)? {
            Loaded::Sound(sound) => Ok(sound),
            Loaded::Long(_) => Err("is long".into()),
        }
    }

    fn write(path: &Path, samples: &[i16]) {
        let mut file = wav::header(samples.len() as u32).to_vec();
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        std::fs::write(path, file).unwrap();
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tongdai-loader-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_is_read_once_until_it_changes() {
        let folder = folder("once");
        let path = folder.join("a.wav");
        write(&path, &[1, 2, 3]);
        let mut cache = Cache::new(1500);
        let first = load(&mut cache, &path).unwrap();
        assert!(Arc::ptr_eq(&first, &load(&mut cache, &path).unwrap()));
        write(&path, &[1, 2, 3, 4]);
        assert_eq!(load(&mut cache, &path).unwrap().len(), 4);
        std::fs::remove_file(&path).unwrap();
        assert!(load(&mut cache, &path).unwrap_err().contains("cannot be read"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_least_recently_used_goes() {
        let folder = folder("bounded");
        let mut cache = Cache::new(1500);
        let paths: Vec<_> = (0..3).map(|i| folder.join(format!("{i}.wav"))).collect();
        for path in &paths {
            write(path, &[0; 100]);
        }
        let first = load(&mut cache, &paths[0]).unwrap();
        load(&mut cache, &paths[1]).unwrap();
        load(&mut cache, &paths[0]).unwrap();
        load(&mut cache, &paths[2]).unwrap();
        assert!(cache.bytes <= 1500);
        assert!(Arc::ptr_eq(&first, &load(&mut cache, &paths[0]).unwrap()));
        assert!(!cache.sounds.contains_key(&paths[1]));
        write(&paths[1], &[0; 1000]);
        load(&mut cache, &paths[1]).unwrap();
        assert!(cache.bytes <= 1500);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_long_is_not_kept_unless_all_share_it() {
        let folder = folder("long");
        let path = folder.join("long.wav");
        write(&path, &vec![100; 61 * 8000]);
        let mut cache = Cache::new(CACHE_BYTES);
        assert!(matches!(cache.load(&path, false), Ok(Loaded::Long(_))));
        assert!(matches!(cache.load(&path, true), Ok(Loaded::Sound(_))));
        write(&path, &vec![100; 601 * 8000]);
        assert!(cache.read(&path, true).is_err_and(|detail| detail.contains("shorter")));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_fault_over_one_file_fails_its_request_and_the_next_one_is_served() {
        let folder = folder("fault");
        let path = folder.join("a.wav");
        write(&path, &[1; 100]);
        let (note_sender, notes) = crate::notes::queue().unwrap();
        let (reader, _reader) = reader::start().unwrap();
        let (loader, thread) = start(note_sender, reader).unwrap();
        let file = path.to_str().unwrap().to_owned();
        fault::provoked::in_work_on(&file);
        for token in 0..2 {
            loader.send(Request { token, files: vec![file.clone()], shared: false }).unwrap();
        }
        let next = || match notes.notes.recv() {
            Ok(Note::Loaded { token, pieces }) => (token, pieces),
            other => panic!("{other:?}"),
        };
        let (first, second) = (next(), next());
        assert!(matches!(&first, (0, Err((ErrorCode::Internal, detail))) if detail.contains(&file)));
        assert!(matches!(second, (1, Ok(pieces)) if pieces.len() == 1));
        drop(loader);
        thread.join().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
