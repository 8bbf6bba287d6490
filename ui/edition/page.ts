// Enhances the pages of an edition. Everything here is a convenience: each
// page reads and links without it.

/** Left and right arrow, and , and . turn the pages of the story. */
addEventListener('keydown', (e) => {
  if (e.defaultPrevented || e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
  const t = e.target as HTMLElement | null;
  if (t && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT|VIDEO|AUDIO|PRE|CANVAS)$/.test(t.tagName) || t.closest('.stage'))) return;
  const rel = e.key === 'ArrowRight' || e.key === '.' ? 'next' : e.key === 'ArrowLeft' || e.key === ',' ? 'prev' : null;
  const link = rel && document.querySelector<HTMLAnchorElement>(`.turn a[rel=${rel}]`);
  if (link) {
    e.preventDefault();
    location.assign(link.href);
  }
});

/** The explore page loads the scene only when it is asked for. */
const stage = document.getElementById('stage');
const button = document.getElementById('open3d') as HTMLButtonElement | null;
if (stage && button) {
  const load = (): void => {
    button.disabled = true;
    const s = document.createElement('script');
    s.src = (stage.dataset['root'] ?? '') + 'a/scene.js';
    s.onerror = () => {
      button.disabled = false;
    };
    document.head.append(s);
    const css = document.createElement('link');
    css.rel = 'stylesheet';
    css.href = (stage.dataset['root'] ?? '') + 'a/scene.css';
    document.head.append(css);
  };
  button.addEventListener('click', load);
  // A link from a step of the story is already the wish to see it.
  if (location.hash.startsWith('#step=')) load();
}

/** "Confirm or dispute this" writes a file on the reader's machine; the page sends nothing. */
for (const form of document.querySelectorAll<HTMLFormElement>('.respond form')) {
  form.hidden = false;
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    const d = form.dataset;
    const f = new FormData(form);
    const said = (k: string): string => String(f.get(k) ?? '').trim();
    const body = {
      format: 'sightline.response/1', case: d['case'], edition: Number(d['edition']), about: d['about'], wording: d['wording'],
      says: said('says'), reason: said('reason'), evidence: said('evidence'), contact: said('contact'),
    };
    const a = document.createElement('a');
    a.href = URL.createObjectURL(new Blob([JSON.stringify(body, null, 1) + '\n'], { type: 'application/json' }));
    a.download = `${d['about']}-response.json`;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
    const done = form.querySelector<HTMLElement>('[role=status]');
    if (done) done.textContent = done.dataset['done'] ?? '';
  });
}
