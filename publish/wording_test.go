package publish

import (
	"testing"
	"time"

	"sightline"
	"sightline/when"
)

// wordingCase makes a document with one step that holds a text.
func wordingCase(lang, text string) *sightline.Document {
	at := func(s string) *when.Instant {
		x, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			panic(err)
		}
		t := when.Instant(x.UnixMilli())
		return &t
	}
	span := func(a, z string) []sightline.Time {
		return []sightline.Time{{Interval: when.Interval{Min: at(a), Max: at(z)}}}
	}
	return &sightline.Document{
		Case: &sightline.Case{ID: "x", Zone: "America/Caracas", Languages: []string{"en", "es"}},
		Items: []*sightline.Item{
			{ID: "EJ-001", Times: span("2018-01-15T13:05:00Z", "2018-01-15T13:08:59.999Z")}, // 09:05-09:08
			{ID: "EJ-002", Times: span("2018-01-15T15:15:00Z", "2018-01-15T15:32:59.999Z")}, // 11:15-11:32
		},
		Stories: []*sightline.Story{{ID: "s", Public: true, Steps: []sightline.Step{{ID: "1", Text: sightline.Text{lang: text}}}}},
	}
}

func TestAdviseFindsOverClaims(t *testing.T) {
	for _, c := range []struct{ lang, text, code string }{
		{"en", "The clip proves that the house burned [EJ-001].", "over_claim"},
		{"en", "Clearly the order came from above [EJ-002].", "over_claim"},
		{"en", "There is no doubt that it was a rocket [EJ-001].", "over_claim"},
		{"es", "El video demuestra que la casa ardió [EJ-001].", "over_claim"},
		{"es", "Fue, sin duda, un cohete [EJ-001].", "over_claim"},
		{"es", "La orden vino de arriba, evidentemente [EJ-002].", "over_claim"},
		{"en", "Six people were murdered in the house [EJ-002].", "legal_conclusion"},
		{"es", "Fueron asesinados dentro de la casa [EJ-002].", "legal_conclusion"},
		{"es", "Fue una ejecución extrajudicial [EJ-002].", "legal_conclusion"},
		{"en", "context: The truck was reportedly moved in the night.", "hidden_speaker"},
		{"es", "context: Se dice que el camión fue movido de noche.", "hidden_speaker"},
		{"en", "The white truck stops at 11:20 [EJ-002].", "narrow_time"},
		{"es", "El camión blanco frena, son las 11:20 [EJ-002].", "narrow_time"},
	} {
		got := Advise(wordingCase(c.lang, c.text))
		if len(got) != 1 || got[0].Code != c.code {
			t.Errorf("%q: got %+v, want one %s", c.text, got, c.code)
		}
	}
}

func TestAdviseLeavesHonestSentencesAlone(t *testing.T) {
	for _, c := range []struct{ lang, text string }{
		{"en", "The minister says that the video proves an attack [EJ-001]."},
		{"en", "Nothing in the clip proves who fired [EJ-001]."},
		{"en", "Whether he was murdered is for a court [EJ-001]."},
		{"en", "A voice says “they are murdered” [EJ-001]."},
		{"en", "Was he murdered [EJ-001]?"},
		{"en", "not established: It is not proven that he was murdered."},
		{"en", "The rocket strikes at 9:07 [EJ-001]."},
		{"en", "The radio runs from 11:15 to 11:32 [EJ-002]."},
		{"en", "The truck stops at about 11:20 [EJ-002]."},
		{"en", "Between 11:18 and 11:25 the road is closed [EJ-002]."},
		{"en", "The truck was reportedly moved [EJ-002]."},
		{"en", "The article counts seven hours, which gives 11:20 to 11:30 [EJ-002]."},
		{"es", "Son siete horas, lo que da de 11:20 a 11:30 [EJ-002]."},
		{"es", "Según el ministro, el video demuestra un ataque [EJ-001]."},
		{"es", "Nada en el video demuestra quién disparó [EJ-001]."},
		{"es", "El cohete impacta a las 9:07 [EJ-001]."},
		{"es", "La radio va de 11:15 a 11:32 [EJ-002]."},
		{"es", "El camión frena hacia las 11:20 [EJ-002]."},
	} {
		if got := Advise(wordingCase(c.lang, c.text)); len(got) != 0 {
			t.Errorf("%q: false alarm %s: %s", c.text, got[0].Code, got[0].Text["en"])
		}
	}
}
