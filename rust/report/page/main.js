"use strict";
// Puts the parts together: theme, charts, tables.

function makeCharts(choose) {
  if (data.lanes.length === 0) return [];
  byId("timeline-section").hidden = false;
  legend();
  const width = () => byId("timeline").clientWidth;
  const plots = [makeTimeline(width(), choose), makeBusy(width())];
  const fit = () => plots.forEach((plot) => plot.setSize({ width: width(), height: plot.height }));
  addEventListener("resize", soon(fit, 50));
  // The width of paper is none of the window's.
  addEventListener("beforeprint", () => plots.forEach((plot) => plot.setSize({ width: 690, height: plot.height })));
  addEventListener("afterprint", fit);
  return plots;
}

function makeTheme(plots) {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const set = (isDark) => {
    root.dataset.theme = isDark ? "dark" : "light";
    plots.forEach((plot) => plot.redraw(false, true));
  };
  const wanted = () => chosen ?? dark.matches;
  dark.addEventListener("change", () => set(wanted()));
  byId("theme").addEventListener("click", () => {
    chosen = !wanted();
    set(chosen);
  });
  addEventListener("beforeprint", () => set(false));
  addEventListener("afterprint", () => set(wanted()));
  set(wanted());
}

const started = byId("started");
if (Number(started.dataset.seconds) > 0) {
  started.textContent = new Date(Number(started.dataset.seconds) * 1000).toLocaleString();
}
makeFailures();
const plots = [];
makeTheme(plots);
plots.push(...makeCharts(makeTests()));
