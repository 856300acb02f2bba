//! Which backgrounds, and which models, values against one come of.

use crate::error::{Error, Result};
use crate::model::Ensemble;
use crate::plan::check_paths;
use crate::rows::Rows;

/// Most different features on one path: a pattern is one word.
pub const MAX_BACKGROUND_PATH: u32 = 64;

/// Raises the error for a background, or a model, that values against one do not come of.
pub(crate) fn check(model: &Ensemble, background: &Rows<'_>, weights: Option<&[f64]>) -> Result<()> {
    check_model(model)?;
    check_rows(model, background, weights)
}

fn check_model(model: &Ensemble) -> Result<()> {
    if model.is_linear() {
        return Err(Error::Unsupported(
            "the model has linear trees (LightGBM's linear_tree), for which values against a background are not supported \
             yet; train without linear_tree"
                .to_owned(),
        ));
    }
    check_paths(model, MAX_BACKGROUND_PATH, " for values against a background")
}

fn check_rows(model: &Ensemble, background: &Rows<'_>, weights: Option<&[f64]>) -> Result<()> {
    let n = background.len();
    if n == 0 {
        return Err(Error::Data("the background has no rows, expected at least one".to_owned()));
    }
    background.check(model.n_features(), n, 1)?;
    if let Some(weights) = weights {
        if weights.len() != n {
            return Err(Error::Data(format!("{} weights for {n} background rows", weights.len())));
        }
        if let Some(bad) = weights.iter().position(|w| !(*w >= 0.0 && w.is_finite())) {
            let found = weights[bad];
            return Err(Error::Data(format!("the weight of background row {bad} is {found}, expected 0 or more")));
        }
        if weights.iter().all(|w| *w == 0.0) {
            return Err(Error::Data("the weights of the background are all zero".to_owned()));
        }
    }
    Ok(())
}
