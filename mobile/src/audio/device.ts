/**
 * Sound on phones, by react-native-audio-api.
 *
 * It has no echo cancellation; `model/duplex.ts` says what follows. On Android a notification of the recording keeps a foreground
 * service alive, without which the system silences an app that is not in front.
 */

import {Platform} from 'react-native';
import {
  AudioContext,
  AudioManager,
  AudioRecorder,
  RecordingNotificationManager,
  type AudioBufferQueueSourceNode,
  type AudioEventSubscription,
  type GainNode,
} from 'react-native-audio-api';
import type {AudioRoute} from '../model/duplex.ts';
import {durationMs, fromPcm, toPcm} from './pcm.ts';
import {PlaybackClock} from './playback-clock.ts';
import {
  MICROPHONE_RATE_HZ,
  MicrophoneError,
  type AudioListeners,
  type AudioPort,
  type ListeningNotice,
  type MicrophoneRequest,
} from './port.ts';
import {routeOf} from './route.ts';

const FRAME_SAMPLES = 640; // 40 ms
const DUCKED = 0.25;

class PhoneAudio implements AudioPort {
  readonly cancelsEcho = false;
  route: AudioRoute = 'unknown';
  readonly #listeners: AudioListeners;
  readonly #subscriptions: (AudioEventSubscription | undefined)[];
  readonly #clock = new PlaybackClock();
  #recorder: AudioRecorder | undefined;
  #context: AudioContext | undefined;
  #rateHz = 0;
  #gain: GainNode | undefined;
  #queue: AudioBufferQueueSourceNode | undefined;
  #isPlaying = false;
  #isClosed = false;
  #ending: ReturnType<typeof setTimeout> | undefined;

  constructor(listeners: AudioListeners) {
    this.#listeners = listeners;
    AudioManager.observeAudioInterruptions(true);
    this.#subscriptions = [
      AudioManager.addSystemEventListener('interruption', ({type}) => listeners.onInterruption(type === 'began')),
      AudioManager.addSystemEventListener('routeChange', () => void this.#look()),
      RecordingNotificationManager.addEventListener('recordingNotificationStop', () => listeners.onStopped()),
    ];
    void this.#look();
  }

  get heardMs(): number {
    return this.#clock.heardMs(Date.now());
  }

  async openMicrophone({onFrame, notice, isInBackground}: MicrophoneRequest): Promise<void> {
    if ((await AudioManager.requestRecordingPermissions()) !== 'Granted') throw new MicrophoneError('denied');
    AudioManager.setAudioSessionOptions({
      iosCategory: 'playAndRecord',
      iosMode: 'voiceChat',
      iosOptions: ['defaultToSpeaker', 'allowBluetoothHFP'],
      iosAllowHaptics: true,
    });
    try {
      await AudioManager.setAudioSessionActivity(true);
      if (isInBackground) await showNotice(notice);
      this.#recorder = await startedRecorder(onFrame, () => this.#listeners.onMicrophoneEnded());
      if (this.#isClosed) await this.closeMicrophone();
    } catch (error) {
      await hideNotice();
      throw error instanceof MicrophoneError ? error : new MicrophoneError('busy', error);
    }
    await this.#look();
  }

  async closeMicrophone(): Promise<void> {
    const recorder = this.#recorder;
    this.#recorder = undefined;
    if (recorder === undefined) return;
    recorder.clearOnAudioReady();
    recorder.clearOnError();
    await recorder.stop();
    await hideNotice();
  }

  startSpeech(rateHz: number): void {
    this.flush();
    this.#clock.reset();
    if (rateHz !== this.#rateHz) this.#open(rateHz);
    void this.#context?.resume();
  }

  play(pcm: ArrayBuffer): void {
    if (this.#context === undefined || pcm.byteLength < 2) return;
    const samples = fromPcm(pcm);
    const buffer = this.#context.createBuffer(1, samples.length, this.#rateHz);
    buffer.copyToChannel(samples, 0);
    this.#queue?.enqueueBuffer(buffer);
    this.#clock.queue(durationMs(pcm, this.#rateHz), Date.now());
    this.#report();
  }

  flush(): void {
    this.#queue?.clearBuffers();
    this.#clock.flush(Date.now());
    this.unduck();
    this.#report();
  }

  duck(): void {
    if (this.#gain !== undefined) this.#gain.gain.value = DUCKED;
  }

  unduck(): void {
    if (this.#gain !== undefined) this.#gain.gain.value = 1;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#ending);
    for (const subscription of this.#subscriptions) subscription?.remove();
    void this.closeMicrophone();
    void this.#context?.close();
    this.#context = this.#queue = this.#gain = undefined;
    AudioManager.observeAudioInterruptions(false);
    void AudioManager.setAudioSessionActivity(false).catch(() => undefined); // another app may have it already
  }

  #open(rateHz: number): void {
    void this.#context?.close();
    const context = new AudioContext({sampleRate: rateHz});
    this.#context = context;
    this.#rateHz = rateHz;
    this.#gain = context.createGain();
    this.#gain.connect(context.destination);
    this.#queue = context.createBufferQueueSource();
    this.#queue.connect(this.#gain);
    this.#queue.start();
  }

  /** Tell whether an answer sounds, now and when it ends. */
  #report(): void {
    clearTimeout(this.#ending);
    const now = Date.now();
    const isPlaying = this.#clock.isPlaying(now);
    if (isPlaying) this.#ending = setTimeout(() => this.#report(), this.#clock.endsAt - now);
    if (isPlaying === this.#isPlaying) return;
    this.#isPlaying = isPlaying;
    this.#listeners.onPlaying(isPlaying);
  }

  async #look(): Promise<void> {
    const {currentOutputs = [], availableOutputs = []} = await AudioManager.getDevicesInfo();
    const route = routeOf(currentOutputs, availableOutputs);
    if (route === this.route) return;
    this.route = route;
    this.#listeners.onRoute(route);
  }
}

async function startedRecorder(onFrame: MicrophoneRequest['onFrame'], onEnded: () => void): Promise<AudioRecorder> {
  const recorder = new AudioRecorder();
  const format = {sampleRate: MICROPHONE_RATE_HZ, bufferLength: FRAME_SAMPLES, channelCount: 1};
  recorder.onAudioReady(format, ({buffer}) => {
    const {pcm, peak} = toPcm(buffer.getChannelData(0));
    onFrame(pcm, peak);
  });
  recorder.onError(onEnded);
  const started = await recorder.start();
  if (started.status !== 'success') {
    recorder.clearOnAudioReady();
    throw new MicrophoneError('busy', started);
  }
  return recorder;
}

async function showNotice({title, text, stop}: ListeningNotice): Promise<void> {
  if (Platform.OS !== 'android') return;
  await AudioManager.requestNotificationPermissions(); // refused, the service runs all the same, unseen
  await RecordingNotificationManager.show({title, contentText: text, showStopAction: true, stopActionTitle: stop});
}

async function hideNotice(): Promise<void> {
  if (Platform.OS === 'android' && (await RecordingNotificationManager.isActive())) await RecordingNotificationManager.hide();
}

export const openAudio = (listeners: AudioListeners): AudioPort => new PhoneAudio(listeners);
