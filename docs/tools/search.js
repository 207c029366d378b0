// How the search of the site orders what it has found: https://www.sphinx-doc.org/en/master/usage/configuration.html,
// `html_search_scorer`. The numbers are Sphinx's own.

// A heading that contains all that was searched for comes before pages in which the words stand somewhere.
const HEADING = 20;

var Scorer = {
  score: ([, , anchor, , score]) => score + (anchor ? HEADING : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
