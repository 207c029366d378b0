//! The lines of live progress. What is said in them is Python's; that each fits into one row of the terminal is
//! `indicatif`'s: it measures wide characters, cuts what is too long, and draws the bar.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use pyo3::prelude::*;

/// Narrower than this, a terminal has no room for a bar (columns).
const ROOM_FOR_BAR: u16 = 72;
/// Columns of the bar.
const BAR: usize = 24;

/// How a line is drawn.
#[derive(Clone, Copy)]
struct Look {
    width: u16,
    is_coloured: bool,
    /// Nothing but ASCII.
    is_ascii: bool,
}

/// One line for the whole run, and one for each of `running`: its worker, the seconds that it has taken so far, its name,
/// and whether that is long. `tally` counts outcomes; `remaining` is in seconds.
#[pyfunction]
#[pyo3(signature = (*, done, total, tally, remaining, running, width, is_coloured, is_ascii))]
#[allow(clippy::too_many_arguments, reason = "they have names where it is called")]
pub(crate) fn progress_lines(
    done: u64,
    total: u64,
    tally: &str,
    remaining: Option<f64>,
    running: Vec<(String, f64, String, bool)>,
    width: u16,
    is_coloured: bool,
    is_ascii: bool,
) -> Vec<String> {
    console::set_colors_enabled(is_coloured);
    let look = Look { width, is_coloured, is_ascii };
    let mut lines = vec![look.whole(done, total, tally, remaining)];
    let widest = running.iter().map(|(worker, ..)| worker.len()).max().unwrap_or_default();
    lines.extend(running.into_iter().map(|(worker, seconds, name, is_long)| {
        look.one(format!("{worker:<widest$} {seconds:>6.1} s "), name, is_long)
    }));
    lines
}

impl Look {
    fn whole(self, done: u64, total: u64, tally: &str, remaining: Option<f64>) -> String {
        let percent = (done * 100).checked_div(total).unwrap_or(100);
        let seconds = remaining.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        // In steps that one can read.
        let left =
            seconds.map(|left| format!("about {} left", HumanDuration(left.max(Duration::from_secs(1)))));
        let prefix = format!("{done}/{total} {percent:>3} %");
        let said = [Some(tally.to_owned()), left].into_iter().flatten().filter(|said| !said.is_empty());
        let said = said.collect::<Vec<_>>().join(", ");
        let room = usize::from(self.width).saturating_sub(prefix.len() + 1);
        let fits = |text: &str, bar: usize| console::measure_text_width(text) + bar <= room;
        // The estimate is worth more than the bar, and half of it nothing.
        let said = if fits(&said, 0) || tally.is_empty() { &said } else { tally };
        let template = if self.width < ROOM_FOR_BAR || !fits(said, BAR + 1) {
            "{prefix} {wide_msg}"
        } else if self.is_coloured {
            "{prefix} {bar:24.green/black.bright} {wide_msg}"
        } else {
            "{prefix} {bar:24} {wide_msg}"
        };
        let style = style(template).progress_chars(match (self.is_ascii, self.is_coloured) {
            (true, _) => "=> ",
            (false, true) => "━━━",
            (false, false) => "━━ ",
        });
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()).with_style(style);
        bar.set_prefix(prefix);
        bar.set_message(said.to_owned());
        bar.set_position(done);
        self.draw(&bar)
    }

    fn one(self, prefix: String, name: String, is_long: bool) -> String {
        let style =
            style(if is_long { "{prefix:.yellow}{wide_msg:.yellow}" } else { "{prefix:.dim}{wide_msg}" });
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style);
        bar.set_prefix(prefix);
        bar.set_message(name);
        self.draw(&bar)
    }

    fn draw(self, bar: &ProgressBar) -> String {
        let paper = Paper { width: self.width, text: Arc::default() };
        let text = Arc::clone(&paper.text);
        bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(paper)));
        bar.tick();
        let drawn = text.lock().unwrap_or_else(PoisonError::into_inner).trim_end().to_owned();
        if self.is_ascii { drawn.replace('…', "...") } else { drawn }
    }
}

/// The templates are ours: one that is none is shown as it is.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Takes down what would be drawn on a terminal of this width.
#[derive(Debug)]
struct Paper {
    width: u16,
    text: Arc<Mutex<String>>,
}

impl TermLike for Paper {
    fn width(&self) -> u16 {
        self.width
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
