import '../fonts.css';
import '../tokens.css';
import '../views.css';
import './style/frame.css';
import './style/parts.css';
import './style/views.css';
import './style/forms.css';
import './style/review.css';
import './style/match.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { desk } from './state.svelte.ts';
import { words } from './words.svelte.ts';
import { startRoute } from './route.svelte.ts';

declare global {
  interface Window {
    /** For tests and the curious: resolves when the scene has loaded its assets. */
    sightline: { readonly settled: Promise<void>; desk: typeof desk };
  }
}

document.documentElement.dataset['theme'] = 'dark';
window.sightline = {
  desk,
  get settled() {
    return desk.scene?.settled ?? Promise.resolve();
  },
};
await Promise.all([desk.start(), words.set(words.lang)]);
const target = document.getElementById('desk') ?? document.body;
const invitation = /^#join=([\w-]+)$/.exec(location.hash)?.[1];
if (invitation || desk.signIn) mount((await import('./review/SignIn.svelte')).default, { target, props: { token: invitation ?? '' } });
else {
  mount(App, { target });
  startRoute();
}
