/** Sound in a browser, by the client's own microphone and loudspeaker; browsers cancel the echo. */

import {Loudspeaker, Microphone} from '@sayso/client/browser';
import type {AudioRoute} from '../model/duplex.ts';
import type {AudioListeners, AudioPort, MicrophoneRequest} from './port.ts';

const worklet = (name: string) => new URL(`worklets/${name}.js`, document.baseURI);

class BrowserAudio implements AudioPort {
  readonly cancelsEcho = true;
  readonly route: AudioRoute = 'unknown';
  readonly #listeners: AudioListeners;
  readonly #loudspeaker = new Loudspeaker(worklet('playback'));
  #microphone: Microphone | undefined;
  #isPlaying = false;
  #isClosed = false;

  constructor(listeners: AudioListeners) {
    this.#listeners = listeners;
    this.#loudspeaker.onReport = ({isPlaying}) => this.#report(isPlaying);
  }

  get heardMs(): number {
    return this.#loudspeaker.heardMs;
  }

  async openMicrophone({onFrame}: MicrophoneRequest): Promise<void> {
    const onEnded = () => this.#listeners.onMicrophoneEnded();
    this.#microphone = await Microphone.open({worklet: worklet('capture'), onFrame, onEnded});
    if (this.#isClosed) await this.closeMicrophone();
  }

  async closeMicrophone(): Promise<void> {
    this.#microphone?.stop();
    this.#microphone = undefined;
  }

  startSpeech(rateHz: number): void {
    this.#loudspeaker.start(rateHz);
  }

  play(pcm: ArrayBuffer): void {
    this.#loudspeaker.play(pcm);
  }

  flush(): void {
    this.#loudspeaker.flush();
    this.#report(false);
  }

  duck(): void {
    this.#loudspeaker.duck();
  }

  unduck(): void {
    this.#loudspeaker.unduck();
  }

  close(): void {
    this.#isClosed = true;
    void this.closeMicrophone();
    this.#loudspeaker.close();
  }

  #report(isPlaying: boolean): void {
    if (isPlaying === this.#isPlaying) return;
    this.#isPlaying = isPlaying;
    this.#listeners.onPlaying(isPlaying);
  }
}

export const openAudio = (listeners: AudioListeners): AudioPort => new BrowserAudio(listeners);
