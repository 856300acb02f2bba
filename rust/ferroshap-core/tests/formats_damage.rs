//! Hostile files: no panic, bounded memory, linear time.
//!
//! The memory is counted by the allocator of this test binary, for each thread on its own.

#[path = "../fuzz/laws.rs"]
mod laws;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use ferroshap_core::formats::read;

struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    NOW.set(NOW.get() + bytes);
    PEAK.set(PEAK.get().max(NOW.get()));
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting allocates nothing. Growing is not
// overridden, so it counts as what it is at worst: the old and the new block at once.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most memory that reading may take: 16 bytes for a byte of file, and 64 MB.
fn bound(bytes: &[u8]) -> isize {
    16 * bytes.len() as isize + (64 << 20)
}

/// Reads and gives the peak of memory above what was there before, and the time.
fn measured(bytes: &[u8]) -> (isize, Duration) {
    let (before, start) = (NOW.get(), Instant::now());
    PEAK.set(before);
    let outcome = read(bytes);
    let spent = start.elapsed();
    drop(outcome);
    (PEAK.get() - before, spent)
}

#[test]
fn hostile_files_stay_within_the_bounds() {
    const SIZE: usize = 16 << 20;
    let fill = |head: &str, unit: &str, tail: &str| {
        let mut bytes = head.as_bytes().to_vec();
        while bytes.len() < SIZE {
            bytes.extend_from_slice(unit.as_bytes());
        }
        bytes.extend_from_slice(tail.as_bytes());
        bytes
    };
    let distinct = |head: &str, unit: fn(usize) -> String, tail: &str| {
        let mut text = head.to_owned();
        (0..)
            .take_while(|&i| {
                text.push_str(&unit(i));
                text.len() < SIZE
            })
            .count();
        (text + tail).into_bytes()
    };
    let ubjson = |unit: &[u8]| {
        let mut bytes = b"{L\0\0\0\0\0\0\0\x07learner[".to_vec();
        while bytes.len() < SIZE {
            bytes.extend_from_slice(unit);
        }
        bytes
    };
    let tree = "tree\n\nTree=0\nnum_leaves=9999999\nnum_cat=0\n";
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("whole numbers", fill("{\"learner\":[1", ",1", "]}")),
        ("numbers turned to floats by the last one", fill("{\"learner\":[1", ",1", ",0.5]}")),
        ("numbers turned generic by the last one", fill("{\"learner\":[1", ",1", ",null]}")),
        ("texts", fill("{\"learner\":[\"\"", ",\"\"", "]}")),
        ("truth values", fill("{\"learner\":[true", ",true", "]}")),
        ("nulls", fill("{\"learner\":[null", ",null", "]}")),
        ("empty arrays", fill("{\"learner\":[[]", ",[]", "]}")),
        ("arrays of one", fill("{\"learner\":[[1]", ",[1]", "]}")),
        ("arrays and numbers", fill("{\"learner\":[[]", ",[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5]", "]}")),
        ("empty objects", fill("{\"learner\":[{}", ",{}", "]}")),
        ("one key again and again", fill("{\"learner\":{\"\":0", ",\"\":0", "}}")),
        ("distinct keys", distinct("{\"learner\":{\"\":0", |i| format!(",\"{i:x}\":0"), "}}")),
        ("many small objects", fill("{\"learner\":[0", ",{\"a\":1,\"b\":1}", "]}")),
        ("an open array", fill("", "[", "")),
        ("open objects", fill("", "{\"a\":", "")),
        ("a long number", fill("{\"learner\":1", "1", ".5}")),
        ("a long text of escapes", fill("{\"learner\":\"", "\\n", "\"}")),
        ("a text without end", fill("{\"learner\":\"", "x", "")),
        ("backslashes", fill("{\"learner\":\"", "\\\\", "\"}")),
        ("hard numbers", fill("{\"learner\":[1", &format!(",8.5{}1e-306", "0123456789".repeat(70)), "]}")),
        ("halfway numbers", fill("{\"learner\":[1", &format!(",9007199254740993.{}1", "0".repeat(760)), "]}")),
        ("white space", fill("{", " ", "")),
        ("UBJSON nulls", ubjson(b"Z")),
        ("UBJSON truth values", ubjson(b"T")),
        ("UBJSON numbers", ubjson(b"i\x01")),
        ("UBJSON empty lists", ubjson(b"[]")),
        ("UBJSON open lists", ubjson(b"[")),
        ("UBJSON empty objects", ubjson(b"{}")),
        ("UBJSON empty texts", ubjson(b"SL\0\0\0\0\0\0\0\0")),
        ("UBJSON empty typed arrays", ubjson(b"[$d#L\0\0\0\0\0\0\0\0")),
        ("whole numbers in a line", fill(&format!("{tree}leaf_count="), "1 ", "\n\nend of trees\n")),
        ("numbers in a line", fill(&format!("{tree}leaf_value="), "1 ", "\n\nend of trees\n")),
        (
            "halfway numbers in a line",
            fill(&format!("{tree}leaf_value="), &format!("9007199254740993.{}1 ", "0".repeat(760)), "\n"),
        ),
        ("trees without anything", fill("tree\n", "Tree=\n", "")),
        ("smallest trees", fill("tree\n", "Tree=\nnum_leaves=1\nleaf_value=0\n", "end of trees\n")),
        (
            "trees of unknown keys",
            fill("tree\n", "Tree=\nnum_leaves=1\nleaf_value=0\na=\nb=\nc=\nd=\ne=\nf=\ng=\n", "end of trees\n"),
        ),
        ("unknown keys", distinct("tree\nTree=0\n", |i| format!("{i}=\n"), "")),
        ("header lines", distinct("tree\n", |i| format!("{i}\n"), "")),
        ("a long header line", fill("tree\nfeature_names=", "a ", "\nend of trees\n")),
        ("parameters", fill("tree\ntree_sizes=\nend of trees\nparameters:\n", "[: ]\n", "")),
        ("category lists", fill("tree\ntree_sizes=\nend of trees\npandas_categorical:[[]", ",[]", "]\n")),
        ("categories", fill("tree\ntree_sizes=\nend of trees\npandas_categorical:[[\"\"", ",\"\"", "]]\n")),
        ("empty lines", fill("tree\n", "\n", "")),
    ];
    for (name, bytes) in cases {
        let (peak, spent) = measured(&bytes);
        assert!(peak <= bound(&bytes), "{name}: {peak} bytes for a file of {}", bytes.len());
        assert!(spent < Duration::from_secs(10), "{name}: {spent:?}");
    }
}

