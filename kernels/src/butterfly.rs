//! DFTs of a few cells, written out: y(k) = Σ_n x(n)·exp(+2πi·kn/R), unscaled.
//!
//! Lanes are independent lines, so there is nothing but vertical arithmetic. Everything is straight-line code: loops
//! over a radix that a compiler keeps as loops cost half the speed, since arrays then live in memory.
//!
//! ```text
//! 2, 4, 8, 16, 9   Cooley-Tukey with constant twiddles
//! 6, 10, 12, 15    Good-Thomas: coprime factors need none
//! 3, 5, 7, 11, 13  pairs: x(p) ± x(R−p) meet cosines and sines, (R−1)²/2 products a part
//! 17               the same pairs in the order of the powers of 3, where both matrices are made of few diagonals (Rader
//!                  1968): 72 products a part instead of 128
//! ```

use num_complex::Complex;

use super::vector::{Cell, Vector};

/// exp(2πi·j/R), j = 0 .. R, in every lane; for 17 [its constants](constants_of_17).
pub type Roots<V, const R: usize> = [Cell<V>; R];

/// The butterfly of one radix.
pub trait Butterfly<T, V: Vector<T>, const R: usize> {
    fn dft(x: [Cell<V>; R], roots: &Roots<V, R>) -> [Cell<V>; R];

    /// The same, each result handed to a sink as soon as it is there.
    #[inline(always)]
    fn dft_into(x: &[Cell<V>; R], roots: &Roots<V, R>, to: &mut impl Sink<V>) {
        let y = Self::dft(*x, roots);
        for r in 0..R {
            to.re(r, y[r].re);
            to.im(r, y[r].im);
        }
    }
}

/// Takes the results of a butterfly, r < R: of every r the real part first, then the imaginary part, other results in between.
pub trait Sink<V> {
    fn re(&mut self, r: usize, re: V);
    fn im(&mut self, r: usize, im: V);
}

/// Implements [`Butterfly`] for the radix in the type.
pub struct Radix;

macro_rules! butterfly {
    ($R:literal, |$x:ident, $roots:ident| $body:expr) => {
        impl<T, V: Vector<T>> Butterfly<T, V, $R> for Radix {
            #[inline(always)]
            fn dft($x: [Cell<V>; $R], $roots: &Roots<V, $R>) -> [Cell<V>; $R] {
                $body
            }
        }
    };
}

#[inline(always)]
fn dft2<T, V: Vector<T>>([a, b]: [Cell<V>; 2]) -> [Cell<V>; 2] {
    [a + b, a - b]
}

/// `root` is exp(2πi/3).
#[inline(always)]
fn dft3<T, V: Vector<T>>([x0, x1, x2]: [Cell<V>; 3], root: Cell<V>) -> [Cell<V>; 3] {
    let (sum, difference) = (x1 + x2, x1 - x2);
    let real = Cell {
        re: sum.re.mul_add(root.re, x0.re),
        im: sum.im.mul_add(root.re, x0.im),
    };
    let turned = Cell {
        re: difference.re * root.im,
        im: difference.im * root.im,
    };
    [x0 + sum, real.plus_i(turned), real.minus_i(turned)]
}

#[inline(always)]
fn dft4<T, V: Vector<T>>([x0, x1, x2, x3]: [Cell<V>; 4]) -> [Cell<V>; 4] {
    let (a, b, c, d) = (x0 + x2, x0 - x2, x1 + x3, x1 - x3);
    [a + c, b.plus_i(d), a - c, b.minus_i(d)]
}

/// `roots` are exp(2πi/5) and its square.
#[inline(always)]
fn dft5<T, V: Vector<T>>(x: [Cell<V>; 5], roots: [Cell<V>; 2]) -> [Cell<V>; 5] {
    let [r1, r2] = roots;
    let (a1, b1, a2, b2) = (x[1] + x[4], x[1] - x[4], x[2] + x[3], x[2] - x[3]);
    let real = |c1: V, c2: V| Cell {
        re: a2.re.mul_add(c2, a1.re.mul_add(c1, x[0].re)),
        im: a2.im.mul_add(c2, a1.im.mul_add(c1, x[0].im)),
    };
    let (p, q) = (real(r1.re, r2.re), real(r2.re, r1.re));
    let s = Cell {
        re: b2.re.mul_add(r2.im, b1.re * r1.im),
        im: b2.im.mul_add(r2.im, b1.im * r1.im),
    };
    let t = Cell {
        re: b2.re.neg_mul_add(r1.im, b1.re * r2.im),
        im: b2.im.neg_mul_add(r1.im, b1.im * r2.im),
    };
    [
        x[0] + a1 + a2,
        p.plus_i(s),
        q.plus_i(t),
        q.minus_i(t),
        p.minus_i(s),
    ]
}

