package call

import (
	"net/http"
	"slices"
	"strings"

	"sightline/call/pages"
)

// say names a sentence for a source. What went wrong inside is counted, never
// shown: a message that quotes an error may quote a file name.
type say string

const (
	sayNotHere  say = "not-here"
	sayBroken   say = "broken"
	sayBusy     say = "busy"
	sayQueue    say = "queue"
	sayFull     say = "full"
	sayCode     say = "code"
	sayCodeLate say = "code-first"
	sayTooLarge say = "too-large"
	sayTooMany  say = "too-many"
	sayTooLong  say = "too-long"
	sayEmpty    say = "empty"
	sayBroke    say = "cut"
	sayForm     say = "form"
	sayDigest   say = "digest"
	sayChanged  say = "changed"
	sayMissing  say = "missing"
	sayNotAge   say = "not-age"
)

var sayStatus = map[say]int{
	sayNotHere: 404, sayBroken: 500, sayBusy: 429, sayQueue: 503, sayFull: 503, sayCode: 422, sayCodeLate: 422,
	sayTooLarge: 413, sayTooMany: 413, sayTooLong: 413, sayEmpty: 422, sayBroke: 400, sayForm: 400,
	sayDigest: 422, sayChanged: 409, sayMissing: 409, sayNotAge: 422,
}

type sentence struct{ title, text string }

