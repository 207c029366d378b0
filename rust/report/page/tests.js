"use strict";
// The table of tests: every run of every test, and the tests that did not run.

const PAGE_OF_TESTS = 100;
const MANY_TESTS = 1000;

const COLUMNS = [
  ["test", (row) => data.nodeids[row.item], false],
  ["outcome", (row) => row.outcome, false],
  ["worker", (row) => row.lane, true],
  ["began", (row) => row.began, true],
  ["fixtures", (row) => row.fixtures, true],
  ["set-up", (row) => row.setup, true],
  ["call", (row) => row.call, true],
  ["teardown", (row) => row.teardown, true],
  ["total", (row) => row.total, true],
];
const TOTAL = COLUMNS.length - 1;

function testRows() {
  const rows = [];
  const seen = new Uint8Array(data.nodeids.length);
  const { runs } = data;
  for (let run = 0; run < runs.item.length; run++) {
    const item = runs.item[run];
    seen[item] = 1;
    rows.push({
      run,
      item,
      outcome: fate(run),
      lane: runs.lane[run],
      began: runs.began[run],
      fixtures: runs.fixtures[run],
      setup: runs.setup[run],
      call: runs.call[run],
      teardown: runs.teardown[run],
      total: runs.total[run],
    });
  }
  for (let item = 0; item < data.nodeids.length; item++) {
    if (!seen[item]) rows.push({ run: -1, item, outcome: outcomeOf(item), lane: -1, began: -1, total: -1 });
  }
  return rows;
}

function makeTests() {
  const rows = testRows();
  const lower = data.nodeids.map((nodeid) => nodeid.toLowerCase());
  const state = { column: TOTAL, descending: true, shown: PAGE_OF_TESTS, chosen: -1, matching: [] };
  const search = byId("tests-search");
  const outcome = byId("tests-outcome");
  const lane = byId("tests-lane");
  const body = byId("tests").tBodies[0];

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (row) =>
      (outcome.value === "" || row.outcome === outcome.value) &&
      (lane.value === "" || row.lane === Number(lane.value)) &&
      words.every((word) => lower[row.item].includes(word));
    state.matching = rows.filter(matches);
    state.shown = PAGE_OF_TESTS;
    sort();
  }

  function sort() {
    const value = COLUMNS[state.column][1];
    const sign = state.descending ? -1 : 1;
    const compare = (one, other) => {
      const [a, b] = [value(one) ?? -1, value(other) ?? -1];
      return a < b ? -sign : a > b ? sign : one.item - other.item;
    };
    state.matching.sort(compare);
    show();
  }

  function show() {
    const shown = state.matching.slice(0, state.shown);
    body.replaceChildren(...shown.map(line));
    byId("tests-count").textContent = `${state.matching.length} of ${rows.length}`;
    const more = byId("tests-more");
    more.hidden = shown.length === state.matching.length;
    more.textContent = `Show ${Math.min(MANY_TESTS, state.matching.length - shown.length)} more`;
    byId("tests").tHead.querySelectorAll("th").forEach((head, column) => {
      const order = state.descending ? "descending" : "ascending";
      head.setAttribute("aria-sort", column === state.column ? order : "none");
    });
  }

  function line(row) {
    const made = element("tr", row.run >= 0 && row.run === state.chosen ? "found-row" : "");
    made.append(element("td", "", data.nodeids[row.item]));
    made.append(element("td", outcomeClass(died.has(row.run) ? "failed" : row.outcome), row.outcome));
    made.append(element("td", "", row.lane < 0 ? "" : data.lanes[row.lane].name));
    for (const [, value] of COLUMNS.slice(3)) {
      const time = value(row) ?? -1;
      made.append(element("td", "number", time < 0 ? "" : duration(time)));
    }
    return made;
  }

  function fill(select, all, names) {
    select.append(new Option(all, ""), ...names.map(([value, name]) => new Option(name, value)));
    select.addEventListener("change", filter);
  }

  const head = byId("tests").tHead.insertRow();
  COLUMNS.forEach(([name, , isNumber], column) => {
    const cell = element("th", column > 2 ? "number" : "");
    const button = element("button", "", name);
    button.type = "button";
    button.addEventListener("click", () => {
      state.descending = column === state.column ? !state.descending : isNumber;
      state.column = column;
      sort();
    });
    cell.append(button);
    head.append(cell);
  });
  const outcomes = [...new Set(rows.map((row) => row.outcome))].sort();
  fill(outcome, "every outcome", outcomes.map((name) => [name, name]));
  fill(lane, "every worker", data.lanes.map(({ name }, number) => [number, name]));
  search.addEventListener("input", soon(filter, 80));
  byId("tests-more").addEventListener("click", () => {
    state.shown += MANY_TESTS;
    show();
  });
  byId("tests-section").hidden = rows.length === 0;
  filter();

  return (run) => {
    search.value = data.nodeids[data.runs.item[run]];
    outcome.value = "";
    lane.value = "";
    state.chosen = run;
    filter();
    byId("tests-section").scrollIntoView({ block: "start" });
  };
}
