//! Reports as one HTML page that needs nothing beside it: style, tables, pictures, and no script.
//!
//! Comes in: titles, numbers as text, [`Raster`]s. Goes out: [`Markup`] for the parts and a `String` for the page, which
//! the commands write. Whatever is inserted is escaped by `maud`; pictures stand in the page as base64.
//!
//! A part is a function from data to [`Markup`], so that a command reads like its page:
//!
//! ```ignore
//! let body = html! {
//!     (page::section("Results", &html! {
//!         (page::table(&["competitor", "error (%)"], &rows))
//!         (page::figure(&curves, "Error against the number of training samples", "Mean over 3 seeds.")?)
//!     }))
//! };
//! let text = page::page("Digits", "Eight competitors on one task.", &body);
//! ```

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use wavelet_scattering::io;
use wavelet_scattering::raster::Raster;

/// One column of text, the system's fonts, and its colours by day and by night. Pictures are made for white, so they
/// keep a white ground.
const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1b1b1f; --ground: #fff; --soft: #5c5c66; --line: #d9d9e0; --tint: #f4f4f7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6ea; --ground: #17171a; --soft: #a3a3ad; --line: #3a3a42; --tint: #222227; }
}
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--ground); margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .6rem; padding-top: .7rem; border-top: 1px solid var(--line); }
p { max-width: 44rem; margin: .6rem 0; }
.lead { color: var(--soft); font-size: 1.08rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
caption { caption-side: bottom; text-align: left; color: var(--soft); padding-top: .4rem; }
th, td { padding: .28rem .8rem .28rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; vertical-align: bottom; }
tbody tr:hover { background: var(--tint); }
figure { margin: 1.4rem 0; }
figure img { max-width: 100%; height: auto; display: block; background: #fff; border-radius: 4px; }
figcaption { color: var(--soft); font-size: .92rem; margin-top: .4rem; max-width: 44rem; }
code, pre { font: .88em/1.5 ui-monospace, monospace; background: var(--tint); border-radius: 3px; padding: .1em .3em; }
pre { padding: .7rem .9rem; overflow-x: auto; }
details > summary { cursor: pointer; color: var(--soft); }
footer { margin-top: 3rem; color: var(--soft); font-size: .88rem; }
";

/// The whole page: title, one sentence below it, and the parts.
pub fn page(title: &str, lead: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    p.lead { (lead) }
                    (body)
                    footer { "scatter " (env!("CARGO_PKG_VERSION")) }
                }
            }
        }
    }
    .into_string()
}

/// A part with a heading.
pub fn section(title: &str, body: &Markup) -> Markup {
    html! {
        section { h2 { (title) } (body) }
    }
}

/// Sentences, one paragraph each.
pub fn paragraphs<S: AsRef<str>>(texts: &[S]) -> Markup {
    html! {
        @for text in texts { p { (text.as_ref()) } }
    }
}

/// A table; the first column names its row and stands left, numbers stand right.
pub fn table<S: AsRef<str>, R: AsRef<[S]>>(header: &[&str], rows: &[R]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for name in header { th scope="col" { (name) } } } }
                tbody {
                    @for row in rows {
                        tr { @for cell in row.as_ref() { td { (cell.as_ref()) } } }
                    }
                }
            }
        }
    }
}

/// A part that is closed until the reader opens it.
pub fn details(summary: &str, body: &Markup) -> Markup {
    html! {
        details { summary { (summary) } (body) }
    }
}

/// A picture with what it shows, for those who cannot see it, and a caption.
pub fn figure(picture: &Raster, alt: &str, caption: &str) -> Result<Markup> {
    let source = format!(
        "data:image/png;base64,{}",
        STANDARD.encode(io::png_bytes(picture)?)
    );
    Ok(html! {
        figure {
            img src=(source) alt=(alt) width=(picture.width()) height=(picture.height());
            @if !caption.is_empty() { figcaption { (caption) } }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inserted_is_escaped_and_nothing_is_fetched() {
        let table = table(&["a < b", "n"], &[["<script>", "1 & 2"]]);
        let text = page("Cats & dogs", "\"quoted\"", &section("One", &table));
        assert!(text.starts_with("<!DOCTYPE html>"));
        assert!(text.contains("<title>Cats &amp; dogs</title>"));
        assert!(text.contains("<td>&lt;script&gt;</td><td>1 &amp; 2</td>"));
        assert!(!text.contains("<script") && !text.contains("http"));
    }

    #[test]
    fn a_figure_holds_the_png_itself() {
        let picture = Raster::filled(3, 2, [1, 2, 3]);
        let text = figure(&picture, "a dot", "").unwrap().into_string();
        let start = text.find("base64,").unwrap() + "base64,".len();
        let end = start + text[start..].find('"').unwrap();
        let bytes = STANDARD.decode(&text[start..end]).unwrap();
        assert_eq!(bytes, io::png_bytes(&picture).unwrap());
        assert!(bytes.starts_with(b"\x89PNG"));
        assert!(text.contains("alt=\"a dot\" width=\"3\" height=\"2\""));
        assert!(!text.contains("figcaption"));
    }
}
