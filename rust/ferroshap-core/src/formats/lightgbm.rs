//! LightGBM's text model.
//!
//! The document has four members: `header` (an object of texts; bare lines such as `average_output` are `true`),
//! `trees` (a list of objects that hold arrays of `i64` or `f64`, numbers and texts), `parameters` (an object of texts)
//! and `pandas_categorical` (a list, or null). Line ends may be those of Windows. The byte lengths in `tree_sizes`,
//! by which LightGBM finds the trees, must fit; without that line it goes from one `Tree=` to the next.

mod lines;
mod tree;

use super::array::{Duplicates, object};
use super::budget::Budget;
use super::document::Document;
use super::json;
use crate::error::{Error, Place, Result};
use lines::Lines;

/// More header lines or parameters than any version of LightGBM writes.
const MAX_ENTRIES: usize = 4096;

/// Reads a text model.
///
/// # Errors
/// [`Error::Document`] with the line at which `bytes` stop being one.
pub fn read(bytes: &[u8]) -> Result<Document> {
    document(bytes).map_err(|(line, problem)| Error::Document {
        format: "LightGBM text model",
        place: Place::Line(line),
        problem,
    })
}

/// A failure: the line, and what.
type Fail = (usize, String);

fn document(bytes: &[u8]) -> Result<Document, Fail> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        (line, "text that is not UTF-8".to_owned())
    })?;
    let mut lines = Lines::new(text);
    let header = header(&mut lines)?;
    let (trees, starts) = trees(&mut lines, &mut Budget::for_file(bytes.len()))?;
    match header.get("tree_sizes") {
        Some(Document::Text(sizes)) => {
            if let Err(problem) = fit(sizes, &starts) {
                return lines.fail(problem);
            }
        }
        // LightGBM would look for trees beyond 'end of trees'.
        _ if trees.is_empty() => return lines.fail("neither a tree nor 'tree_sizes' before 'end of trees'".to_owned()),
        _ => {}
    }
    let (parameters, pandas_categorical) = trailer(&mut lines)?;
    let member = |key: &str, value| (key.to_owned(), value);
    Ok(Document::Object(vec![
        member("header", header),
        member("trees", Document::List(trees)),
        member("parameters", parameters),
        member("pandas_categorical", pandas_categorical),
    ]))
}

/// The lines before the first tree.
fn header(lines: &mut Lines<'_>) -> Result<Document, Fail> {
    match lines.next() {
        Some("tree") => {}
        other => return lines.fail(format!("found {}, expected 'tree'", quoted(other.unwrap_or_default()))),
    }
    let mut entries: Vec<(String, Document)> = Vec::new();
    let mut keys = std::collections::HashSet::new();
    while let Some(line) = lines.peek() {
        if line.starts_with("Tree=") || line == "end of trees" {
            break;
        }
        lines.next();
        if line.is_empty() {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key, Document::Text(value.to_owned())),
            None => (line, Document::Bool(true)),
        };
        if !keys.insert(key) {
            return lines.fail(format!("a second line for {} in the header", quoted(key)));
        }
        if entries.len() == MAX_ENTRIES {
            return lines.fail(format!("more than {MAX_ENTRIES} lines in the header"));
        }
        entries.push((key.to_owned(), value));
    }
    Ok(Document::Object(entries))
}

/// The trees, and at which byte each of them starts.
fn trees(lines: &mut Lines<'_>, budget: &mut Budget) -> Result<(Vec<Document>, Vec<usize>), Fail> {
    let (mut trees, mut starts) = (Vec::new(), Vec::new());
    loop {
        let start = lines.taken();
        match lines.next() {
            Some("") => {}
            Some("end of trees") => return Ok((trees, starts)),
            Some(line) if line.starts_with("Tree=") => {
                trees.push(tree::read(lines, trees.len(), budget)?);
                starts.push(start);
            }
            Some(line) => return lines.fail(format!("found {}, expected 'Tree=' or 'end of trees'", quoted(line))),
            None => return lines.fail("the file ends without 'end of trees' (is it truncated?)".to_owned()),
        }
    }
}

/// Whether the lengths of `tree_sizes` lead from each tree to the next. What the last one says leads nowhere.
fn fit(sizes: &str, starts: &[usize]) -> Result<(), String> {
    let sizes: Vec<_> = sizes.split_ascii_whitespace().collect();
    if sizes.len() != starts.len() {
        return Err(format!("found {} trees, expected {} as counted by tree_sizes", starts.len(), sizes.len()));
    }
    for (tree, (size, pair)) in sizes.iter().zip(starts.windows(2)).enumerate() {
        let expected = pair[1] - pair[0];
        if size.parse() != Ok(expected) {
            return Err(format!(
                "tree_sizes[{tree}] is {}, expected {expected}, the bytes of tree {tree}",
                quoted(size)
            ));
        }
    }
    Ok(())
}

/// What follows the trees: feature importances (not kept), parameters, and the categories of a pandas frame.
fn trailer(lines: &mut Lines<'_>) -> Result<(Document, Document), Fail> {
    let mut parameters = Vec::new();
    let mut pandas_categorical = Document::Null;
    let mut inside = false;
    while let Some(line) = lines.next() {
        if line == "parameters:" {
            inside = true;
        } else if line == "end of parameters" {
            inside = false;
        } else if let Some(value) = line.strip_prefix("pandas_categorical:") {
            pandas_categorical = match json::read_embedded(value) {
                Ok(value @ (Document::Null | Document::List(_))) => value,
                Ok(_) => return lines.fail("pandas_categorical: expected null or a list of lists".to_owned()),
                Err(problem) => return lines.fail(format!("pandas_categorical: {problem}")),
            };
        } else if inside
            && let Some((key, value)) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')?.split_once(": "))
        {
            if parameters.len() == MAX_ENTRIES {
                return lines.fail(format!("more than {MAX_ENTRIES} parameters"));
            }
            parameters.push((key.to_owned(), Document::Text(value.to_owned())));
        } else if !line.is_empty() && "pandas_categorical:".starts_with(line) {
            // Without its categories the model would be read with the wrong codes.
            return lines.fail(format!("the file ends in {} (is it truncated?)", quoted(line)));
        }
    }
    if inside {
        return lines.fail("the file ends within the parameters (is it truncated?)".to_owned());
    }
    Ok((object(parameters, Duplicates::LastWins), pandas_categorical))
}

/// A piece of the file for an error message, cut to what fits on a screen.
fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("'{}'", shown.escape_debug())
}
