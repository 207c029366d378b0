"use strict";
// The failures with their texts. A text becomes part of the page when it is opened.

const PAGE_OF_FAILURES = 50;

function makeFailures() {
  const { failures } = data;
  const search = byId("failures-search");
  const list = byId("failures");
  const texts = failures.map((failure) =>
    [failure.nodeid, failure.text, ...failure.sections.flat()].join("\n").toLowerCase(),
  );
  let shown = PAGE_OF_FAILURES;

  function show() {
    const word = search.value.toLowerCase();
    const matching = failures.filter((_, place) => texts[place].includes(word));
    list.replaceChildren(...matching.slice(0, shown).map(entry));
    byId("failures-count").textContent = `${matching.length} of ${failures.length}`;
    byId("failures-more").hidden = matching.length <= shown;
    byId("failures-more").textContent = `Show ${matching.length - shown} more`;
  }

  function entry(failure) {
    const made = element("details");
    const where = [failure.when === "call" ? "" : failure.when, failure.worker].filter(Boolean).join(", ");
    const summary = element("summary");
    summary.append(element("span", "outcome-failed", failure.nodeid), element("span", "quiet", where && ` (${where})`));
    made.append(summary);
    made.addEventListener("toggle", () => fill(made, failure), { once: true });
    return made;
  }

  function fill(made, failure) {
    if (made.childElementCount > 1) return;
    made.append(element("pre", "", failure.text));
    for (const [title, content] of failure.sections) {
      made.append(element("h3", "", title), element("pre", "", content));
    }
  }

  function openAll() {
    const opened = list.querySelectorAll("details:not([open])");
    const isOpening = opened.length > 0;
    list.querySelectorAll("details").forEach((made) => (made.open = isOpening));
    byId("failures-open").textContent = isOpening ? "Close all" : "Open all";
  }

  byId("failures-section").hidden = failures.length === 0;
  byId("failures-open").addEventListener("click", openAll);
  byId("failures-more").addEventListener("click", () => {
    shown = failures.length;
    show();
  });
  search.addEventListener("input", soon(show, 80));
  // On paper nothing can be opened.
  addEventListener("beforeprint", () => {
    const word = search.value.toLowerCase();
    const matching = failures.filter((_, place) => texts[place].includes(word)).slice(0, shown);
    list.querySelectorAll("details").forEach((made, place) => {
      fill(made, matching[place]);
      made.open = true;
    });
  });
  show();
}