/// `x·(1 + i)/√2`; `half` is √½.
#[inline(always)]
fn eighth<T, V: Vector<T>>(x: Cell<V>, half: V) -> Cell<V> {
    let turned = x.plus_i(x);
    Cell {
        re: turned.re * half,
        im: turned.im * half,
    }
}

butterfly!(1, |x, _roots| x); // a line of one cell
butterfly!(2, |x, _roots| dft2(x));
butterfly!(3, |x, roots| dft3(x, roots[1]));
butterfly!(4, |x, _roots| dft4(x));
butterfly!(5, |x, roots| dft5(x, [roots[1], roots[2]]));

butterfly!(8, |x, roots| {
    let [e0, e1, e2, e3] = dft4([x[0], x[2], x[4], x[6]]);
    let [o0, o1, o2, o3] = dft4([x[1], x[3], x[5], x[7]]);
    let half = roots[1].re; // √½
    let (o1, o3) = (eighth(o1, half), eighth(o3, half)); // o3 waits for its quarter turn
    [
        e0 + o0,
        e1 + o1,
        e2.plus_i(o2),
        e3.plus_i(o3),
        e0 - o0,
        e1 - o1,
        e2.minus_i(o2),
        e3.minus_i(o3),
    ]
});

butterfly!(9, |x, roots| {
    let third = roots[3];
    let [a0, a1, a2] = dft3([x[0], x[3], x[6]], third);
    let [b0, b1, b2] = dft3([x[1], x[4], x[7]], third);
    let [c0, c1, c2] = dft3([x[2], x[5], x[8]], third);
    let (b1, b2) = (b1.times(roots[1]), b2.times(roots[2]));
    let (c1, c2) = (c1.times(roots[2]), c2.times(roots[4]));
    let [y0, y3, y6] = dft3([a0, b0, c0], third);
    let [y1, y4, y7] = dft3([a1, b1, c1], third);
    let [y2, y5, y8] = dft3([a2, b2, c2], third);
    [y0, y1, y2, y3, y4, y5, y6, y7, y8]
});

butterfly!(16, |x, roots| {
    let half = roots[2].re; // √½
    let [a0, a1, a2, a3] = dft4([x[0], x[4], x[8], x[12]]);
    let [b0, b1, b2, b3] = dft4([x[1], x[5], x[9], x[13]]);
    let [c0, c1, c2, c3] = dft4([x[2], x[6], x[10], x[14]]);
    let [d0, d1, d2, d3] = dft4([x[3], x[7], x[11], x[15]]);
    let [y0, y4, y8, y12] = dft4([a0, b0, c0, d0]);
    let [y1, y5, y9, y13] = dft4([a1, b1.times(roots[1]), eighth(c1, half), d1.times(roots[3])]);
    // c2 waits for its quarter turn
    let (b2, d2) = (eighth(b2, half), eighth(d2, half)); // d2 too
    let (p, q) = (a2.plus_i(c2), a2.minus_i(c2));
    let (r, s) = (b2.plus_i(d2), b2.minus_i(d2));
    let (y2, y6, y10, y14) = (p + r, q.plus_i(s), p - r, q.minus_i(s));
    // b3 turns by 3, c3 by 6 = an eighth and a quarter, d3 by 9 = half a turn + 1
    let (b3, c3, d3) = (b3.times(roots[3]), eighth(c3, half), d3.times(roots[1]));
    let (p, q) = (a3.plus_i(c3), a3.minus_i(c3));
    let (r, s) = (b3 - d3, b3 + d3);
    let (y3, y7, y11, y15) = (p + r, q.plus_i(s), p - r, q.minus_i(s));
    [
        y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15,
    ]
});

// Good-Thomas, R = A·B: x(B·a + A·b mod R) goes in, and y(k) comes out at k mod A, k mod B.

