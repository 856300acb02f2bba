//! Small documents and what the readers make of them; broken ones and where the readers say they break.

use ferroshap_core::Error;
use ferroshap_core::formats::{Document, Numbers, json, lightgbm, read, ubjson};

fn text(text: &str) -> Document {
    Document::Text(text.into())
}

fn object<const N: usize>(entries: [(&str, Document); N]) -> Document {
    Document::Object(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

fn i64s(values: &[i64]) -> Document {
    Document::Numbers(Numbers::I64(values.to_vec()))
}

fn f64s(values: &[f64]) -> Document {
    Document::Numbers(Numbers::F64(values.to_vec()))
}

/// The elements of a packed array of texts.
fn texts(document: &Document) -> Vec<&str> {
    match document {
        Document::Texts(texts) => texts.iter().collect(),
        other => panic!("expected texts, found {other:?}"),
    }
}

fn message(outcome: Result<impl std::fmt::Debug, Error>) -> String {
    outcome.expect_err("a broken document").to_string()
}

#[test]
fn json_values_are_read_as_they_are_written() {
    for (written, expected) in [
        ("null", Document::Null),
        (" true ", Document::Bool(true)),
        ("-7", Document::Int(-7)),
        ("5E-1", Document::Float(0.5)),
        ("-Infinity", Document::Float(f64::NEG_INFINITY)),
        ("0.1", Document::Float(0.1)),
        ("1.7976931348623157e308", Document::Float(f64::MAX)),
        (r#""a\"\\\/\b\f\n\r\tü\u00fc\ud83d\ude00""#, text("a\"\\/\u{8}\u{c}\n\r\tüü😀")),
        ("[]", Document::List(vec![])),
        ("{}", object([])),
        ("[1, 2 ,3]", i64s(&[1, 2, 3])),
        ("[9007199254740992, 0.5]", f64s(&[9007199254740992.0, 0.5])),
        ("[0.5,Infinity,7]", f64s(&[0.5, f64::INFINITY, 7.0])),
        ("[true,false]", Document::Numbers(Numbers::Bool(vec![true, false]))),
        ("[1,null]", Document::List(vec![Document::Int(1), Document::Null])),
        ("[\"a\",1]", Document::List(vec![text("a"), Document::Int(1)])),
        ("[[],[1]]", Document::List(vec![Document::List(vec![]), i64s(&[1])])),
        (r#"{"a":1,"b":2,"a":3}"#, object([("b", Document::Int(2)), ("a", Document::Int(3))])),
    ] {
        assert_eq!(json::read(written.as_bytes()), Ok(expected), "{written}");
    }
    assert_eq!(texts(&json::read(b"[\"\", \"ab\", \"\\u0063\"]").expect("texts")), ["", "ab", "c"]);
    match json::read(b"[NaN,-0E0]") {
        Ok(Document::Numbers(Numbers::F64(v))) => assert!(v[0].is_nan() && v[1].to_bits() == (-0.0_f64).to_bits()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn json_errors_tell_the_byte_what_was_found_and_what_was_expected() {
    for (written, expected) in [
        ("", "the file ends, expected a value (is it truncated?) at byte 0"),
        ("[1,2", "the file ends, expected ',' or ']' (is it truncated?) at byte 4"),
        ("[1;2]", "found ';', expected ',' or ']' at byte 2"),
        ("[1,]", "found ']', expected a value at byte 3"),
        ("{\"a\" 1}", "found '1', expected ':' after a key at byte 5"),
        ("{a:1}", "found 'a', expected a key in double quotes at byte 1"),
        ("{\"a\":1,}", "found '}', expected a key in double quotes at byte 7"),
        ("nul", "found 'n', expected a value at byte 0"),
        ("-I", "found '-', expected a value at byte 0"),
        ("[01]", "a number with a leading zero at byte 1"),
        ("[1.]", "a decimal point without digits after it at byte 3"),
        ("9223372036854775808", "a whole number beyond 64 bits at byte 0"),
        (
            "[0.5,9007199254740993]",
            "found the whole number 9007199254740993 among others that are not whole, expected at most 2^53 at byte 21",
        ),
        (
            "[-9223372036854775808,0.5]",
            "found the whole number -9223372036854775808 among others that are not whole, expected at most 2^53 at byte 25",
        ),
        ("{} {}", "found '{', expected the end of the file at byte 3"),
        ("\"ab", "a string without end (is the file truncated?) at byte 0"),
        ("\"\\x\"", "an unknown escape in a string at byte 1"),
        ("\"a\\u12", "an escape \\u without four hexadecimal digits at byte 2"),
        ("\"\\u12\"  \"", "an escape \\u without four hexadecimal digits at byte 1"),
        ("\"\\ud800\"", "half of a surrogate pair at byte 1"),
        ("\"\\ud800\\u0041\"", "half of a surrogate pair at byte 1"),
        ("\"\\udc00\"", "half of a surrogate pair at byte 1"),
    ] {
        assert_eq!(message(json::read(written.as_bytes())), format!("XGBoost JSON: {expected}"), "{written}");
    }
    assert_eq!(message(json::read(b"[\"a\xff\"]")), "XGBoost JSON: a string that is not UTF-8 at byte 3");
}

#[test]
fn nesting_has_a_bound() {
    let nested = |depth| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(json::read(&nested(64)).is_ok());
    assert_eq!(message(json::read(&nested(65))), "XGBoost JSON: nested more than 64 deep at byte 64");
    assert!(ubjson::read(&nested(64)).is_ok());
    assert_eq!(message(ubjson::read(&nested(65))), "XGBoost UBJSON: nested more than 64 deep at byte 65");
}

/// UBJSON from a readable form: `@` stands for a length, the value of the next byte's digit.
fn ubj(form: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = form.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'@' => {
                let length = i64::from(bytes.next().expect("a digit") - b'0');
                out.push(b'L');
                out.extend_from_slice(&length.to_be_bytes());
            }
            _ => out.push(byte),
        }
    }
    out
}

#[test]
fn ubjson_values_keep_their_width_and_sign() {
    for (form, expected) in [
        (&b"Z"[..], Document::Null),
        (b"T", Document::Bool(true)),
        (b"i\xff", Document::Int(-1)),
        (b"U\xff", Document::Int(255)),
        (b"I\x01\x00", Document::Int(256)),
        (b"l\xff\xff\xff\xfe", Document::Int(-2)),
        (b"L\x80\0\0\0\0\0\0\0", Document::Int(i64::MIN)),
        (b"d\x3f\x80\0\0", Document::Float(1.0)),
        (b"D\x3f\xe0\0\0\0\0\0\0", Document::Float(0.5)),
        (b"Ca", Document::Int(97)),
        (b"S@3abc", text("abc")),
        (b"[$i#@2\xff\x01", Document::Numbers(Numbers::I8(vec![-1, 1]))),
        (b"[$U#@2\xff\x01", Document::Numbers(Numbers::U8(vec![255, 1]))),
        (b"[$I#@1\xff\xff", Document::Numbers(Numbers::I16(vec![-1]))),
        (b"[$l#@1\0\0\x01\0", Document::Numbers(Numbers::I32(vec![256]))),
        (b"[$L#@1\0\0\0\x01\0\0\0\0", i64s(&[1 << 32])),
        (b"[$d#@1\x00\0\0\x01", Document::Numbers(Numbers::F32(vec![f32::from_bits(1)]))),
        (b"[$D#@1\x3f\xe0\0\0\0\0\0\0", f64s(&[0.5])),
        (b"[$d#@0", Document::Numbers(Numbers::F32(vec![]))),
        (b"[#@0", Document::List(vec![])),
        (b"[]", Document::List(vec![])),
        (b"[#@2i\x01i\x02", i64s(&[1, 2])),
        (b"[i\x01Z]", Document::List(vec![Document::Int(1), Document::Null])),
        (b"{@1ai\x01@1bi\x02@1ai\x03}", object([("a", Document::Int(1)), ("b", Document::Int(2))])),
    ] {
        assert_eq!(ubjson::read(&ubj(form)), Ok(expected), "{}", form.escape_ascii());
    }
    assert_eq!(texts(&ubjson::read(&ubj(b"[#@2S@0S@2ab")).expect("texts")), ["", "ab"]);
}

#[test]
fn ubjson_errors_tell_the_byte_what_was_found_and_what_was_expected() {
    for (form, expected) in [
        (&b""[..], "the file ends after 0 bytes, expected 1 (is it truncated?) at byte 0"),
        (b"L\0\0", "the file ends after 2 bytes, expected 8 (is it truncated?) at byte 1"),
        (b"S@5abc", "a length of 5, but only 3 bytes follow (is the file truncated?) at byte 1"),
        (b"[$d#@2\0\0\0\0", "a length of 2, but only 4 bytes follow (is the file truncated?) at byte 4"),
        (b"{i\x01a", "found 'i', expected the marker 'L' of a length at byte 1"),
        (b"[$S#@0", "a typed array of 'S', expected numbers at byte 2"),
        (b"[$d@0", "found 'L', expected the '#' of a typed array at byte 3"),
        (b"[x", "found 'x', expected the marker of a value at byte 1"),
        (b"S@1\xff", "a string that is not UTF-8 at byte 10"),
        (b"ZZ", "found 1 more bytes, expected the end of the file at byte 1"),
    ] {
        assert_eq!(message(ubjson::read(&ubj(form))), format!("XGBoost UBJSON: {expected}"), "{}", form.escape_ascii());
    }
}

const LIGHTGBM: &str = "tree
version=v4
feature_names=a b=c
average_output
tree_sizes=223 1

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
threshold=0.1 -inf
decision_type=1 10
left_child=1 -1
right_child=-2 -3
leaf_value=1e-3 2 -0
cat_boundaries=0 1
cat_threshold=4294967295
is_linear=0
shrinkage=0.1
later=1 x


Tree=7
num_leaves=1
split_feature=
leaf_value=0.5
leaf_count=

end of trees

feature_importances:
a=2

parameters:
[boosting: gbdt]
[data: ]
[seed: 1]
[seed: 2]
end of parameters

pandas_categorical:[[\"x\", \"\\u00fc\"], [1, 2], [0.5]]
";

#[test]
fn a_lightgbm_model_becomes_header_trees_parameters_and_categories() {
    let tree = |entries: &[(&str, Document)]| {
        Document::Object(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    };
    for written in [LIGHTGBM.to_owned(), LIGHTGBM.replace('\n', "\r\n")] {
        let document = lightgbm::read(written.as_bytes()).expect("a model");
        assert_eq!(document.keys().collect::<Vec<_>>(), ["header", "trees", "parameters", "pandas_categorical"]);
        let header = [
            ("version", text("v4")),
            ("feature_names", text("a b=c")),
            ("average_output", Document::Bool(true)),
            ("tree_sizes", text("223 1")),
        ];
        assert_eq!(document.get("header"), Some(&object(header)));
        let first = tree(&[
            ("num_leaves", Document::Int(3)),
            ("num_cat", Document::Int(1)),
            ("split_feature", i64s(&[0, 1])),
            ("threshold", f64s(&[0.1, f64::NEG_INFINITY])),
            ("decision_type", i64s(&[1, 10])),
            ("left_child", i64s(&[1, -1])),
            ("right_child", i64s(&[-2, -3])),
            ("leaf_value", f64s(&[0.001, 2.0, -0.0])),
            ("cat_boundaries", i64s(&[0, 1])),
            ("cat_threshold", i64s(&[4294967295])),
            ("is_linear", Document::Int(0)),
            ("shrinkage", Document::Float(0.1)),
            ("later", text("1 x")),
        ]);
        let second = tree(&[
            ("num_leaves", Document::Int(1)),
            ("split_feature", i64s(&[])),
            ("leaf_value", f64s(&[0.5])),
            ("leaf_count", i64s(&[])),
        ]);
        assert_eq!(document.get("trees"), Some(&Document::List(vec![first, second])));
        let parameters = [("boosting", text("gbdt")), ("data", text("")), ("seed", text("2"))];
        assert_eq!(document.get("parameters"), Some(&object(parameters)));
        match document.get("pandas_categorical") {
            Some(Document::List(columns)) => {
                assert_eq!(texts(&columns[0]), ["x", "ü"]);
                assert_eq!(columns[1..], [i64s(&[1, 2]), f64s(&[0.5])]);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn lightgbm_errors_tell_the_line_the_key_and_the_token() {
    for (old, new, expected) in [
        ("tree\n", "trees\n", "found 'trees', expected 'tree' at line 1"),
        ("version=v4", "feature_names=", "a second line for 'feature_names' in the header at line 3"),
        ("0.1 -inf", "0.1 O.2", "tree 0, 'threshold': found 'O.2' as element 1, expected a number at line 11"),
        ("0.1 -inf", "0.1", "tree 0, 'threshold': found 1 elements, expected 2 at line 11"),
        (
            "=0 1\nthr",
            "=0 1.5\nthr",
            "tree 0, 'split_feature': found '1.5' as element 1, expected a whole number at line 10",
        ),
        ("leaf_value=1e-3 2 -0", "leaf_value=1 2 3 4", "tree 0, 'leaf_value': found 4 elements, expected 3 at line 15"),
        ("leaf_value=1e-3 2 -0\n", "", "tree 0, 'leaf_value': missing at line 19"),
        ("left_child=1 -1\n", "", "tree 0, 'left_child': missing at line 19"),
        ("cat_boundaries=0 1\n", "", "tree 0, 'cat_boundaries': missing at line 19"),
        (
            "cat_boundaries=0 1",
            "cat_boundaries=0 2",
            "tree 0, 'cat_threshold': found 1 elements, expected 2 at line 17",
        ),
        ("num_leaves=3", "num_leaves=0", "tree 0, 'num_leaves': found 0, expected at least 1 at line 8"),
        ("num_leaves=3", "num_leaves=x", "tree 0, 'num_leaves': found 'x', expected a whole number at line 8"),
        (
            "num_leaves=3",
            "num_leaves=99999999999",
            "tree 0, 'split_feature': found 2 elements, expected 99999999998 at line 10",
        ),
        ("shrinkage=0.1", "shrinkage", "tree 0: found 'shrinkage', expected 'key=value' at line 19"),
        ("shrinkage=0.1", "num_cat=1", "tree 0: a second line for 'num_cat' at line 19"),
        ("Tree=7", "Trees", "found 'Trees', expected 'Tree=' or 'end of trees' at line 23"),
        ("end of trees", "end of", "found 'end of', expected 'Tree=' or 'end of trees' at line 29"),
        ("tree_sizes=223 1", "tree_sizes=223 1 1", "found 2 trees, expected 3 as counted by tree_sizes at line 29"),
        ("tree_sizes=223 1", "tree_sizes=0 1", "tree_sizes[0] is '0', expected 223, the bytes of tree 0 at line 29"),
        (
            "tree_sizes=223 1",
            "tree_sizes=222 1",
            "tree_sizes[0] is '222', expected 223, the bytes of tree 0 at line 29",
        ),
        ("decision_type=1 10\n", "", "tree 0, 'decision_type': missing at line 19"),
        ("tree_sizes=223 1\n", "end of trees\n", "neither a tree nor 'tree_sizes' before 'end of trees' at line 5"),
        ("end of parameters\n", "", "the file ends within the parameters (is it truncated?) at line 40"),
        (
            "[0.5]]",
            "[0.5",
            "pandas_categorical: the file ends, expected ',' or ']' (is it truncated?) at byte 30 of the value at line 41",
        ),
        (":[[\"x\"", ":7\n[[\"x\"", "pandas_categorical: expected null or a list of lists at line 41"),
    ] {
        assert!(LIGHTGBM.contains(old), "{old}");
        let broken = LIGHTGBM.replacen(old, new, 1);
        assert_eq!(
            message(lightgbm::read(broken.as_bytes())),
            format!("LightGBM text model: {expected}"),
            "{old:?} → {new:?}"
        );
    }
    let cut = |end: &str| &LIGHTGBM[..LIGHTGBM.find(end).expect("a part")];
    assert!(message(lightgbm::read(cut("end of trees").as_bytes())).contains("ends without 'end of trees'"));
    assert!(message(lightgbm::read(cut("categorical:").as_bytes())).contains("the file ends in 'pandas_'"));
    assert_eq!(message(lightgbm::read(b"tree\na=\xff\n")), "LightGBM text model: text that is not UTF-8 at line 2");
}

#[test]
fn formats_are_recognised_by_their_bytes() {
    for (bytes, expected) in [
        (&b"{\"learner\":{}}"[..], "xgboost-json"),
        (b"\n { \"version\":[1,3,3], \"learner\":{}}", "xgboost-json"),
        (b"{\"Model\":{},\"Config\":{}}", "xgboost-json"),
        (&ubj(b"{@7learner{}}"), "xgboost-ubjson"),
        (b"tree\ntree_sizes=\nend of trees\n", "lightgbm-text"),
        (b"{\"features_info\": {}, \"oblivious_trees\": []}", "catboost-json"),
        (b"{\"trees\": [], \"features_info\": {}}", "catboost-json"),
        (b"tree\r\ntree_sizes=\r\nend of trees\r\n", "lightgbm-text"),
    ] {
        assert_eq!(read(bytes).map(|(format, _)| format.name()), Ok(expected), "{}", bytes.escape_ascii());
    }
}

#[test]
fn other_formats_are_refused_by_name_with_a_way_out() {
    for (bytes, name, way_out) in [
        (&b"binf\0\0\0\x3f"[..], "old binary format", "XGBoost 1.6 to 3.0"),
        (b"bs64\tAAAA", "old binary format", "XGBoost 1.6 to 3.0"),
        (b"\0\0\0\x3f\x06\0\0\0", "no model file that ferroshap knows", "XGBoost 1.6 to 3.0"),
        (b"\x80\x04\x95\0", "pickle", "live model"),
        (b"PK\x03\x04", "skops", "live model"),
        (b"\x1f\x8b\x08", "compressed", "decompress"),
        (b"x\x9c\xed", "compressed", "pickle"),
        (b"CBM1", "CatBoost model in its binary format", "format='json'"),
        (b"{\"name\":\"tree\",\"version\":\"v4\",", "dump_model()", "model.txt"),
        (b"{\"version\":\"v4\",\"tree_info\":[]}", "dump_model()", "model.txt"),
        (b"[{\"nodeid\": 0}]", "dump_model", "save_model('model.json')"),
        (b"booster[0]:\n0:[f0<1]", "text dump", "save_model('model.json')"),
        (b"\x08\x09\x12\x08skl2onnx", "ONNX", "before its conversion"),
        (b"<?xml version=\"1.0\"?>", "PMML", "before its conversion"),
        (b"PAR1", "data file", "model file first"),
        (b"\xef\xbb\xbf{\"learner\":{}}", "byte order mark", "without one"),
        (b"{\"a\":1}", "no \"learner\" and no \"features_info\" with trees, its keys are [\"a\"]", "LightGBM text"),
        (b"{\"oblivious_trees\": []}", "its keys are [\"oblivious_trees\"]", "LightGBM text"),
        (&ubj(b"{@1aZ}"), "no \"learner\"", "LightGBM text"),
        (b"hello", "starts with 'hello'", "LightGBM text"),
    ] {
        match read(bytes) {
            Err(Error::Unsupported(message)) => {
                assert!(message.contains(name) && message.contains(way_out), "{}: {message}", bytes.escape_ascii());
            }
            other => panic!("{}: {other:?}", bytes.escape_ascii()),
        }
    }
    assert_eq!(message(read(b"")), "model file: nothing but white space, expected a model at byte 0");
}
