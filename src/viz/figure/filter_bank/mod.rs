//! [`sheet`]: every filter of a bank on one page, or how evenly the bank covers the frequency plane.
//!
//! Comes in: a [`FilterBank2d`](crate::filters::FilterBank2d) or a [`WaveletList2d`]. Goes out: a labelled [`Raster`] whose
//! rows are scales j and whose columns are orientations θ, in the order of the bank. Filters are computed at the resolution
//! that they are drawn at, so that grids may be of any size.
//!
//! Conventions that bite: axis 0 runs down and axis 1 to the right, as in the arrays, so θ = 0 oscillates from row to
//! row. θ is reported modulo π; a filter whose formula has a negative angle sits on the other side of the origin, and
//! the caption says which do. Filters in space are shown where they live, within ±2.5 standard deviations of
//! their envelope, and the label tells how many pixels that is; one sample is one square.

mod fourier;
mod layout;
mod space;
mod view;
mod words;

pub use words::Show;

use layout::Layout;
use view::Bank;

use super::super::page;
use super::littlewood_paley;
use crate::Result;
use crate::filters::WaveletList2d;
use crate::raster::Raster;

/// A page that shows a bank.
///
/// Panels shrink where the bank is large, from 112 pixels down to 8.
///
/// # Errors
/// [`Error::InvalidParameter`](crate::Error::InvalidParameter) if even the smallest panels would make a side longer than 16384 pixels,
/// and those of [`WaveletList2d::check`].
///
/// ```
/// use wavelet_scattering::filters::FilterBank2d;
/// use wavelet_scattering::viz::filter_bank::{Show, sheet};
///
/// let bank = FilterBank2d::params([32, 32], 2).L(4).build::<f32>()?;
/// let picture = sheet(&bank, Show::Fourier)?;
/// assert!(picture.width() > 4 * 112);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn sheet(bank: impl Into<WaveletList2d>, show: Show) -> Result<Raster> {
    let list = &bank.into();
    list.check()?;
    let bank = &Bank::new(list);
    if show == Show::LittlewoodPaley {
        return littlewood_paley::coverage(list, &words::title(bank, show));
    }
    let layout = Layout::new(bank, show)?;
    let mut raster = page(layout.width, layout.height)?;
    layout.head.draw(&mut raster);
    layout.label(&mut raster, bank);
    match show {
        Show::Fourier => fourier::fourier(&mut raster, &layout, bank),
        _ => space::space(&mut raster, &layout, bank, show),
    }
    Ok(raster)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::super::{color, fits};
    use super::layout::COMPOSITE;
    use super::*;
    use crate::Error;
    use crate::filters::{Family, FilterBank2d, Normalization};
    use crate::num::Complex;

    const ALL: [Show; 4] = [
        Show::Space,
        Show::Fourier,
        Show::Phase,
        Show::LittlewoodPaley,
    ];

    fn bank(shape: [usize; 2], J: usize, L: usize) -> FilterBank2d<f64> {
        FilterBank2d::params(shape, J).L(L).build().unwrap()
    }

    /// Where the panels of a bank stand.
    fn layout(bank: &FilterBank2d<f64>, show: Show) -> crate::Result<Layout> {
        Layout::new(&Bank::new(&bank.into()), show)
    }

    /// The colours of one panel, rows from top to bottom.
    fn panel_of(picture: &Raster, layout: &Layout, [j, l, part]: [usize; 3]) -> Array2<[u8; 3]> {
        let [x, y] = layout.cell(j, l, part);
        Array2::from_shape_fn([layout.panel; 2], |(row, column)| {
            picture.pixel(x + column, y + row)
        })
    }

    #[test]
    fn every_bank_has_every_sheet() {
        for shape in [[1, 1], [2, 3], [1, 40], [13, 7], [32, 24]] {
            for (J, L) in [(1, 1), (2, 3), (6, 2)] {
                let bank = bank(shape, J, L);
                for show in ALL {
                    let picture = sheet(&bank, show).unwrap();
                    assert!(fits(picture.width(), picture.height()));
                    assert!(
                        picture.as_rgb().iter().any(|&c| c < 100),
                        "{shape:?}, J = {J}, L = {L}, {show:?}"
                    );
                }
            }
        }
        let gabor = crate::filters::Mother {
            family: Family::Gabor,
            ..Default::default()
        };
        let params = FilterBank2d::params([20, 20], 2)
            .L(3)
            .mother(gabor)
            .normalization(Normalization::Contractive);
        for show in ALL {
            sheet(&params.build::<f32>().unwrap(), show).unwrap();
        }
    }

    #[test]
    fn filters_of_ones_own_stand_by_scale_with_their_numbers_above_them() {
        use crate::filters::gabor::Gabor;
        let gabor = |degrees: f64, xi: f64, slant: f64| Gabor {
            theta: degrees.to_radians(),
            xi,
            sigma: 0.5 * xi,
            slant,
        };
        let own = [
            gabor(10.0, 0.3, 0.5),
            gabor(-40.0, 0.35, 2.0),
            gabor(100.0, 0.05, 1.0),
        ];
        let list = WaveletList2d::new([80, 64], 4, &own);
        let seen = Bank::new(&list);
        assert!(!seen.is_regular);
        assert_eq!(seen.rows, [0..2, 2..3]);
        for show in ALL {
            let picture = sheet(&list, show).unwrap();
            assert!(picture.as_rgb().iter().any(|&c| c < 100), "{show:?}");
        }
        let bad = WaveletList2d::new([80, 64], 4, &[gabor(0.0, 0.7, 1.0)]);
        assert!(sheet(&bad, Show::Space).is_err());
    }

    #[test]
    fn large_banks_shrink_their_panels_and_larger_ones_are_refused() {
        let panel = |J, L, show| layout(&bank([4, 4], J, L), show).map(|layout| layout.panel);
        assert_eq!(panel(3, 8, Show::Phase).unwrap(), 112);
        assert_eq!(panel(3, 8, Show::Space).unwrap(), 88);
        assert!(panel(8, 300, Show::Space).unwrap() < 64);
        assert!(matches!(
            panel(1, 2000, Show::Phase),
            Err(Error::InvalidParameter { name: "L", .. })
        ));
        for show in ALL {
            let layout = layout(&bank([4, 4], 32, 32), show).unwrap();
            assert!(fits(layout.width, layout.height));
        }
        let wide = sheet(&bank([4, 4], 1, 900), Show::Space).unwrap();
        assert!(wide.width() > 9000 && wide.width() <= 16_384);
    }

    #[test]
    fn filters_oscillate_along_their_wave_vector() {
        // L = 2: θ = 0 oscillates down the rows, θ = 90° along the columns
        let bank = bank([64, 64], 2, 2);
        let (picture, layout) = (
            sheet(&bank, Show::Space).unwrap(),
            layout(&bank, Show::Space).unwrap(),
        );
        let red = |color: [u8; 3]| i32::from(color[0]) - i32::from(color[2]);
        for l in 0..2 {
            assert_eq!(
                bank.wavelets()[l].theta.to_degrees().round() as usize,
                90 * l
            );
            let re = panel_of(&picture, &layout, [1, l, 0]).map(|&color| red(color));
            let middle = layout.panel / 2;
            let least = |line: &mut dyn Iterator<Item = i32>| line.min().unwrap();
            let down = least(&mut (0..layout.panel).map(|i| re[[i, middle]]));
            let right = least(&mut (0..layout.panel).map(|i| re[[middle, i]]));
            let (along, across) = if l == 0 { (down, right) } else { (right, down) };
            assert!(
                along < -60,
                "l = {l}: blue beside the red crest, got {along}"
            );
            assert!(
                across > -25,
                "l = {l}: no blue along the crest, got {across}"
            );
            assert!(re[[middle, middle]] > 50);
        }
    }

    #[test]
    fn the_imaginary_part_changes_its_sign_at_the_origin_and_the_modulus_does_not() {
        let bank = bank([31, 45], 2, 1);
        let (picture, layout) = (
            sheet(&bank, Show::Space).unwrap(),
            layout(&bank, Show::Space).unwrap(),
        );
        let im = panel_of(&picture, &layout, [1, 0, 1]);
        let modulus = panel_of(&picture, &layout, [1, 0, 2]);
        let (middle, off) = (layout.panel / 2, layout.panel / 10);
        let [above, below] = [im[[middle - off, middle]], im[[middle + off, middle]]];
        assert!(
            above[2] > above[0] && below[0] > below[2],
            "sin(2πξu) is negative above the origin"
        );
        let brightest = modulus
            .iter()
            .map(|c| c.iter().map(|&c| u32::from(c)).sum::<u32>())
            .max()
            .unwrap();
        assert_eq!(
            modulus[[middle, middle]]
                .iter()
                .map(|&c| u32::from(c))
                .sum::<u32>(),
            brightest
        );
    }

    #[test]
    fn transfer_functions_peak_at_their_wave_vector_on_the_stated_side() {
        for L in [1, 2, 3, 4, 5, 8] {
            let bank = bank([48, 64], 2, L);
            let (picture, layout) = (
                sheet(&bank, Show::Fourier).unwrap(),
                layout(&bank, Show::Fourier).unwrap(),
            );
            for wavelet in &bank.wavelets()[L..] {
                let colors = panel_of(&picture, &layout, [1, wavelet.l, 0]);
                let light = |c: &[u8; 3]| c.iter().map(|&c| u32::from(c)).sum::<u32>();
                let most = colors.iter().map(light).max().unwrap();
                let bright: Vec<_> = colors
                    .indexed_iter()
                    .filter(|&(_, c)| light(c) == most)
                    .map(|(at, _)| at)
                    .collect();
                let mean = |pick: fn(&(usize, usize)) -> usize| {
                    bright.iter().map(pick).sum::<usize>() as f64 / bright.len() as f64
                };
                let omega = [mean(|at| at.0), mean(|at| at.1)]
                    .map(|p| (p + 0.5) / layout.panel as f64 - 0.5);
                let expected = wavelet.wave_vector();
                for axis in [0, 1] {
                    // L = 1 has a wide filter, a line of frequencies along axis 1.
                    let tolerance = if L < 3 && expected[axis].abs() < 1e-9 {
                        0.06
                    } else {
                        0.03
                    };
                    assert!(
                        (omega[axis] - expected[axis]).abs() < tolerance,
                        "{wavelet:?}: {omega:?} for {expected:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_contour_of_phi_is_a_circle_at_half_its_height() {
        let bank = bank([64, 64], 2, 4);
        let (picture, layout) = (
            sheet(&bank, Show::Fourier).unwrap(),
            layout(&bank, Show::Fourier).unwrap(),
        );
        let [x, y] = layout.phi_cell();
        let middle = COMPOSITE / 2;
        let corner = [x + layout.panel + 110, y + 2];
        let radius = bank.sigma_phi() * (2.0 * 2.0_f64.ln()).sqrt() * COMPOSITE as f64;
        for turn in 0..8 {
            let (sin, cos) = (std::f64::consts::FRAC_PI_4 * f64::from(turn)).sin_cos();
            let at = |r: f64| {
                [
                    (middle as f64 + r * sin) as usize,
                    (middle as f64 + r * cos) as usize,
                ]
            };
            let darkest = (-2..=2)
                .map(|off| at(radius + f64::from(off)))
                .map(|[dx, dy]| picture.pixel(corner[0] + dx, corner[1] + dy))
                .map(|c| c.into_iter().max().unwrap());
            assert!(darkest.min().unwrap() < 90, "direction {turn}");
        }
    }

    #[test]
    fn phases_wind_along_the_wave_vector() {
        let bank = bank([64, 64], 2, 1);
        let (picture, layout) = (
            sheet(&bank, Show::Phase).unwrap(),
            layout(&bank, Show::Phase).unwrap(),
        );
        let colors = panel_of(&picture, &layout, [1, 0, 0]);
        let middle = layout.panel / 2;
        assert_eq!(
            colors[[middle, middle]],
            color::complex(Complex::new(1.0, 0.0))
        );
        let quarter = colors[[middle + layout.panel / 10, middle]];
        assert!(
            quarter[1] > quarter[2],
            "phase π/2 is yellow-green: {quarter:?}"
        );
    }
}