butterfly!(6, |x, roots| {
    let [a0, a1] = dft2([x[0], x[3]]);
    let [b0, b1] = dft2([x[2], x[5]]);
    let [c0, c1] = dft2([x[4], x[1]]);
    let [y0, y4, y2] = dft3([a0, b0, c0], roots[2]);
    let [y3, y1, y5] = dft3([a1, b1, c1], roots[2]);
    [y0, y1, y2, y3, y4, y5]
});

butterfly!(10, |x, roots| {
    let fifths = [roots[2], roots[4]];
    let [a0, a1] = dft2([x[0], x[5]]);
    let [b0, b1] = dft2([x[2], x[7]]);
    let [c0, c1] = dft2([x[4], x[9]]);
    let [d0, d1] = dft2([x[6], x[1]]);
    let [e0, e1] = dft2([x[8], x[3]]);
    let [y0, y6, y2, y8, y4] = dft5([a0, b0, c0, d0, e0], fifths);
    let [y5, y1, y7, y3, y9] = dft5([a1, b1, c1, d1, e1], fifths);
    [y0, y1, y2, y3, y4, y5, y6, y7, y8, y9]
});

butterfly!(12, |x, roots| {
    let [a0, a1, a2, a3] = dft4([x[0], x[3], x[6], x[9]]);
    let [b0, b1, b2, b3] = dft4([x[4], x[7], x[10], x[1]]);
    let [c0, c1, c2, c3] = dft4([x[8], x[11], x[2], x[5]]);
    let third = roots[4];
    let [y0, y4, y8] = dft3([a0, b0, c0], third);
    let [y9, y1, y5] = dft3([a1, b1, c1], third);
    let [y6, y10, y2] = dft3([a2, b2, c2], third);
    let [y3, y7, y11] = dft3([a3, b3, c3], third);
    [y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11]
});

butterfly!(15, |x, roots| {
    let third = roots[5];
    let fifths = [roots[3], roots[6]];
    let [a0, a1, a2] = dft3([x[0], x[5], x[10]], third);
    let [b0, b1, b2] = dft3([x[3], x[8], x[13]], third);
    let [c0, c1, c2] = dft3([x[6], x[11], x[1]], third);
    let [d0, d1, d2] = dft3([x[9], x[14], x[4]], third);
    let [e0, e1, e2] = dft3([x[12], x[2], x[7]], third);
    let [y0, y6, y12, y3, y9] = dft5([a0, b0, c0, d0, e0], fifths);
    let [y10, y1, y7, y13, y4] = dft5([a1, b1, c1, d1, e1], fifths);
    let [y5, y11, y2, y8, y14] = dft5([a2, b2, c2, d2, e2], fifths);
    [
        y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14,
    ]
});

/// An odd prime radix: y(±k) = Σ_p cos(2πkp/R)·(x(p) + x(R−p)) ± i·Σ_p sin(2πkp/R)·(x(p) − x(R−p)).
macro_rules! prime {
    ($R:literal, [$($k:literal)*] $pairs:tt) => {
        butterfly!($R, |x, roots| {
            const HALF: usize = $R / 2;
            let mut sums = [x[0]; HALF];
            let mut differences = [x[0]; HALF];
            let mut y = x;
            $(
                sums[$k - 1] = x[$k] + x[$R - $k];
                differences[$k - 1] = x[$k] - x[$R - $k];
                y[0] = y[0] + sums[$k - 1];
            )*
            $( prime!(@output $R, $k, $pairs, x, y, sums, differences, roots); )*
            y
        });
    };
    (@output $R:literal, $k:literal, [$($p:literal)*], $x:ident, $y:ident, $sums:ident, $differences:ident, $roots:ident) => {{
        let mut even = $x[0];
        $(
            // Roots come in conjugate pairs; the first half of them is enough.
            const { assert!($k * $p % $R != 0) };
            let root = $roots[nearest($k * $p, $R)];
            even.re = $sums[$p - 1].re.mul_add(root.re, even.re);
            even.im = $sums[$p - 1].im.mul_add(root.re, even.im);
        )*
        let root = $roots[$k];
        let mut odd = Cell {
            re: $differences[0].re * root.im,
            im: $differences[0].im * root.im,
        };
        $(
            if $p > 1 {
                let root = $roots[nearest($k * $p, $R)];
                let difference = $differences[$p - 1];
                if $k * $p % $R <= $R / 2 {
                    odd.re = difference.re.mul_add(root.im, odd.re);
                    odd.im = difference.im.mul_add(root.im, odd.im);
                } else {
                    odd.re = difference.re.neg_mul_add(root.im, odd.re);
                    odd.im = difference.im.neg_mul_add(root.im, odd.im);
                }
            }
        )*
        $y[$k] = even.plus_i(odd);
        $y[$R - $k] = even.minus_i(odd);
    }};
}

