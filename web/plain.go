package web

import "sightline"

// Plain says what an entry of the log records, in English and Spanish, as the
// desk shows it and as the report on custody prints it.
func Plain(e sightline.Entry) sightline.Text { return plain(e) }
