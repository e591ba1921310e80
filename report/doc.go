// Package report makes pages that need nothing else: one HTML file with its styles, plots (SVG) and script inside, which
// loads nothing, as its content security policy enforces. A page follows the reader's light or dark scheme and can be read
// on a phone, and, but for the browser of trees, without scripts.
//
// [Page] is made of tiles and sections: tables, figures, settings, and a browser of token trees. What commands show
// differs in what they assemble; how it looks is here. Everything that comes in is data: html/template escapes it, and the
// script puts texts into the page as text. Numbers carry the key of the JSON document that has them ([Number]), so that a
// test can hold the page against the document.
package report
