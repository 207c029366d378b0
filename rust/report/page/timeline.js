"use strict";
// What ran where and when: a line for each worker. uPlot has axes, zoom and cursor; the boxes are drawn over its canvas.

const PHASES = [
  ["fixtures", "shared fixtures"],
  ["setup", "set-up"],
  ["call", "call"],
  ["teardown", "teardown"],
];

// Both charts show the same part of the run.
const SYNC = { key: "time", scales: ["x", null] };

// Where the runs of each lane are: they stand one lane after the other, in the order of time.
function laneSpans() {
  const spans = data.lanes.map(() => [0, 0]);
  data.runs.lane.forEach((lane, run) => {
    if (run === 0 || data.runs.lane[run - 1] !== lane) spans[lane][0] = run;
    spans[lane][1] = run + 1;
  });
  return spans;
}

const spans = laneSpans();

// The first run of the lane that ends at this time or later.
function firstRun(lane, time) {
  let [low, high] = spans[lane];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (data.runs.began[middle] + data.runs.total[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function palette() {
  const names = ["fixtures", "setup", "call", "teardown", "other", "broken", "idle", "start", "mark", "ink"];
  return Object.fromEntries(names.map((name) => [name, colour(name)]));
}

function drawLane(plot, lane, colours, pixels) {
  const { ctx } = plot;
  const x = (time) => plot.valToPos(time / SECOND, "x", true);
  const { top, height } = laneBox(plot, lane);
  const { started, ready, ended } = data.lanes[lane];
  const bar = (from, to, fill) => {
    ctx.fillStyle = fill;
    ctx.fillRect(x(from), top, Math.max(x(to) - x(from), 1), height);
  };
  if (ready !== null) bar(started, ready, colours.start);
  bar(ready ?? started, ended, colours.idle);
  const from = plot.scales.x.min * SECOND;
  const to = plot.scales.x.max * SECOND;
  // What is narrower than a pixel is seen once; a failure is always seen.
  let drawn = -1;
  for (let run = firstRun(lane, from); run < spans[lane][1] && data.runs.began[run] <= to; run++) {
    const began = data.runs.began[run];
    const total = data.runs.total[run];
    const left = x(began);
    const right = x(began + total);
    const broken = died.has(run) || isFailure(outcomeOf(data.runs.item[run]));
    if (right < drawn + 0.5 && !broken) continue;
    const width = Math.max(right - left, 0.6);
    ctx.fillStyle = died.has(run) ? colours.broken : colours.other;
    ctx.fillRect(left, top, width, height);
    if (!died.has(run)) {
      let at = began;
      for (const [phase] of PHASES) {
        const end = Math.min(at + data.runs[phase][run], began + total);
        if (end > at) {
          ctx.fillStyle = colours[phase];
          ctx.fillRect(x(at), top, Math.max(x(end) - x(at), 0.6), height);
        }
        at = end;
      }
    }
    if (broken) {
      ctx.fillStyle = colours.broken;
      ctx.fillRect(left, top + height - 4 * pixels, Math.max(width, 3 * pixels), 4 * pixels);
    } else if (width > 5 * pixels) {
      // Neighbours are told apart.
      ctx.fillStyle = colours.idle;
      ctx.fillRect(right - pixels, top, pixels, height);
    }
    drawn = Math.max(drawn, right);
  }
}

function laneBox(plot, lane) {
  const middle = plot.valToPos(lane, "y", true);
  const height = (plot.bbox.height / Math.max(data.lanes.length, 1)) * 0.72;
  return { top: middle - height / 2, height };
}

function drawMarks(plot, colours, pixels) {
  const { ctx } = plot;
  for (const mark of data.marks) {
    const x = plot.valToPos(mark.at / SECOND, "x", true);
    if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
    const { top, height } = laneBox(plot, mark.lane);
    const size = Math.min(5 * pixels, height / 2);
    ctx.fillStyle = mark.kind === "crash" ? colours.broken : colours.mark;
    ctx.strokeStyle = ctx.fillStyle;
    ctx.lineWidth = 2 * pixels;
    ctx.beginPath();
    if (mark.kind === "crash") {
      ctx.moveTo(x - size, top + height / 2 - size);
      ctx.lineTo(x + size, top + height / 2 + size);
      ctx.moveTo(x + size, top + height / 2 - size);
      ctx.lineTo(x - size, top + height / 2 + size);
      ctx.stroke();
    } else {
      ctx.moveTo(x - size, top - size);
      ctx.lineTo(x + size, top - size);
      ctx.lineTo(x, top + size / 2);
      ctx.fill();
    }
  }
}

function draw(plot) {
  const colours = palette();
  const pixels = devicePixelRatio;
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (let lane = 0; lane < data.lanes.length; lane++) drawLane(plot, lane, colours, pixels);
  drawMarks(plot, colours, pixels);
  ctx.restore();
}

// What is at this place, as a text, and the run, if it is one.
function at(plot, left, top) {
  const time = plot.posToVal(left, "x") * SECOND;
  const lane = Math.round(plot.posToVal(top, "y"));
  if (!(lane >= 0 && lane < data.lanes.length)) return null;
  const near = 5 * ((plot.scales.x.max - plot.scales.x.min) / plot.over.clientWidth) * SECOND;
  const lines = [];
  const run = nearest(lane, time, near);
  if (run !== null) lines.push(...describe(run));
  else lines.push(data.lanes[lane].name, `at ${duration(Math.round(time))}`, data.lanes[lane].note);
  for (const mark of data.marks) {
    if (mark.lane === lane && Math.abs(mark.at - time) < near) lines.push(`${duration(mark.at)}: ${mark.text}`);
  }
  return { run, text: lines.join("\n") };
}

function nearest(lane, time, near) {
  const run = firstRun(lane, time);
  const end = spans[lane][1];
  if (run < end && data.runs.began[run] <= time) return run;
  if (run < end && data.runs.began[run] - time < near / 2) return run;
  const before = run - 1;
  const isNear = before >= spans[lane][0] && time - data.runs.began[before] - data.runs.total[before] < near / 2;
  return isNear ? before : null;
}

function describe(run) {
  const item = data.runs.item[run];
  const lane = data.lanes[data.runs.lane[run]];
  const total = data.runs.total[run];
  const parts = PHASES.filter(([phase]) => data.runs[phase][run] > 0);
  const times = parts.map(([phase, name]) => `${name} ${duration(data.runs[phase][run])}`);
  return [
    data.nodeids[item],
    `${fate(run)}, ${duration(total)} in ${lane.name} from ${duration(data.runs.began[run])} on`,
    ...(times.length ? [times.join(", ")] : []),
  ];
}

function legend() {
  const entries = [...PHASES, ["other", "pytest's own"], ["broken", "failed, crashed or hung"], ["start", "worker starts"]];
  entries.push(["idle", "idle"], ["mark", "▾ work taken from another worker"]);
  for (const [name, text] of entries) {
    const entry = element("span");
    const patch = element("i");
    patch.style.background = `var(--${name})`;
    entry.append(patch, text);
    byId("legend").append(entry);
  }
}

function laneAxis() {
  const step = Math.ceil((data.lanes.length * 12) / timelineHeight());
  return {
    scale: "y",
    side: 3,
    size: 60,
    stroke: () => colour("quiet"),
    grid: { show: false },
    ticks: { show: false },
    splits: () => data.lanes.map((_, lane) => lane).filter((lane) => lane % step === 0),
    values: (_, lanes) => lanes.map((lane) => data.lanes[lane].name),
  };
}

function timeAxis() {
  return {
    stroke: () => colour("quiet"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { stroke: () => colour("line"), width: 1 },
    values: (_, times) => times.map((time) => `${+time.toFixed(6)} s`),
  };
}

function timelineHeight() {
  return Math.min(Math.max(data.lanes.length * 26, 40), 760);
}

function makeTimeline(width, choose) {
  const tip = element("div", "tip");
  tip.hidden = true;
  const move = (plot) => {
    const { left, top } = plot.cursor;
    const found = left >= 0 && top >= 0 ? at(plot, left, top) : null;
    tip.hidden = found === null;
    plot.over.style.cursor = found && found.run !== null ? "pointer" : "crosshair";
    if (found === null) return;
    tip.textContent = found.text;
    const right = left > plot.over.clientWidth / 2;
    tip.style.left = right ? "" : `${left + 16}px`;
    tip.style.right = right ? `${plot.over.clientWidth - left + 16}px` : "";
    tip.style.top = `${top + 16}px`;
  };
  const plot = new uPlot(
    {
      width,
      height: timelineHeight() + 50,
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        sync: SYNC,
        drag: { x: true, y: false },
      },
      scales: {
        x: { time: false },
        y: { dir: -1, range: () => [-0.5, data.lanes.length - 0.5] },
      },
      axes: [timeAxis(), laneAxis()],
      series: [{}, { scale: "y", paths: () => null, points: { show: false } }],
      hooks: { draw: [draw], setCursor: [move] },
    },
    [[0, data.end / SECOND], [0, 0]],
    byId("timeline"),
  );
  plot.over.append(tip);
  let pressed = 0;
  let waiting = null;
  plot.over.addEventListener("mousedown", (event) => (pressed = event.clientX));
  plot.over.addEventListener("click", (event) => {
    clearTimeout(waiting);
    const found = at(plot, plot.cursor.left, plot.cursor.top);
    const isChoice = event.detail === 1 && Math.abs(event.clientX - pressed) < 3 && found && found.run !== null;
    // It may be the first of two.
    if (isChoice) waiting = setTimeout(() => choose(found.run), 300);
  });
  return plot;
}
