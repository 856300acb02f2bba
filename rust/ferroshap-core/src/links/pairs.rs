//! What the values of each output against one reference are multiplied by.

use super::Link;

/// Weights of a pair of a row and a reference: W with φ_k(x, z) = Σ_j W_kj φ_raw,j(x, z).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairWeights {
    /// Each output by itself: the secant of its margins.
    Each(Link),
    /// The probabilities of softmax: W_kj = L(p_k(x), p_k(z)) (δ_kj − L_j / L_D), L the logarithmic mean, L_j that of e^m_j(x)
    /// and e^m_j(z), L_D that of the sums over j. Then Σ_j W_kj Δm_j = Δp_k, for L(a, b) Δlog = Δ.
    Softmax,
    /// The log-loss of softmax, log Σ e^m − m_y, but for its term − m_y: W_j = L_j / L_D.
    SoftmaxLoss,
}

impl PairWeights {
    /// How many outputs the values have, for a model with `outputs`.
    pub fn outputs(self, outputs: usize) -> usize {
        match self {
            PairWeights::Each(_) | PairWeights::Softmax => outputs,
            PairWeights::SoftmaxLoss => 1,
        }
    }

    /// W, `[k][j]`, of margins `x` and `z`.
    pub fn weigh(self, x: &[f64], z: &[f64], out: &mut [f64]) {
        let o = x.len();
        match self {
            PairWeights::Each(link) => {
                out.fill(0.0);
                (0..o).for_each(|k| out[k * o + k] = link.secant(x[k], z[k]));
            }
            PairWeights::Softmax => {
                let (of_x, of_z) = (log_sum(x), log_sum(z));
                let share = shares(x, z, of_x, of_z);
                for k in 0..o {
                    let mean = Link::Exponential.secant(x[k] - of_x, z[k] - of_z);
                    for (j, w) in out[k * o..][..o].iter_mut().enumerate() {
                        *w = mean * (f64::from(u8::from(j == k)) - share(j));
                    }
                }
            }
            PairWeights::SoftmaxLoss => {
                let share = shares(x, z, log_sum(x), log_sum(z));
                out.iter_mut().enumerate().for_each(|(j, w)| *w = share(j));
            }
        }
    }
}

/// L_j / L_D. The logarithmic mean of exponentials is the secant of exp; both are shifted by the larger sum, so that neither
/// overflows and the larger is no zero.
fn shares(x: &[f64], z: &[f64], of_x: f64, of_z: f64) -> impl Fn(usize) -> f64 {
    let shift = of_x.max(of_z);
    let all = Link::Exponential.secant(of_x - shift, of_z - shift);
    move |j| Link::Exponential.secant(x[j] - shift, z[j] - shift) / all
}

/// log Σ e^m.
fn log_sum(m: &[f64]) -> f64 {
    let largest = m.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + m.iter().map(|m| (m - largest).exp()).sum::<f64>().ln()
}
