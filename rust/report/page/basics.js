"use strict";
// The data, and what all parts of the page use. Texts of tests are only ever set as text.

const data = JSON.parse(document.getElementById("data").textContent);
const SECOND = 1e6;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

// Microseconds, for people.
function duration(time) {
  if (time < 1000) return `${time} µs`;
  if (time < 99950) return `${(time / 1000).toFixed(1)} ms`;
  if (time < SECOND) return `${(time / 1000).toFixed(0)} ms`;
  if (time < 120 * SECOND) return `${(time / SECOND).toFixed(2)} s`;
  const seconds = Math.round(time / SECOND);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function outcomeOf(item) {
  return data.outcomes[data.outcome[item]];
}

function isFailure(outcome) {
  return outcome === "failed" || outcome === "error";
}

function outcomeClass(outcome) {
  if (isFailure(outcome) || outcome === "passed") return `outcome-${outcome}`;
  return "outcome-other";
}

const died = new Set(data.runs.died);
const hung = new Set(data.runs.hung);

// What became of the test in this run of it.
function fate(run) {
  if (!died.has(run)) return outcomeOf(data.runs.item[run]);
  return hung.has(run) ? "hung" : "crashed";
}

// Later calls while it waits replace the earlier ones.
function soon(action, milliseconds) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}
