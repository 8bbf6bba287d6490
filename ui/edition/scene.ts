// The explore page of an edition: the scene and the timeline on one clock.
// Loaded only when the reader asks for it.

import '../tokens.css';
import '../views.css';
import './scene.css';
import { Clock } from '../kernel/clock.ts';
import { Value } from '../kernel/observable.ts';
import type { UtcMs } from '../kernel/units.ts';
import { caseSpan } from '../document/marks.ts';
import { say, type Document, type Lang } from '../document/types.ts';
import { mountScene } from '../scene/index.ts';
import { mountTimeline } from '../timeline/index.ts';
import { readFile, rootOf } from './files.ts';

const words = {
  en: { play: 'Play', pause: 'Pause', open: 'Open', failed: 'The scene could not be opened' },
  es: { play: 'Reproducir', pause: 'Pausa', open: 'Abrir', failed: 'No se pudo abrir la escena' },
} as const;

async function start(stage: HTMLElement): Promise<void> {
  const root = rootOf(stage);
  const lang: Lang = stage.dataset['lang'] === 'es' ? 'es' : 'en';
  const w = words[lang];
  const bytes = await readFile(root + 'data/document.json', root + 'data/document.pack.js');
  const doc = JSON.parse(new TextDecoder().decode(bytes)) as Document;

  const span = caseSpan(doc);
  const clock = new Clock(span.from, span);
  const selection = new Value<string | null>(null);
  const language = new Value<Lang>(lang);

  stage.textContent = '';
  stage.classList.add('open');
  stage.dataset['theme'] = 'light';
  const place = document.createElement('div');
  place.className = 'explore-scene';
  const bar = document.createElement('div');
  bar.className = 'explore-bar';
  const time = document.createElement('div');
  time.className = 'explore-time';
  stage.append(place, bar, time);

  const play = document.createElement('button');
  play.type = 'button';
  play.className = 'btn quiet';
  const label = (): void => {
    play.textContent = clock.playing.get() ? w.pause : w.play;
  };
  clock.playing.subscribe(label);
  play.addEventListener('click', () => (clock.playing.get() ? clock.pause() : clock.play()));
  const chosen = document.createElement('p');
  chosen.className = 'explore-chosen';
  chosen.setAttribute('aria-live', 'polite');
  bar.append(play, chosen);

  const suffix = lang === doc.case?.languages[0] ? '.html' : `.${lang}.html`;
  selection.subscribe((id) => {
    chosen.textContent = '';
    const item = id === null ? undefined : doc.items.find((i) => i.id === id);
    if (!item) return;
    const a = document.createElement('a');
    a.href = `${root}e/${item.id}${suffix}`;
    a.textContent = `${item.id} ${say(item.title, lang)}`;
    chosen.append(a);
  });

  const scene = mountScene(place, {
    doc, clock, selection, lang: language, sceneBase: root + 'scene/',
    read: (name) => readFile(root + 'scene/' + name),
    quality: new URLSearchParams(location.search).get('q') === 'low' ? 'low' : 'full',
  });
  const timeline = mountTimeline(time, { doc, clock, selection, lang: language, lanes: 'account' });
  timeline.fit();

  const step = /^#step=(.+)$/.exec(location.hash)?.[1];
  const saved = step === undefined ? undefined : doc.stories[0]?.steps.find((s) => s.id === step);
  if (saved?.view.clock !== undefined && saved.view.clock !== null) clock.seek(saved.view.clock as UtcMs);
  if (saved?.view.select) selection.set(saved.view.select);
  await scene.settled;
  if (saved?.view.camera) await scene.flyTo(saved.view.camera);
  (self as unknown as { sightline?: unknown }).sightline = { settled: scene.settled, scene, timeline, clock, selection };
}

const stage = document.getElementById('stage');
if (stage) {
  start(stage).catch((e: unknown) => {
    const lang = stage.dataset['lang'] === 'es' ? 'es' : 'en';
    stage.textContent = `${words[lang].failed}: ${e instanceof Error ? e.message : String(e)}`;
  });
}
