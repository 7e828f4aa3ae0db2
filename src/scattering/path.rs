//! [`PathTable`]: which wavelets each output row went through.
//!
//! A path p = (λ1, …, λm) stands for U[p]x = |…|x ⋆ ψ_λ1| ⋆ … ⋆ ψ_λm|; m is its order. A path may be extended by every
//! wavelet of a strictly coarser scale: |x ⋆ ψ_j1| carries next to no energy at finer ones (Bruna & Mallat 2013,
//! section 3.1). Rows stand by order, then lexicographically in (λ1, λ2, …), so the children of a path are
//! neighbours, and so are all descendants of one order.
//!
//! The table is generic over the description `W` of one wavelet, so every dimension shares it.

use std::ops::{Index, Range};
use std::sync::Arc;

use crate::{Result, memory};

/// What a path table needs to know of a wavelet.
pub trait Scale {
    /// Index of the scale, 0 = finest.
    fn j(&self) -> usize;
}

impl Scale for crate::filters::Wavelet2d {
    fn j(&self) -> usize {
        self.j
    }
}

/// One row of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Indices λ of its wavelets in the bank, first layer first. Empty for the average of the input.
    pub lambdas: Box<[usize]>,
    /// Distance of neighbouring samples of this row in pixels, along each axis; `None` for a mean over the image.
    pub subsampling: Option<usize>,
    /// How many pixels one sample of this row stands for.
    pub pixels: usize,
    parent: usize,
    children: Range<usize>,
}

impl Path {
    /// Number of moduli on the path.
    pub fn order(&self) -> usize {
        self.lambdas.len()
    }
}

/// All paths of a transform, in the order of its output rows.
///
/// ```
/// use wavelet_scattering::Scattering2d;
///
/// let plan = Scattering2d::params([32, 32], 2).plan::<f32>()?;
/// let table = plan.paths();
/// assert_eq!(table.len(), 81);
/// let row = table.row(&[(0, 3), (1, 5)]).unwrap(); // (j, theta) of each layer
/// assert_eq!(table.wavelets_of(row).map(|w| (w.j, w.l)).collect::<Vec<_>>(), [(0, 3), (1, 5)]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PathTable<W> {
    wavelets: Arc<[W]>,
    paths: Vec<Path>,
    /// First row of every order, and the number of rows.
    orders: Vec<usize>,
}

/// Number of paths of each order 0..=max_order when J scales hold L wavelets each: C(J, m)·L^m, saturating.
pub(crate) fn count_by_order(J: usize, L: usize, max_order: usize) -> Vec<u64> {
    // More scales than bits of a side exist on no image, so what a caller may ask beyond that need not be exact.
    let J = J.min(usize::BITS as usize);
    let mut counts = vec![1_u64];
    let mut binomial = 1_u128;
    let mut power = 1_u128;
    for m in 1..=max_order.min(J) {
        binomial = binomial.saturating_mul((J + 1 - m) as u128) / m as u128;
        power = power.saturating_mul(L as u128);
        counts.push(u64::try_from(binomial.saturating_mul(power)).unwrap_or(u64::MAX));
    }
    counts
}

impl<W: Scale> PathTable<W> {
    /// Enumerates every path up to `max_order`. `sampling` tells subsampling and pixels of a path from its last
    /// wavelet, `None` for the input itself. Orders that no path reaches have no rows.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if the table itself does not fit.
    pub(crate) fn new(
        wavelets: Arc<[W]>,
        max_order: usize,
        expected: u64,
        sampling: impl Fn(Option<&W>) -> (Option<usize>, usize),
    ) -> Result<Self> {
        memory::require(
            "the path table",
            memory::bytes_of::<[Path; 2]>(expected),
            "use a smaller max_order, J or L",
        )?;
        let path = |parent: usize, lambdas: Box<[usize]>| {
            let (subsampling, pixels) = sampling(lambdas.last().map(|&lambda| &wavelets[lambda]));
            Path {
                lambdas,
                subsampling,
                pixels,
                parent,
                children: 0..0,
            }
        };
        let mut paths = vec![path(0, Box::default())];
        let mut orders = vec![0];
        while orders.len() <= max_order {
            let (first, end) = (orders[orders.len() - 1], paths.len());
            for row in first..end {
                let last = paths[row]
                    .lambdas
                    .last()
                    .map(|&lambda| wavelets[lambda].j());
                let start = paths.len();
                for lambda in
                    (0..wavelets.len()).filter(|&lambda| last < Some(wavelets[lambda].j()))
                {
                    let lambdas = paths[row].lambdas.iter().copied().chain([lambda]).collect();
                    paths.push(path(row, lambdas));
                }
                paths[row].children = start..paths.len();
            }
            if paths.len() == end {
                break;
            }
            orders.push(end);
        }
        orders.push(paths.len());
        Ok(Self {
            wavelets,
            paths,
            orders,
        })
    }

