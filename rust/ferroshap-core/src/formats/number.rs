//! Decimal text → the nearest `f64`, at the speed that files of numbers need.

/// A number of the JSON grammar at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

/// Reads the number at the start of `bytes` and says how many bytes it has.
///
/// # Errors
/// What is wrong, and how many bytes after the start.
pub(super) fn scan(bytes: &[u8]) -> Result<(Number, usize), (usize, &'static str)> {
    let negative = bytes.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let mut digits = Digits::default();
    let start = at;
    at = digits.read(bytes, at);
    match at - start {
        0 => return Err((at, "a number without digits")),
        1 => {}
        _ if bytes[start] == b'0' => return Err((start, "a number with a leading zero")),
        _ => {}
    }
    let mut exponent = 0_i64;
    let mut whole = true;
    if bytes.get(at) == Some(&b'.') {
        whole = false;
        let fraction = at + 1;
        at = digits.read(bytes, fraction);
        if at == fraction {
            return Err((at, "a decimal point without digits after it"));
        }
        exponent = -((at - fraction) as i64);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        whole = false;
        at += 1;
        let minus = bytes.get(at) == Some(&b'-');
        at += usize::from(matches!(bytes.get(at), Some(b'-' | b'+')));
        let mut power = Digits::default();
        let first = at;
        at = power.read(bytes, at);
        if at == first {
            return Err((at, "an exponent without digits"));
        }
        let power = if power.count <= 9 { power.value as i64 } else { i64::from(u32::MAX) };
        exponent += if minus { -power } else { power };
    }
    // The token is ASCII: it was matched byte for byte.
    let token = || std::str::from_utf8(&bytes[..at]).unwrap_or_default();
    if whole {
        let value = match digits.fits_i64() {
            Some(value) => {
                if negative {
                    -value
                } else {
                    value
                }
            }
            None => token().parse().map_err(|_| (0, "a whole number beyond 64 bits"))?,
        };
        return Ok((Number::Int(value), at));
    }
    let value = match digits.times_power_of_ten(exponent) {
        Some(value) => {
            if negative {
                -value
            } else {
                value
            }
        }
        None => token().parse().map_err(|_| (0, "an unreadable number"))?,
    };
    Ok((Number::Float(value), at))
}

/// The nearest `f64` to a token of a text model, which may also be `inf`, `-inf` or `nan`.
pub(super) fn float(token: &str) -> Option<f64> {
    match scan(token.as_bytes()) {
        Ok((Number::Float(value), length)) if length == token.len() => Some(value),
        // Through f64, not i64: "-0" is a negative zero here.
        _ => token.parse().ok(),
    }
}

/// The digits of a number without sign, point and exponent.
#[derive(Debug, Default)]
struct Digits {
    value: u64,
    count: usize,
}

impl Digits {
    fn read(&mut self, bytes: &[u8], mut at: usize) -> usize {
        while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10) {
            // Wraps from 20 digits on; `count` then keeps the value from being used.
            self.value = self.value.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.count += 1;
            at += 1;
        }
        at
    }

    fn fits_i64(&self) -> Option<i64> {
        if self.count <= 18 { i64::try_from(self.value).ok() } else { None }
    }

    /// The product if both factors are exact in `f64`, so that it is rounded once (Clinger 1990, fast path).
    fn times_power_of_ten(&self, exponent: i64) -> Option<f64> {
        if self.count > 19 || self.value > 1 << 53 {
            return None;
        }
        let power = *POWERS.get(usize::try_from(exponent.unsigned_abs()).ok()?)?;
        let value = self.value as f64;
        Some(if exponent < 0 { value / power } else { value * power })
    }
}

/// The powers of ten that an `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_rounded_as_str_parse_rounds_it() {
        let mut state = 1_u64;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % n
        };
        for _ in 0..200_000 {
            let digits = 1 + next(22);
            let mut token = String::from(if next(2) == 0 { "-" } else { "" });
            token.push(char::from(b'1' + next(9) as u8));
            token.push('.');
            token.extend((0..digits).map(|_| char::from(b'0' + next(10) as u8)));
            token += &format!("E{}", next(80) as i64 - 40);
            let expected: f64 = token.parse().expect("a decimal number");
            assert_eq!(scan(token.as_bytes()), Ok((Number::Float(expected), token.len())), "{token}");
            assert_eq!(float(&token).map(f64::to_bits), Some(expected.to_bits()), "{token}");
        }
    }

    #[test]
    fn edges_of_the_grammar() {
        for (text, expected) in [
            ("0", Ok((Number::Int(0), 1))),
            ("-0", Ok((Number::Int(0), 2))),
            ("9223372036854775807,", Ok((Number::Int(i64::MAX), 19))),
            ("-9223372036854775808", Ok((Number::Int(i64::MIN), 20))),
            ("9223372036854775808", Err((0, "a whole number beyond 64 bits"))),
            ("5E-1", Ok((Number::Float(0.5), 4))),
            ("1e22", Ok((Number::Float(1e22), 4))),
            ("1e400", Ok((Number::Float(f64::INFINITY), 5))),
            ("1e-99999999999", Ok((Number::Float(0.0), 14))),
            ("4.9E-324", Ok((Number::Float(f64::from_bits(1)), 8))),
            ("9007199254740993E0", Ok((Number::Float(9007199254740992.0), 18))),
            ("01", Err((0, "a number with a leading zero"))),
            ("1.", Err((2, "a decimal point without digits after it"))),
            ("1e", Err((2, "an exponent without digits"))),
            ("-", Err((1, "a number without digits"))),
        ] {
            assert_eq!(scan(text.as_bytes()), expected, "{text}");
        }
        assert!(matches!(scan(b"-0E0"), Ok((Number::Float(zero), 4)) if zero.is_sign_negative()));
        assert_eq!(float("-0").map(f64::to_bits), Some((-0.0_f64).to_bits()));
        assert_eq!(float("-inf"), Some(f64::NEG_INFINITY));
        assert!(float("nan").is_some_and(f64::is_nan));
        assert_eq!(float("1 2"), None);
        assert_eq!(float(""), None);
    }
}
