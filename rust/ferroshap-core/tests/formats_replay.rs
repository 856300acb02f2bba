//! Every file of the fuzz corpus, through the laws that the fuzzer checks.

#[path = "../fuzz/laws.rs"]
mod laws;

use std::path::Path;

fn replay(target: &str, law: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is part of the sources") {
        law(&std::fs::read(entry.expect("a folder entry").path()).expect("a readable file"));
        files += 1;
    }
    assert!(files >= 3, "{files} files in {}", folder.display());
}

#[test]
fn the_corpus_of_json_obeys_its_law() {
    replay("json", laws::reads_json);
}

#[test]
fn the_corpus_of_ubjson_obeys_its_law() {
    replay("ubjson", laws::reads_ubjson);
}

#[test]
fn the_corpus_of_lightgbm_text_obeys_its_law() {
    replay("lightgbm_text", laws::reads_lightgbm_text);
}

#[test]
fn the_seeds_are_readable_models() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (seed, format) in [
        ("json/xgboost_regression.json", "xgboost-json"),
        ("json/xgboost_classes.json", "xgboost-json"),
        ("json/constructs.json", "xgboost-json"),
        ("json/catboost.json", "catboost-json"),
        ("ubjson/regression.ubj", "xgboost-ubjson"),
        ("ubjson/classes.ubj", "xgboost-ubjson"),
        ("ubjson/constructs.ubj", "xgboost-ubjson"),
        ("lightgbm_text/categories.txt", "lightgbm-text"),
        ("lightgbm_text/forest.txt", "lightgbm-text"),
        ("lightgbm_text/leaf.txt", "lightgbm-text"),
        ("lightgbm_text/linear.txt", "lightgbm-text"),
    ] {
        let bytes = std::fs::read(corpus.join(seed)).expect("a readable file");
        let (found, _) = ferroshap_core::formats::read(&bytes).unwrap_or_else(|e| panic!("{seed}: {e}"));
        assert_eq!(found.name(), format, "{seed}");
    }
}
