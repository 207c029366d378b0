"use strict";
// How many workers were running tests, over time.

function busyWorkers() {
  const changes = [];
  for (let run = 0; run < data.runs.item.length; run++) {
    const began = data.runs.began[run];
    changes.push([began, 1], [began + data.runs.total[run], -1]);
  }
  changes.sort((one, other) => one[0] - other[0] || other[1] - one[1]);
  const times = [0];
  const counts = [0];
  let count = 0;
  for (const [time, change] of changes) {
    count += change;
    if (time / SECOND === times[times.length - 1]) counts[counts.length - 1] = count;
    else {
      times.push(time / SECOND);
      counts.push(count);
    }
  }
  times.push(data.end / SECOND);
  counts.push(0);
  return smooth(times, counts);
}

// Between two tests a worker is idle for a moment; a chart of many tests shows the mean of many moments.
function smooth(times, counts) {
  const steps = 300;
  if (times.length <= 20) return [times, counts];
  const width = data.end / SECOND / steps;
  const sums = new Float64Array(steps);
  for (let place = 0; place + 1 < times.length; place++) {
    let from = times[place];
    while (from < times[place + 1]) {
      const step = Math.min(Math.floor(from / width + 1e-9), steps - 1);
      const to = step === steps - 1 ? times[place + 1] : Math.min(times[place + 1], (step + 1) * width);
      sums[step] += counts[place] * (to - from);
      from = to > from ? to : times[place + 1];
    }
  }
  const means = Array.from(sums, (sum) => sum / width);
  return [Array.from(means, (_, step) => step * width).concat(data.end / SECOND), means.concat(0)];
}

function makeBusy(width) {
  const most = Math.max(data.lanes.length, 1);
  return new uPlot(
    {
      width,
      height: 130,
      legend: { show: false },
      cursor: { y: false, sync: SYNC, drag: { x: true, y: false } },
      scales: { x: { time: false }, y: { range: [0, most] } },
      axes: [
        timeAxis(),
        {
          size: 60,
          stroke: () => colour("quiet"),
          grid: { stroke: () => colour("line"), width: 1 },
          ticks: { show: false },
          incrs: [1, 2, 5, 10, 20, 50, 100],
        },
      ],
      series: [
        {},
        {
          paths: uPlot.paths.stepped({ align: 1 }),
          points: { show: false },
          stroke: () => colour("call"),
          fill: () => `color-mix(in srgb, ${colour("call")} 30%, transparent)`,
        },
      ],
    },
    busyWorkers(),
    byId("busy"),
  );
}
