// Sounds of hits, made of tones: no files. A browser lets a page sound only after a touch, or where it is set to.

const PATTERNS = {
  urgent: { tones: [988, 1319, 988, 1319, 988, 1319], each: 0.14, gap: 0.02, loud: 0.9 },
  high: { tones: [880, 1175, 880], each: 0.16, gap: 0.05, loud: 0.7 },
  low: { tones: [784], each: 0.18, gap: 0, loud: 0.5 },
  withdrawn: { tones: [660, 494], each: 0.2, gap: 0.04, loud: 0.6 },
};
const AGAIN_MS = 6000;
const TIMES = 10;

export class Sounds {
  #context = null;
  #again = 0;
  #changed;
  #played = [];

  constructor(changed) {
    this.#changed = changed;
    this.#context = new AudioContext();
    this.#context.onstatechange = () => this.#changed();
    document.addEventListener("pointerdown", () => this.#context.resume(), true);
    document.addEventListener("keydown", () => this.#context.resume(), true);
    setTimeout(() => this.#changed(), 300);
  }

  isReady() {
    return this.#context.state === "running";
  }

  // Plays a sound; an urgent one again and again until somebody touches the page.
  play(name, untilTouched) {
    const pattern = PATTERNS[name];
    if (!pattern) return;
    clearInterval(this.#again);
    this.#sound(pattern);
    document.documentElement.dataset.sounded = name; // what a test can see of a sound
    if (untilTouched) {
      let left = TIMES;
      this.#again = setInterval(() => (left-- > 0 ? this.#sound(pattern) : this.quiet()), AGAIN_MS);
    }
  }

  quiet() {
    clearInterval(this.#again);
  }

  #sound({ tones, each, gap, loud }) {
    const context = this.#context;
    let at = context.currentTime + 0.01;
    for (const pitch of tones) {
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.type = "square";
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(loud * 0.35, at + 0.01);
      volume.gain.setValueAtTime(loud * 0.35, at + each - 0.02);
      volume.gain.linearRampToValueAtTime(0, at + each);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + each);
      at += each + gap;
    }
  }
}
