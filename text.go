package sightline

// Text is one text in several languages, keyed by BCP 47 tag ("en", "es",
// "ar"). A missing language is a gap that publishing refuses, never an
// invitation to fall back in silence.
type Text map[string]string

// In returns the text in the language asked for, else in the first of the
// fallbacks that has it, else "".
func (t Text) In(lang string, fallback ...string) string {
	if s := t[lang]; s != "" {
		return s
	}
	for _, l := range fallback {
		if s := t[l]; s != "" {
			return s
		}
	}
	return ""
}
