package rollout

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Shield makes text from outside unable to read as a protocol tag, to a model or to a program: where something looks like
// one, its "<" becomes "&lt;". Looking like one is meant widely: in any case; with white space, slashes, accents or
// invisible characters in it; with attributes or unclosed; in full-width, mathematical or other compatibility forms; with
// brackets and letters of other scripts that look alike. Other text is not changed.
//
// This is the second of two walls. The first is that nothing in a prompt or documents segment is ever parsed, whatever
// it says.
func (t Tags) Shield(text string) string {
	var out strings.Builder
	kept := 0 // text before it is in out
	for i := 0; i < len(text); {
		r, width := utf8.DecodeRuneInString(text[i:])
		if strings.ContainsRune(brackets, r) && t.named(text[i+width:]) {
			out.WriteString(text[kept:i])
			out.WriteString("&lt;")
			kept = i + width
		}
		i += width
	}
	if kept == 0 {
		return text
	}
	return out.String() + text[kept:]
}

// named reports whether the text after an opening bracket begins with what reads as a tag's name, with or without slash.
func (t Tags) named(text string) bool {
	text = strings.TrimLeftFunc(text, func(r rune) bool { return invisible(r) || strings.ContainsRune(slashes, r) })
	for _, tag := range t.names() {
		if reads(text, string(tag)) {
			return true
		}
	}
	return false
}

// reads reports whether text begins with a word that reads as name. Only an ASCII letter, digit or underscore makes it a
// longer word: programs differ on what else does.
func reads(text, name string) bool {
	for _, r := range text {
		switch {
		case name == "":
			return !isASCIIWord(r)
		case invisible(r):
			continue
		}
		for _, c := range letters(r) {
			if name == "" {
				break
			}
			if c != rune(name[0]) {
				return false
			}
			name = name[1:]
		}
	}
	return name == ""
}

func isASCIIWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// brackets read as "<": its compatible forms, the one with a stroke, and those that look alike.
const brackets = "<＜﹤≮‹〈⟨〈❬❮❰˂ᐸ𐄼𝈶"

// slashes may stand before a tag's name.
const slashes = `/\⁄∕⧸／＼`

// invisible reports whether r can stand within a word without being seen, or only as space.
func invisible(r rune) bool {
	switch r {
	case utf8.RuneError, '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800': // damage, fillers, the blank of braille
		return true
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Cc)
}

// letters returns the lower-case Latin letters that r reads as, without accents; r itself if it is none.
func letters(r rune) string {
	if r < utf8.RuneSelf {
		return string(unicode.ToLower(r))
	}
	var out strings.Builder
	for _, part := range norm.NFKD.String(string(r)) {
		if invisible(part) {
			continue
		}
		part = unicode.ToLower(part)
		if latin, ok := lookalikes[part]; ok {
			part = latin
		}
		out.WriteRune(part)
	}
	return out.String()
}

// lookalikes maps letters of other scripts, in lower case, and small capitals to the Latin letters they look like.
var lookalikes = map[rune]rune{
	// Cyrillic
	'а': 'a', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'ғ': 'f', 'һ': 'h', 'н': 'h', 'і': 'i', 'ӏ': 'i', 'ј': 'j', 'к': 'k', 'м': 'm',
	'п': 'n', 'о': 'o', 'р': 'p', 'г': 'r', 'я': 'r', 'ѕ': 's', 'т': 't', 'ц': 'u', 'ѵ': 'v', 'ш': 'w', 'ԝ': 'w', 'х': 'x', 'у': 'y',
	// Greek
	'α': 'a', 'ϲ': 'c', 'ε': 'e', 'η': 'h', 'ι': 'i', 'κ': 'k', 'μ': 'm', 'ν': 'n', 'ο': 'o', 'ρ': 'p', 'σ': 'o', 'τ': 't', 'υ': 'u',
	'ω': 'w', 'χ': 'x',
	// Armenian and Cherokee
	'ո': 'n', 'օ': 'o', 'ս': 'u', 'հ': 'h', 'ց': 'g', 'ѡ': 'w', 'ꭱ': 'r', 'ꮃ': 'w', 'ꮪ': 's', 'ꭺ': 'a', 'ꭼ': 'e', 'ꮋ': 'h',
	// Latin beyond the alphabet
	'ı': 'i', 'ɑ': 'a', 'ɩ': 'i', 'ɡ': 'g', 'ſ': 's', 'ꜱ': 's', 'ᴀ': 'a', 'ᴄ': 'c', 'ᴅ': 'd', 'ᴇ': 'e', 'ꜰ': 'f', 'ɢ': 'g', 'ʜ': 'h',
	'ɪ': 'i', 'ᴊ': 'j', 'ᴋ': 'k', 'ʟ': 'l', 'ᴍ': 'm', 'ɴ': 'n', 'ᴏ': 'o', 'ᴘ': 'p', 'ʀ': 'r', 'ᴛ': 't', 'ᴜ': 'u', 'ᴠ': 'v', 'ᴡ': 'w',
	'ø': 'o', 'ł': 'l', 'đ': 'd', 'ħ': 'h', 'ŧ': 't', 'ᵢ': 'i',
}
