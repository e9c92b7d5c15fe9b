//! What the machine could do at best: the physical limit beside a figure of the same run.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};

/// How long each is measured.
const TIME: Duration = Duration::from_secs(2);

/// Appends and syncs of one page a second on the disk of `directory`.
pub fn syncs_per_second(directory: &Path) -> anyhow::Result<f64> {
    let mut file = File::create(directory.join("syncs"))?;
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < TIME {
        file.write_all(&[0xA5; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

/// argon2id hashes a second, on `threads` threads with memory of their own.
pub fn hashes_per_second(threads: usize, memory_kib: u32, iterations: u32) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            std::thread::spawn(move || -> anyhow::Result<u32> {
                let params = Params::new(memory_kib, iterations, 1, Some(32));
                let params = params.map_err(|error| anyhow::anyhow!("{error}"))?;
                let mut memory = vec![Block::new(); params.block_count()];
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                let mut digest = [0; 32];
                let mut count = 0;
                while begun.elapsed() < TIME {
                    argon2
                        .hash_password_into_with_memory(b"4711", &[7; 16], &mut digest, &mut memory)
                        .map_err(|error| anyhow::anyhow!("{error}"))?;
                    count += 1;
                }
                Ok(count)
            })
        })
        .collect();
    let mut hashes = 0;
    for worker in workers {
        hashes += worker.join().map_err(|_| anyhow::anyhow!("a hash panicked"))??;
    }
    Ok(f64::from(hashes) / begun.elapsed().as_secs_f64())
}
