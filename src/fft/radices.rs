//! Which lengths are fast: the radices of a line on lanes and what they cost, lengths worth a thought for a transform of
//! any kind, and the sides of the plane that a long line is folded into.

use std::sync::LazyLock;

use crate::kernels::pass::RADICES;

/// Operations a cell of one butterfly, to choose by; the pass around it adds [`PASS`]. Those that hold more values than
/// there are registers cost more: measured, 224 x 224 at J = 3 is an eighth faster with 240 = 5·6·8 and 120 = 10·12 than
/// with 16·15 and 15·8, and 136² takes a third longer a cell than 144².
fn operations(radix: usize) -> usize {
    match radix {
        2 => 2,
        3 | 4 => 4,
        5 | 6 | 8 => 6,
        9 | 10 | 12 => 9,
        15 | 16 => 14,
        17 => 25,
        prime => prime + 2,
    }
}

/// Loads, stores and twiddles of a pass, in the same unit.
const PASS: usize = 8;

/// Longest line on lanes whose cost is known: as cells of 64 bytes a quarter of a megabyte, which the smaller second-level
/// caches just hold. A longer line is folded into a plane.
const LONGEST: usize = 4096;

/// What a cell of a line of this length costs, in the unit of [`operations`]; `None` if no radices divide the length, or if
/// the line is longer than any that would be fast.
pub(crate) fn line_cost(len: usize) -> Option<usize> {
    static COSTS: LazyLock<Vec<Option<usize>>> = LazyLock::new(|| {
        let mut costs = vec![None; LONGEST + 1];
        costs[1] = Some(0);
        for len in 2..=LONGEST {
            costs[len] = RADICES
                .into_iter()
                .filter(|radix| len.is_multiple_of(*radix))
                .filter_map(|radix| Some(costs[len / radix]? + operations(radix) + PASS))
                .min();
        }
        costs
    });
    *COSTS.get(len)?
}

/// The cheapest product of radices that is `len`, largest prime last; `None` if another prime divides it.
pub(crate) fn radices(len: usize) -> Option<Vec<usize>> {
    if len == 1 {
        return Some(vec![]);
    }
    let (_, mut best) = cheapest(len)?;
    best.sort_unstable_by_key(|&radix| (radix >= 7 && radix % 2 == 1 && radix != 9, radix));
    Some(best)
}

fn cheapest(len: usize) -> Option<(usize, Vec<usize>)> {
    if len == 1 {
        return Some((0, Vec::new()));
    }
    // The largest prime first, in whatever radix carries it: the search then branches only over small factors.
    let mut rest = len;
    let mut prime = 2;
    while rest > 1 {
        if rest.is_multiple_of(prime) {
            rest /= prime;
        } else {
            prime += 1;
            if prime > 17 {
                return None;
            }
        }
    }
    RADICES
        .into_iter()
        .filter(|radix| radix.is_multiple_of(prime) && len.is_multiple_of(*radix))
        .filter_map(|radix| {
            let (cost, mut rest) = cheapest(len / radix)?;
            rest.push(radix);
            Some((cost + operations(radix) + PASS, rest))
        })
        .min_by_key(|(cost, _)| *cost)
}

