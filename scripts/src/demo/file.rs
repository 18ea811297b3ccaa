//! Files of the demo: generates, hashes and copies them in constant memory.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

/// Writes a file of `bytes` incompressible bytes: SHA-256 of a counter.
pub(super) fn generate(path: &Path, bytes: u64) -> Result<()> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    for counter in 0..bytes / 32 {
        out.write_all(&Sha256::digest(counter.to_le_bytes()))?;
    }
    out.flush().context("writing the generated file")
}

/// The size of a file in bytes, and its SHA-256 in hexadecimal digits.
pub(super) fn size_and_hash(path: &Path) -> Result<(u64, String)> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size: u64 = 0;
    loop {
        let read = file
            .read(&mut buffer)
            .with_context(|| format!("reading {}", path.display()))?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else {
            return Ok((size, hex::encode(hasher.finalize())));
        };
        hasher.update(chunk);
        size += u64::try_from(read)?;
    }
}

/// Copies a folder recursively.
pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{copy_tree, generate, size_and_hash};

    #[test]
    fn generates_the_same_file_every_time() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        generate(&a, 64 * 1024).unwrap();
        generate(&b, 64 * 1024).unwrap();
        let (size, hash) = size_and_hash(&a).unwrap();
        assert_eq!((size, &hash), (64 * 1024, &size_and_hash(&b).unwrap().1));
    }

    #[test]
    fn hashes_the_empty_file_and_refuses_a_missing_one() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        let (size, hash) = size_and_hash(&empty).unwrap();
        assert_eq!(size, 0);
        assert!(hash.starts_with("e3b0c44298fc1c14"));
        assert!(size_and_hash(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn copies_folders_with_all_below_them() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        std::fs::create_dir_all(from.join("inner")).unwrap();
        std::fs::write(from.join("inner/file"), "x").unwrap();
        copy_tree(&from, &folder.path().join("to")).unwrap();
        assert_eq!(
            std::fs::read(folder.path().join("to/inner/file")).unwrap(),
            b"x"
        );
    }
}
