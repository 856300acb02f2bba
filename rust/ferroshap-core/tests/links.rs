//! Output spaces: secants, their factors, the weights of softmax.

use ferroshap_core::links::{Factors, Link, PairWeights};

const LINKS: [Link; 3] = [Link::Logistic, Link::Exponential, Link::LogisticLoss];

fn grid(low: f64, high: f64, n: usize) -> Vec<f64> {
    (0..n).map(|i| low + (high - low) * i as f64 / (n - 1) as f64).collect()
}

#[test]
fn a_secant_is_the_quotient_of_differences() {
    for link in LINKS {
        for (a, b) in [(2.0, -1.0), (-3.0, 0.25), (7.0, 5.5), (-1.0, 0.5)] {
            let quotient = (link.value(a) - link.value(b)) / (a - b);
            assert!((link.secant(a, b) / quotient - 1.0).abs() < 1e-12, "{link:?} {a} {b}");
            assert_eq!(link.secant(a, b).to_bits(), link.secant(b, a).to_bits());
        }
    }
}

#[test]
fn the_two_forms_of_a_secant_meet() {
    for link in LINKS {
        for a in grid(-30.0, 30.0, 601) {
            let (near, far) = (link.secant(a, a + 1.0 - 1e-12), link.secant(a, a + 1.0 + 1e-12));
            assert!((near / far - 1.0).abs() < 1e-11, "{link:?} {a}: {near} {far}");
            let slope = (link.secant(a, a), link.secant(a, a + 1e-9));
            assert!((slope.0 / slope.1 - 1.0).abs() < 2e-9, "{link:?} {a}: {slope:?}");
        }
    }
}

#[test]
fn secants_of_extreme_margins_are_right() {
    assert!((Link::Logistic.secant(800.0, -800.0) - 1.0 / 1600.0).abs() < 1e-18);
    assert!((Link::Logistic.secant(40.0, 50.0) / ((-40f64).exp() / 10.0) - 1.0).abs() < 1e-4);
    assert!((Link::LogisticLoss.secant(700.0, 300.0) - 1.0).abs() < 1e-15);
    assert!((Link::LogisticLoss.secant(-700.0, 300.0) - 0.3).abs() < 1e-15);
    assert!(Link::Exponential.secant(-700.0, -700.5) > 0.0);
}

#[test]
fn factors_give_the_secant() {
    for link in LINKS {
        for (low, high) in [(-0.1, 0.1), (0.5, 0.5), (-6.0, 6.0), (2.0, 11.0), (-20.0, 20.0), (-30.0, 30.0)] {
            let factors = Factors::new(link, low, high).expect("the range is not too wide");
            let margins = grid(low, high, 101);
            let each = |of: &dyn Fn(f64, &mut [f64])| -> Vec<Vec<f64>> {
                let one = |&m: &f64| {
                    let mut out = vec![0.0; factors.terms()];
                    of(m, &mut out);
                    out
                };
                margins.iter().map(one).collect()
            };
            let (u, v) = (each(&|m, out| factors.of_row(m, out)), each(&|m, out| factors.of_background(m, out)));
            let largest = link.secant(high, high).max(link.secant(0.0f64.clamp(low, high), 0.0f64.clamp(low, high)));
            for (a, u) in margins.iter().zip(&u) {
                for (b, v) in margins.iter().zip(&v) {
                    let sum: f64 = u.iter().zip(v).map(|(u, v)| u * v).sum();
                    let (w, bound) =
                        (link.secant(*a, *b), if link == Link::LogisticLoss { largest } else { link.secant(*a, *b) });
                    assert!((sum - w).abs() <= 3e-14 * bound, "{link:?} {low}..{high} at {a}, {b}: {sum} for {w}");
                }
            }
            assert!(factors.terms() <= 40, "{link:?} {low}..{high}: {} terms", factors.terms());
        }
    }
}

#[test]
fn a_range_that_is_too_wide_has_no_factors() {
    assert!(LINKS.iter().all(|link| Factors::new(*link, -500.0, 500.0).is_none()));
    assert!(LINKS.iter().all(|link| Factors::new(*link, f64::NEG_INFINITY, 0.0).is_none()));
    assert!(Factors::new(Link::SquaredError, -1e9, 1e9).is_some_and(|f| f.terms() == 2));
}

#[test]
fn the_weights_of_softmax_add_up() {
    let rows =
        [[0.3, -1.0, 2.0], [0.3, -1.0, 2.0 + 1e-9], [-5.0, 8.0, 0.0], [900.0, -900.0, 3.0], [-800.0, -1.0, -800.0]];
    let softmax = |m: &[f64; 3]| {
        let top = m.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = m.iter().map(|m| (m - top).exp()).sum();
        (m.map(|m| (m - top).exp() / sum), top + sum.ln())
    };
    for x in &rows {
        for z in &rows {
            let ((px, lx), (pz, lz)) = (softmax(x), softmax(z));
            let (mut w, mut loss) = ([0.0; 9], [0.0; 3]);
            PairWeights::Softmax.weigh(x, z, &mut w);
            PairWeights::SoftmaxLoss.weigh(x, z, &mut loss);
            let dot = |w: &[f64]| (0..3).map(|j| w[j] * (x[j] - z[j])).sum::<f64>();
            for k in 0..3 {
                assert!((dot(&w[3 * k..3 * k + 3]) - (px[k] - pz[k])).abs() < 1e-12, "{x:?} {z:?} {k}");
            }
            assert!((dot(&loss) - (lx - lz)).abs() <= 1e-12 * (1.0 + lx.abs() + lz.abs()), "{x:?} {z:?}");
        }
    }
}
