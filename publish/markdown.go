package publish

import (
	"html/template"
	"strings"
)

// linker gives the address of what a citation names, from the page at hand.
type linker func(id string) (href string, ok bool)

// prose renders a step's text: paragraphs, **strong**, *emphasis* and
// citations. Everything else is text. There is no HTML in, so none comes out
// but ours.
func prose(text string, w words, link linker) template.HTML {
	var sb strings.Builder
	for _, p := range paragraphs(text) {
		label, rest := labelled(p)
		switch label {
		case "not established":
			sb.WriteString(`<div class="ne"><h3>` + template.HTMLEscapeString(w.T("not_established")) + `</h3><p>` + inline(rest, link) + `</p></div>`)
		case "context":
			sb.WriteString(`<p class="ctx"><span class="tag">` + template.HTMLEscapeString(w.T("context")) + `</span> ` + inline(rest, link) + `</p>`)
		default:
			sb.WriteString(`<p>` + inline(rest, link) + `</p>`)
		}
	}
	return template.HTML(sb.String())
}

// inline renders one paragraph.
func inline(s string, link linker) string {
	var sb strings.Builder
	for {
		loc := citation.FindStringSubmatchIndex(s)
		if loc == nil {
			break
		}
		sb.WriteString(emphasis(template.HTMLEscapeString(s[:loc[0]])))
		id := s[loc[2]:loc[3]]
		if href, ok := link(id); ok {
			sb.WriteString(`<a class="id" href="` + template.HTMLEscapeString(href) + `"><bdi dir="ltr">` + id + `</bdi></a>`)
		} else {
			sb.WriteString(`<span class="id"><bdi dir="ltr">` + id + `</bdi></span>`)
		}
		s = s[loc[1]:]
	}
	sb.WriteString(emphasis(template.HTMLEscapeString(s)))
	return sb.String()
}

// emphasis turns **x** into strong and *x* into em; a mark without its partner
// stays a mark.
func emphasis(s string) string {
	s = pair(s, "**", "<strong>", "</strong>")
	return pair(s, "*", "<em>", "</em>")
}

func pair(s, mark, open, end string) string {
	parts := strings.Split(s, mark)
	if len(parts)%2 == 0 {
		last := len(parts) - 1
		parts[last-1] += mark + parts[last]
		parts = parts[:last]
	}
	var sb strings.Builder
	for i, p := range parts {
		if i > 0 {
			if i%2 == 1 {
				sb.WriteString(open)
			} else {
				sb.WriteString(end)
			}
		}
		sb.WriteString(p)
	}
	return sb.String()
}