#[test]
fn a_huge_length_allocates_nothing() {
    for kind in [&b"S"[..], b"[#", b"[$d#", b"[$L#", b"[$U#", b""] {
        for length in [i64::MAX, i64::MIN, -1, 1 << 61, 1 << 40, u32::MAX.into()] {
            let mut bytes = b"{L\0\0\0\0\0\0\0\x07learner".to_vec();
            if kind.is_empty() {
                bytes.push(b'{');
            }
            bytes.extend_from_slice(kind);
            bytes.push(b'L');
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(b"Z}");
            let error = read(&bytes).expect_err("longer than the file").to_string();
            assert!(error.contains(&format!("a length of {length}, but only")), "{error}");
            assert!(measured(&bytes).0 < 10_000);
        }
    }
}

/// A generator whose stream is the same everywhere (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % below.max(1) as u64) as usize
    }
}

fn damage(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    const PIECES: [&[u8]; 16] = [
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        b"{\"a\":{\"a\":",
        b"99999999999999999999",
        b"-1",
        b"1e999",
        b"NaN",
        b"\\ud800",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"[$L#L\x10",
        b"\r\n\n",
        b"Tree=",
        b"end of trees",
        b"=",
        b"num_leaves=2147483648\n",
    ];
    let mut bytes = seed.to_vec();
    for _ in 0..=random.next(3) {
        let at = random.next(bytes.len());
        let end = at + random.next((bytes.len() - at).min(64));
        match random.next(7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.next(8),
            2 if at < bytes.len() => bytes[at] = random.next(256) as u8,
            3 => drop(bytes.drain(at..end)),
            4 => drop(bytes.splice(at..end, PIECES[random.next(PIECES.len())].iter().copied())),
            5 => {
                let from = random.next(other.len());
                let to = from + random.next((other.len() - from).min(200));
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
            _ => {
                let piece = bytes[at..end].repeat(1 + random.next(4));
                drop(bytes.splice(at..at, piece));
            }
        }
    }
    bytes
}

fn damaged(target: &str, law: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut seeds: Vec<_> = std::fs::read_dir(folder).expect("a corpus").map(|e| e.expect("an entry").path()).collect();
    seeds.sort();
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|path| std::fs::read(path).expect("a readable file")).collect();
    let mut random = Random(2026);
    let mut readable = 0;
    for round in 0..4000 {
        let other = &seeds[random.next(seeds.len())];
        let bytes = damage(&seeds[round % seeds.len()], other, &mut random);
        let (peak, _) = measured(&bytes);
        assert!(peak <= bound(&[]), "{peak} bytes for {:?}", String::from_utf8_lossy(&bytes));
        law(&bytes);
        readable += usize::from(read(&bytes).is_ok());
    }
    // Damage that is never noticed, or always, would test little.
    assert!((20..3000).contains(&readable), "{readable} of 4000 damaged files were readable");
}

#[test]
fn damaged_json_obeys_its_law() {
    damaged("json", laws::reads_json);
}

#[test]
fn damaged_ubjson_obeys_its_law() {
    damaged("ubjson", laws::reads_ubjson);
}

#[test]
fn damaged_lightgbm_text_obeys_its_law() {
    damaged("lightgbm_text", laws::reads_lightgbm_text);
}

#[test]
fn every_truncation_is_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let seeds =
        ["json/xgboost_regression.json", "json/catboost.json", "ubjson/regression.ubj", "lightgbm_text/categories.txt"];
    for seed in seeds {
        let bytes = std::fs::read(corpus.join(seed)).expect("a readable file");
        // A text model may end without its parameters (older versions have none), so it must be cut before them.
        let must_fail = match bytes.windows(12).position(|w| w == b"end of trees") {
            Some(end) => end + 11,
            None => bytes.len(),
        };
        for length in 0..must_fail {
            assert!(read(&bytes[..length]).is_err(), "{seed} cut to {length} bytes was read");
        }
    }
}