/// The one of ±n modulo the radix that lies in the first half.
const fn nearest(n: usize, radix: usize) -> usize {
    let n = n % radix;
    if n <= radix / 2 { n } else { radix - n }
}

prime!(7, [1 2 3] [1 2 3]);
prime!(11, [1 2 3 4 5] [1 2 3 4 5]);
prime!(13, [1 2 3 4 5 6] [1 2 3 4 5 6]);

/// 3^j modulo 17: all of 1 ..= 16.
const POWERS: [usize; 16] = [1, 3, 9, 10, 13, 5, 15, 11, 16, 14, 8, 7, 4, 12, 2, 6];

/// What radix 17 multiplies by, instead of the roots. With c(n), s(n) = cos, sin of 2π·3ⁿ/17, of period 8 and
/// antiperiod 8:
///
/// ```text
/// g(n) = ¼(c(n) + c(n+2) + c(n+4) + c(n+6))   n = 0, 1      h(n) = ¼(c(n) − c(n+2) + c(n+4) − c(n+6))   n = 0, 1
/// f(n) = ½(c(n) − c(n+4))                     n = 0 .. 4
/// s(n),  s(n+4) − s(n),  s(n+4) + s(n)        n = 0 .. 7
/// ```
pub fn constants_of_17() -> [Complex<f64>; 17] {
    let angle = |n: usize| 2.0 * std::f64::consts::PI * POWERS[n % 16] as f64 / 17.0;
    let (c, s) = (|n| angle(n).cos(), |n| angle(n).sin());
    let quarter = |n, sign: f64| 0.25 * (c(n) + sign * c(n + 2) + c(n + 4) + sign * c(n + 6));
    std::array::from_fn(|i| match i {
        0..7 => Complex::new(s(i), s(i + 4) - s(i)),
        7..14 => Complex::new(
            s(i - 3) + s(i - 7),
            if i < 11 {
                0.5 * (c(i - 7) - c(i - 3))
            } else {
                0.0
            },
        ),
        14 | 15 => Complex::new(quarter(i - 14, 1.0), quarter(i - 14, -1.0)),
        _ => Complex::new(0.0, 0.0),
    })
}

/// Σ_p cos(2πkp/17)·a(p) + x0 for k = 3^i, where a(j) stands for p = ±3^j. The matrix is c(i + j): folding it in halves,
/// twice, leaves blocks of 1 x 1, 2 x 2 and 4 x 4 diagonals.
#[inline(always)]
fn even_of_17<T, V: Vector<T>>(x0: V, a: [V; 8], constants: &Roots<V, 17>) -> [V; 8] {
    let (s0, s1, s2, s3) = (a[0] + a[4], a[1] + a[5], a[2] + a[6], a[3] + a[7]);
    let d = [a[0] - a[4], a[1] - a[5], a[2] - a[6], a[3] - a[7]];
    let (t0, t1, u0, u1) = (s0 + s2, s1 + s3, s0 - s2, s1 - s3);
    let [g0, g1] = [constants[14].re, constants[15].re];
    let [h0, h1] = [constants[14].im, constants[15].im];
    let (p0, p1) = (
        t1.mul_add(g1, t0.mul_add(g0, x0)),
        t1.mul_add(g0, t0.mul_add(g1, x0)),
    );
    let (q0, q1) = (u1.mul_add(h1, u0 * h0), u1.neg_mul_add(h0, u0 * h1));
    let e = [p0 + q0, p1 + q1, p0 - q0, p1 - q1];
    let f: [V; 4] = std::array::from_fn(|n| constants[7 + n].im);
    // f has antiperiod 4
    let r0 = d[1].mul_add(f[1], d[0] * f[0]);
    let r1 = d[1].mul_add(f[2], d[0] * f[1]);
    let r2 = d[1].mul_add(f[3], d[0] * f[2]);
    let r3 = d[1].neg_mul_add(f[0], d[0] * f[3]);
    let r0 = d[3].mul_add(f[3], d[2].mul_add(f[2], r0));
    let r1 = d[3].neg_mul_add(f[0], d[2].mul_add(f[3], r1));
    let r2 = d[3].neg_mul_add(f[1], d[2].neg_mul_add(f[0], r2));
    let r3 = d[3].neg_mul_add(f[2], d[2].neg_mul_add(f[1], r3));
    [
        e[0] + r0,
        e[1] + r1,
        e[2] + r2,
        e[3] + r3,
        e[0] - r0,
        e[1] - r1,
        e[2] - r2,
        e[3] - r3,
    ]
}