var sentences = map[say]map[string]sentence{
	sayNotHere: {
		"es": {"Aquí no hay nada", "Esta dirección no existe. Vuelva al inicio para enviar o para leer respuestas."},
		"en": {"Nothing is here", "This address does not exist. Go back to the start to send something or to read replies."},
		"ar": {"لا شيء هنا", "هذا العنوان غير موجود. عد إلى البداية للإرسال أو لقراءة الردود."},
	},
	sayBroken: {
		"es": {"Algo falló de nuestro lado", "No se guardó nada de este intento. No es culpa suya. Pruebe otra vez dentro de un rato."},
		"en": {"Something failed on our side", "Nothing of this attempt was kept. It is not your fault. Try again in a while."},
		"ar": {"حدث خلل من جهتنا", "لم يُحفظ شيء من هذه المحاولة. ليس الخطأ منك. حاول مرة أخرى بعد قليل."},
	},
	sayBusy: {
		"es": {"Demasiado rápido", "Llegaron muchas peticiones por este camino. Espere un minuto y siga; lo ya recibido no se pierde."},
		"en": {"Too fast", "Many requests came this way. Wait a minute and go on; what was received is not lost."},
		"ar": {"أسرع من اللازم", "وصلت طلبات كثيرة من هذا المسار. انتظر دقيقة ثم تابع؛ ما استُلم لن يضيع."},
	},
	sayQueue: {
		"es": {"Hay mucha gente a la vez", "Ahora no podemos atenderle. No se guardó nada. Vuelva a intentarlo en unos minutos."},
		"en": {"Many people at once", "We cannot serve you right now. Nothing was kept. Try again in a few minutes."},
		"ar": {"عدد كبير من الناس في وقت واحد", "لا نستطيع خدمتك الآن. لم يُحفظ شيء. حاول مرة أخرى بعد بضع دقائق."},
	},
	sayFull: {
		"es": {"Ahora no cabe nada más", "Nuestro espacio está lleno y no se guardó nada de este envío. Use otro de los caminos de la página o vuelva mañana. Los buzones siguen abiertos."},
		"en": {"There is no room now", "Our space is full and nothing of this was kept. Use another of the ways on the page, or come back tomorrow. Mailboxes stay open."},
		"ar": {"لا يوجد مكان الآن", "المساحة عندنا ممتلئة ولم يُحفظ شيء من هذا الإرسال. استعمل طريقًا آخر من الصفحة أو عد غدًا. صناديق الرسائل تبقى مفتوحة."},
	},
	sayCode: {
		"es": {"Esto no parece un código", "Un código tiene ocho palabras o veintisiete cifras. Bastan las cuatro primeras letras de cada palabra; mayúsculas y tildes no importan. Mire su papel y pruebe otra vez."},
		"en": {"This does not look like a code", "A code has eight words or twenty-seven digits. The first four letters of each word are enough; capitals and accents do not matter. Look at your paper and try again."},
		"ar": {"هذا لا يشبه الرمز", "الرمز ثماني كلمات أو سبعة وعشرون رقمًا. تكفي الأحرف الأربعة الأولى من كل كلمة، ولا تهم الأحرف الكبيرة ولا العلامات. انظر إلى ورقتك وحاول مرة أخرى."},
	},
	sayCodeLate: {
		"es": {"Falta el código", "No se guardó nada. Abra primero su buzón con el código y envíe desde allí."},
		"en": {"The code is missing", "Nothing was kept. First open your mailbox with the code and send from there."},
		"ar": {"الرمز ناقص", "لم يُحفظ شيء. افتح صندوقك بالرمز أولًا ثم أرسل من هناك."},
	},
	sayTooLarge: {
		"es": {"Es más grande de lo que podemos recibir de una vez", "No se guardó nada. Envíe las partes por separado con el mismo código, o un fragmento ahora y el original después."},
		"en": {"It is larger than we can take at once", "Nothing was kept. Send the parts one by one with the same code, or a piece now and the original later."},
		"ar": {"الحجم أكبر مما نستطيع استلامه دفعة واحدة", "لم يُحفظ شيء. أرسل الأجزاء واحدًا بعد آخر بالرمز نفسه، أو أرسل مقطعًا الآن والأصل لاحقًا."},
	},
	sayTooMany: {
		"es": {"Son demasiados archivos de una vez", "No se guardó nada. Envíelos en varias veces con el mismo código."},
		"en": {"Too many files at once", "Nothing was kept. Send them in several goes with the same code."},
		"ar": {"عدد الملفات كبير دفعة واحدة", "لم يُحفظ شيء. أرسلها على دفعات بالرمز نفسه."},
	},
	sayTooLong: {
		"es": {"El mensaje es demasiado largo", "No se guardó nada. Acórtelo o envíelo como archivo de texto."},
		"en": {"The message is too long", "Nothing was kept. Make it shorter or send it as a text file."},
		"ar": {"الرسالة أطول من اللازم", "لم يُحفظ شيء. اختصرها أو أرسلها كملف نصي."},
	},
	sayEmpty: {
		"es": {"No llegó nada", "No había ni mensaje ni archivo con contenido. Si eligió un vídeo, espere a que el teléfono lo termine de guardar y envíe otra vez."},
		"en": {"Nothing arrived", "There was no message and no file with content. If you chose a video, wait until the phone has finished saving it and send again."},
		"ar": {"لم يصل شيء", "لم تكن هناك رسالة ولا ملف فيه محتوى. إذا اخترت فيديو فانتظر حتى ينتهي الهاتف من حفظه ثم أرسل مرة أخرى."},
	},
	sayBroke: {
		"es": {"El envío se cortó", "No se guardó nada de este intento. Pruebe otra vez; si la línea es lenta, envíe menos de una vez."},
		"en": {"The sending was cut", "Nothing of this attempt was kept. Try again; on a slow line, send less at once."},
		"ar": {"انقطع الإرسال", "لم يُحفظ شيء من هذه المحاولة. حاول مرة أخرى؛ وإن كان الخط بطيئًا فأرسل أقل في كل مرة."},
	},
	sayForm: {
		"es": {"No entendemos lo que llegó", "No se guardó nada. Vuelva a la página de inicio y envíe desde su formulario."},
		"en": {"We cannot read what arrived", "Nothing was kept. Go back to the first page and send from its form."},
		"ar": {"لا نستطيع قراءة ما وصل", "لم يُحفظ شيء. عد إلى الصفحة الأولى وأرسل من نموذجها."},
	},
	sayDigest: {
		"es": {"Un trozo llegó dañado", "Se envía otra vez; lo demás está a salvo."},
		"en": {"A piece arrived damaged", "It is sent again; the rest is safe."},
		"ar": {"وصل جزء تالفًا", "سيُرسل مرة أخرى؛ الباقي سليم."},
	},
	sayChanged: {
		"es": {"El archivo cambió mientras se enviaba", "Ya había otro trozo en este lugar. Elija el archivo de nuevo y empiece otra vez."},
		"en": {"The file changed while it was sent", "Another piece is already in this place. Choose the file again and start over."},
		"ar": {"تغيّر الملف أثناء إرساله", "يوجد جزء آخر في هذا الموضع. اختر الملف من جديد وابدأ مرة أخرى."},
	},
	sayMissing: {
		"es": {"Faltan trozos", "Lo recibido está a salvo. Se envían los que faltan."},
		"en": {"Pieces are missing", "What arrived is safe. The missing ones are sent now."},
		"ar": {"أجزاء ناقصة", "ما وصل سليم. تُرسل الأجزاء الناقصة الآن."},
	},
	sayNotAge: {
		"es": {"Lo que llegó no está cifrado", "No se guardó nada. Recargue la página y envíe otra vez."},
		"en": {"What arrived is not encrypted", "Nothing was kept. Load the page again and send once more."},
		"ar": {"ما وصل غير مشفّر", "لم يُحفظ شيء. أعد تحميل الصفحة وأرسل مرة أخرى."},
	},
}

// refuse answers with a sentence: a page to a form, JSON to a script.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, what say) {
	s.refuseIn(w, r, language(r), what)
}

func (s *Server) refuseIn(w http.ResponseWriter, r *http.Request, lang string, what say) {
	s.store.count(string(what))
	t, status := sentences[what][lang], sayStatus[what]
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "60")
	}
	if wantsJSON(r) {
		s.json(w, status, map[string]string{"error": string(what), "title": t.title, "text": t.text})
		return
	}
	v := s.view(lang)
	v.Saying = &pages.Saying{Title: t.title, Text: t.text, Status: status}
	s.show(w, r, status, pages.Say, v, 4096)
}

// wantsJSON tells lane A's script from a form.
func wantsJSON(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/t/") || strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
}

// language is the first language of Accept-Language that has pages. Quality
// values are not weighed: browsers list in the order of preference, and Tor
// Browser asks for English unless told otherwise.
func language(r *http.Request) string {
	if p := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 2)[0]; pages.Known(p) {
		return p
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		l := strings.ToLower(strings.TrimSpace(strings.SplitN(part, ";", 2)[0]))
		l, _, _ = strings.Cut(l, "-")
		if slices.Contains(pages.Langs, l) {
			return l
		}
	}
	return pages.Langs[0]
}