    /// The same paths where every row is a mean over all its samples.
    pub(crate) fn over_space(&self, samples: impl Fn(usize) -> usize) -> Self
    where
        W: Clone,
    {
        let mut table = self.clone();
        for (row, path) in table.paths.iter_mut().enumerate() {
            path.pixels *= samples(row);
            path.subsampling = None;
        }
        table
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there is no row; never, since order 0 always exists.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// The largest order that has rows.
    pub fn max_order(&self) -> usize {
        self.orders.len() - 2
    }

    /// The rows of one order; empty where no path reaches it.
    pub fn rows_of_order(&self, order: usize) -> Range<usize> {
        match self.orders.get(order..).and_then(|orders| orders.get(..2)) {
            Some(&[first, end]) => first..end,
            _ => self.len()..self.len(),
        }
    }

    /// All paths in row order.
    pub fn iter(&self) -> std::slice::Iter<'_, Path> {
        self.paths.iter()
    }

    /// The rows that extend this one by one more wavelet.
    pub fn children(&self, row: usize) -> Range<usize> {
        self.paths[row].children.clone()
    }

    /// The row of the path without its last wavelet; `None` for order 0.
    pub fn parent(&self, row: usize) -> Option<usize> {
        (self.paths[row].order() > 0).then_some(self.paths[row].parent)
    }

    /// The wavelets of the bank, by λ.
    pub fn wavelets(&self) -> &[W] {
        &self.wavelets
    }

    /// The wavelets of a row, first layer first.
    pub fn wavelets_of(
        &self,
        row: usize,
    ) -> impl DoubleEndedIterator<Item = &W> + ExactSizeIterator {
        self.paths[row]
            .lambdas
            .iter()
            .map(|&lambda| &self.wavelets[lambda])
    }

    /// The wavelet that a row went through last; `None` for order 0.
    pub fn last_wavelet(&self, row: usize) -> Option<&W> {
        self.wavelets_of(row).next_back()
    }

    /// The row whose wavelets have these indices λ, if there is one.
    pub fn row_of_lambdas(&self, lambdas: &[usize]) -> Option<usize> {
        lambdas.iter().try_fold(0, |row, &lambda| {
            let children = self.children(row);
            // Children stand in order of their last λ.
            let offset = self.paths[children.clone()]
                .binary_search_by_key(&Some(lambda), |path| path.lambdas.last().copied())
                .ok()?;
            Some(children.start + offset)
        })
    }
}

impl PathTable<crate::filters::Wavelet2d> {
    /// The row of the path with these (j, l) per layer, l the index of the orientation; `None` if there is none.
    pub fn row(&self, path: &[(usize, usize)]) -> Option<usize> {
        let L = self.wavelets.last()?.l + 1;
        let lambdas: Option<Vec<usize>> = path
            .iter()
            .map(|&(j, l)| j.checked_mul(L).filter(|_| l < L).map(|first| first + l))
            .collect();
        self.row_of_lambdas(&lambdas?)
    }

    /// A short name of a row for headers and file members: `S` for order 0, `S_j0t3_j1t5` and so on above.
    pub fn name(&self, row: usize) -> String {
        let layers = self
            .wavelets_of(row)
            .map(|wavelet| format!("_j{}t{}", wavelet.j, wavelet.l));
        std::iter::once("S".to_string()).chain(layers).collect()
    }

    /// The header of [`records`](Self::records).
    pub fn header(&self) -> Vec<String> {
        let mut header: Vec<String> = ["row", "name", "order"].map(String::from).into();
        for layer in 1..=self.max_order() {
            for column in ["j", "theta", "angle", "xi", "sigma"] {
                header.push(format!("{column}{layer}"));
            }
        }
        header.extend(["subsampling", "pixels"].map(String::from));
        header
    }