/// Sides n0 and n1 of the plane x(n0·i1 + i0) that a line of `len` samples is folded into, after Bailey, "FFTs in external
/// or hierarchical memory" (1990): the cheapest two whose product is `len`, n0 a multiple of `lanes`; `None` if there are
/// none that lines of lanes can do.
pub(crate) fn sides_of_line(len: usize, lanes: usize) -> Option<[usize; 2]> {
    let cost = |[n0, n1]: [usize; 2]| {
        // Rows go LANES at a time; those of n1 are whole squares.
        let full = n1.next_multiple_of(lanes) as f64 / n1 as f64;
        Some(line_cost(n0)? as f64 * full + line_cost(n1)? as f64)
    };
    divisors(len)?
        .into_iter()
        .filter(|n0| *n0 <= LONGEST && n0.is_multiple_of(lanes))
        .map(|n0| [n0, len / n0])
        .filter_map(|sides| Some((sides, cost(sides)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(sides, _)| sides)
}

/// Sides A and B of a line of `len` cells that are vectors of complex numbers: A lines of B, and B of A. One line if it is
/// short; else the cheapest two that fit a first-level cache if there are such, B a multiple of `lanes` if it can be. `None`
/// if no radices divide the length.
pub(crate) fn sides_of_cells(len: usize, lanes: usize) -> Option<[usize; 2]> {
    if len <= SHORT && line_cost(len).is_some() {
        return Some([1, len]);
    }
    let divisors = divisors(len)?;
    let cheapest = |longest: usize| {
        let sides = divisors.iter().map(|a| [*a, len / a]);
        sides
            .filter(|sides| sides.iter().all(|side| *side <= longest))
            .filter_map(|[a, b]| Some(([a, b], line_cost(a)? + line_cost(b)?)))
            .min_by_key(|([_, b], cost)| (b % lanes != 0, *cost))
            .map(|(sides, _)| sides)
    };
    [SHORT, 4 * SHORT, LONGEST].into_iter().find_map(cheapest)
}

/// Cells of a line that fits a first-level cache with its results: 20 KB as cells of 128 bytes.
const SHORT: usize = 160;

/// Every divisor of a product of primes that there are radices for, in increasing order; `None` of any other number.
fn divisors(len: usize) -> Option<Vec<usize>> {
    let mut divisors = vec![1];
    let mut rest = len;
    for prime in [2, 3, 5, 7, 11, 13, 17] {
        let without = divisors.len();
        while rest > 0 && rest.is_multiple_of(prime) {
            rest /= prime;
            let smaller = divisors.len() - without;
            divisors.extend_from_within(smaller..);
            let more = divisors.len() - without;
            divisors[more..]
                .iter_mut()
                .for_each(|divisor| *divisor *= prime);
        }
    }
    divisors.sort_unstable();
    (rest == 1).then_some(divisors)
}

/// Products 2^a·3^b·5^c, and such times 7, 11, 13 or 17, in `from ..= to`, that `multiple` divides; in increasing order.
pub(crate) fn good_lengths(from: usize, to: usize, multiple: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    let powers = |first: usize, p: usize| {
        std::iter::successors(Some(first), move |n| n.checked_mul(p)).take_while(move |n| *n <= to)
    };
    for q in [1, 7, 11, 13, 17] {
        for c in powers(q, 5) {
            for b in powers(c, 3) {
                let fits = |n: &usize| *n >= from && n.is_multiple_of(multiple);
                lengths.extend(powers(b, 2).filter(fits));
            }
        }
    }
    lengths.sort_unstable();
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radices_multiply_to_the_length_and_large_primes_have_none() {
        for len in 1..2000 {
            if let Some(radices) = radices(len) {
                assert_eq!(radices.iter().product::<usize>(), len);
                assert!(radices.iter().all(|radix| RADICES.contains(radix)));
            } else {
                assert!(
                    (18..=len).any(|p| len % p == 0 && (2..p).all(|q| p % q != 0)),
                    "{len}"
                );
            }
        }
        assert_eq!(radices(272).unwrap(), [16, 17]);
        assert_eq!(radices(136).unwrap(), [8, 17]);
        assert_eq!(radices(240).unwrap(), [5, 6, 8]);
        assert_eq!(radices(120).unwrap(), [10, 12]);
        assert_eq!(radices(256).unwrap(), [4, 8, 8]);
    }

    #[test]
    fn a_line_is_folded_into_sides_that_multiply_to_it() {
        for lanes in [4, 8, 16] {
            for len in [lanes, 96 * lanes, 1 << 20, 4096 * 4096] {
                let [n0, n1] = sides_of_line(len, lanes).unwrap();
                assert!(n0 * n1 == len && n0.is_multiple_of(lanes), "{n0} x {n1}");
                assert!(n0 <= LONGEST && n1 <= LONGEST, "{n0} x {n1}");
            }
            for len in [1, lanes - 1, 19 * lanes, 1 << 25] {
                assert_eq!(sides_of_line(len, lanes), None, "{len}");
            }
        }
    }

    #[test]
    fn divisors_are_all_that_divide() {
        for len in 1..=600 {
            let expected: Vec<_> = (1..=len).filter(|n| len % n == 0).collect();
            let rough =
                expected.iter().any(|n| [19, 23, 29, 31].contains(n)) || radices(len).is_none();
            assert_eq!(divisors(len), (!rough).then_some(expected), "{len}");
        }
        assert_eq!(divisors(0), None);
    }

    #[test]
    fn good_lengths_are_all_products_of_small_primes_with_one_large_at_most() {
        let is_good = |n: usize| {
            let mut rest = n;
            for p in [2, 3, 5] {
                while rest.is_multiple_of(p) {
                    rest /= p;
                }
            }
            [1, 7, 11, 13, 17].contains(&rest)
        };
        for multiple in [1, 4] {
            let expected = (30..=700).filter(|n| is_good(*n) && n.is_multiple_of(multiple));
            assert!(good_lengths(30, 700, multiple).into_iter().eq(expected));
        }
        assert_eq!(good_lengths(18, 19, 1), [18]);
    }
}
