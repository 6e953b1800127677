//! The thread that reads sound files, and what it keeps of them.

use crate::notes::{Note, NoteSender};
use crate::orders::Token;
use crate::threads;
use media_proto::sound::Sound;
use media_proto::wav;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::SystemTime;

/// Sound that is kept for the next time, in bytes (about 35 minutes).
const CACHE_BYTES: usize = 64 << 20;
/// No file larger than the longest sound with some room for other chunks is read.
const MAX_FILE: u64 = (wav::MAX_SAMPLES * 2 + (1 << 20)) as u64;

/// Files to load for one command.
pub struct Request {
    pub token: Token,
    pub files: Vec<String>,
}

/// Starts the thread. It answers every request with a [`Note::Loaded`] and ends when the sender is dropped.
pub fn start(notes: NoteSender) -> io::Result<(mpsc::Sender<Request>, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel::<Request>();
    let thread = threads::spawn("loader", move || {
        let mut cache = Cache::new(CACHE_BYTES);
        for Request { token, files } in receiver {
            let sounds = files.iter().map(|file| cache.load(Path::new(file))).collect();
            notes.send(Note::Loaded { token, sounds });
        }
    })?;
    Ok((sender, thread))
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

    fn load(&mut self, path: &Path) -> Result<Arc<Sound>, String> {
        let problem = |error: io::Error| format!("{} cannot be read: {error}", path.display());
        let metadata = std::fs::metadata(path).map_err(problem)?;
        let stamp = (metadata.modified().ok(), metadata.len());
        self.uses += 1;
        if let Some(kept) = self.sounds.get_mut(path) {
            if kept.stamp == stamp {
                kept.used = self.uses;
                return Ok(kept.sound.clone());
            }
            self.forget(path);
        }
        if !metadata.is_file() {
            return Err(format!("{} is not a file", path.display()));
        }
        if metadata.len() > MAX_FILE {
            return Err(format!("{} {}", path.display(), wav::Error::TooLong));
        }
        let file = std::fs::read(path).map_err(problem)?;
        let samples = wav::parse(&file).map_err(|error| format!("{} {error}", path.display()))?;
        let sound = Arc::new(Sound::new(samples));
        self.keep(path, Kept { sound: sound.clone(), stamp, used: self.uses });
        Ok(sound)
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
        let mut cache = Cache::new(1000);
        let first = cache.load(&path).unwrap();
        assert!(Arc::ptr_eq(&first, &cache.load(&path).unwrap()));
        write(&path, &[1, 2, 3, 4]);
        assert_eq!(cache.load(&path).unwrap().len(), 4);
        std::fs::remove_file(&path).unwrap();
        assert!(cache.load(&path).unwrap_err().contains("cannot be read"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_least_recently_used_goes() {
        let folder = folder("bounded");
        let mut cache = Cache::new(1000);
        let paths: Vec<_> = (0..3).map(|i| folder.join(format!("{i}.wav"))).collect();
        for path in &paths {
            write(path, &[0; 100]);
        }
        let first = cache.load(&paths[0]).unwrap();
        cache.load(&paths[1]).unwrap();
        cache.load(&paths[0]).unwrap();
        cache.load(&paths[2]).unwrap();
        assert!(cache.bytes <= 1000);
        assert!(Arc::ptr_eq(&first, &cache.load(&paths[0]).unwrap()));
        assert!(!cache.sounds.contains_key(&paths[1]));
        write(&paths[1], &[0; 1000]);
        cache.load(&paths[1]).unwrap();
        assert!(cache.bytes <= 1000);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