/// Σ_j w(i + j)·x(j) for i = 0 .. 4.
#[inline(always)]
fn diagonals<T, V: Vector<T>>(w: [V; 7], x: [V; 4]) -> [V; 4] {
    let mut sums = [x[0] * w[0], x[0] * w[1], x[0] * w[2], x[0] * w[3]];
    for j in 1..4 {
        for i in 0..4 {
            sums[i] = x[j].mul_add(w[i + j], sums[i]);
        }
    }
    sums
}

/// Σ_p sin(2πkp/17)·b(p) for k = 3^i, where b(j) stands for p = 3^j. The matrix is s(i + j), whose quarters are those of
/// a product of complex numbers: three of its four products are enough.
#[inline(always)]
fn odd_of_17<T, V: Vector<T>>(b: [V; 8], constants: &Roots<V, 17>) -> [V; 8] {
    let both = std::array::from_fn(|j| b[j] + b[j + 4]);
    let common = diagonals(std::array::from_fn(|n| constants[n].re), both);
    let high = diagonals(
        std::array::from_fn(|n| constants[7 + n].re),
        [b[0], b[1], b[2], b[3]],
    );
    let low = diagonals(
        std::array::from_fn(|n| constants[n].im),
        [b[4], b[5], b[6], b[7]],
    );
    std::array::from_fn(|i| match i {
        0..4 => common[i] + low[i],
        _ => high[i - 4] - common[i - 4],
    })
}

impl<T, V: Vector<T>> Butterfly<T, V, 17> for Radix {
    #[inline(always)]
    fn dft(x: [Cell<V>; 17], constants: &Roots<V, 17>) -> [Cell<V>; 17] {
        let mut y = x;
        Self::dft_into(&x, constants, &mut y);
        y
    }

    /// The real parts of the results need sums of real and differences of imaginary parts only, and the other way
    /// round: one after the other, since both at once are more values than there are registers.
    #[inline(always)]
    fn dft_into(x: &[Cell<V>; 17], constants: &Roots<V, 17>, to: &mut impl Sink<V>) {
        let sums: [V; 8] = std::array::from_fn(|j| x[POWERS[j]].re + x[POWERS[j + 8]].re);
        to.re(0, sums.into_iter().fold(x[0].re, V::add));
        let even = even_of_17(x[0].re, sums, constants);
        let odd = odd_of_17(
            std::array::from_fn(|j| x[POWERS[j]].im - x[POWERS[j + 8]].im),
            constants,
        );
        for i in 0..8 {
            to.re(POWERS[i], even[i] - odd[i]);
            to.re(POWERS[i + 8], even[i] + odd[i]);
        }
        let sums: [V; 8] = std::array::from_fn(|j| x[POWERS[j]].im + x[POWERS[j + 8]].im);
        to.im(0, sums.into_iter().fold(x[0].im, V::add));
        let even = even_of_17(x[0].im, sums, constants);
        let odd = odd_of_17(
            std::array::from_fn(|j| x[POWERS[j]].re - x[POWERS[j + 8]].re),
            constants,
        );
        for i in 0..8 {
            to.im(POWERS[i], even[i] + odd[i]);
            to.im(POWERS[i + 8], even[i] - odd[i]);
        }
    }
}

impl<V> Sink<V> for [Cell<V>; 17] {
    #[inline(always)]
    fn re(&mut self, r: usize, re: V) {
        self[r].re = re;
    }

    #[inline(always)]
    fn im(&mut self, r: usize, im: V) {
        self[r].im = im;
    }
}