    /// The table as text, one record a row: indices j and theta (the orientation's index), angle in radians, centre
    /// frequency xi and bandwidth sigma in cycles per pixel for every layer, then the subsampling and the pixels that
    /// one sample stands for. Fields of layers that a path does not have are empty.
    pub fn records(&self) -> impl Iterator<Item = Vec<String>> {
        (0..self.len()).map(|row| {
            let path = &self[row];
            let mut record = vec![row.to_string(), self.name(row), path.order().to_string()];
            for wavelet in self.wavelets_of(row) {
                record.extend([wavelet.j.to_string(), wavelet.l.to_string()]);
                record.extend(
                    [wavelet.theta, wavelet.xi, wavelet.sigma].map(|value| value.to_string()),
                );
            }
            record.resize(3 + 5 * self.max_order(), String::new());
            record.push(
                path.subsampling
                    .map_or(String::new(), |step| step.to_string()),
            );
            record.push(path.pixels.to_string());
            record
        })
    }
}

impl<W> Index<usize> for PathTable<W> {
    type Output = Path;

    fn index(&self, row: usize) -> &Path {
        &self.paths[row]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::{FilterBank2d, Wavelet2d};

    fn table(J: usize, L: usize, max_order: usize) -> PathTable<Wavelet2d> {
        let wavelets = FilterBank2d::params([64, 64], J).L(L).wavelets().into();
        PathTable::new(wavelets, max_order, 1, |_| (Some(1), 1)).unwrap()
    }

    #[test]
    fn numbers_of_paths_are_those_of_the_formula() {
        for (J, L, max_order) in [
            (2, 8, 2),
            (3, 8, 2),
            (4, 3, 3),
            (3, 2, 7),
            (1, 5, 2),
            (5, 1, 0),
        ] {
            let table = table(J, L, max_order);
            let counts = count_by_order(J, L, max_order);
            assert_eq!(table.len() as u64, counts.iter().sum::<u64>());
            for (order, &count) in counts.iter().enumerate() {
                assert_eq!(table.rows_of_order(order).len() as u64, count);
            }
            assert_eq!(table.max_order(), max_order.min(J));
            assert!(table.rows_of_order(max_order + 1).is_empty());
        }
        assert_eq!(table(2, 8, 2).len(), 81);
        assert_eq!(table(3, 8, 2).len(), 217);
    }

    #[test]
    fn rows_stand_by_order_then_lexicographically_with_increasing_scales() {
        let table = table(4, 3, 3);
        let keys: Vec<_> = table
            .iter()
            .map(|path| (path.order(), path.lambdas.clone()))
            .collect();
        assert!(keys.is_sorted());
        for row in 0..table.len() {
            let scales: Vec<_> = table.wavelets_of(row).map(|w| w.j).collect();
            assert!(scales.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn rows_are_found_from_both_directions() {
        let table = table(4, 3, 3);
        for row in 0..table.len() {
            let key: Vec<_> = table.wavelets_of(row).map(|w| (w.j, w.l)).collect();
            assert_eq!(table.row(&key), Some(row));
            for child in table.children(row) {
                assert_eq!(table.parent(child), Some(row));
            }
        }
        assert_eq!(table.parent(0), None);
        for absent in [
            &[(1, 0), (1, 0)][..],
            &[(2, 0), (1, 0)],
            &[(0, 3)],
            &[(4, 0)],
            &[(usize::MAX, 0)],
        ] {
            assert_eq!(table.row(absent), None);
        }
    }

    /// Kymatio's formula for the index of (j1, t1, j2, t2) among the second-order paths.
    #[test]
    fn second_order_rows_have_kymatios_index() {
        let (J, L) = (4, 5);
        let table = table(J, L, 2);
        let first = table.rows_of_order(2).start;
        for j1 in 0..J {
            for (t1, j2, t2) in (0..L)
                .flat_map(|t1| (j1 + 1..J).flat_map(move |j2| (0..L).map(move |t2| (t1, j2, t2))))
            {
                let before: usize = (0..j1).map(|j| L * L * (J - 1 - j)).sum();
                let expected = before + t1 * L * (J - j1 - 1) + t2 + L * (j2 - j1 - 1);
                assert_eq!(table.row(&[(j1, t1), (j2, t2)]), Some(first + expected));
            }
        }
    }
}
