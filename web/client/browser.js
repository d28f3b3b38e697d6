export const MICROPHONE_RATE_HZ = 16_000;
const DUCKED = 0.25;
export class MicrophoneError extends Error {
    problem;
    constructor(problem, cause) {
        super(`no microphone: ${problem}`, { cause });
        this.problem = problem;
    }
}
const PROBLEMS = {
    NotAllowedError: 'denied',
    SecurityError: 'denied',
    NotFoundError: 'none',
    OverconstrainedError: 'none',
    NotReadableError: 'busy',
    AbortError: 'busy',
};
export class Microphone {
    label;
    #context;
    #track;
    constructor(context, track) {
        this.label = track.label;
        this.#context = context;
        this.#track = track;
    }
    static async open({ worklet, deviceId, onFrame, onEnded }) {
        const stream = await microphoneStream(deviceId);
        const track = stream.getAudioTracks()[0];
        if (track === undefined)
            throw new MicrophoneError('none');
        const context = new AudioContext({ latencyHint: 'interactive' });
        try {
            await context.audioWorklet.addModule(worklet);
            const node = new AudioWorkletNode(context, 'sayso-capture', { numberOfOutputs: 0 });
            node.port.onmessage = ({ data }) => onFrame(new Uint8Array(data.pcm), data.peak);
            context.createMediaStreamSource(stream).connect(node);
            await context.resume();
        }
        catch (error) {
            track.stop();
            await context.close();
            throw new MicrophoneError('unsupported', error);
        }
        track.onended = () => onEnded?.();
        return new Microphone(context, track);
    }
    stop() {
        this.#track.onended = null;
        this.#track.stop();
        void this.#context.close();
    }
}
async function microphoneStream(deviceId) {
    if (!globalThis.isSecureContext)
        throw new MicrophoneError('insecure');
    if (navigator.mediaDevices === undefined || globalThis.AudioWorkletNode === undefined)
        throw new MicrophoneError('unsupported');
    const device = deviceId === undefined ? {} : { deviceId: { exact: deviceId } };
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1, ...device };
    try {
        return await navigator.mediaDevices.getUserMedia({ audio });
    }
    catch (error) {
        throw new MicrophoneError(PROBLEMS[error.name] ?? 'unsupported', error);
    }
}
const canPlay = () => globalThis.isSecureContext && globalThis.AudioWorkletNode !== undefined;
export class Loudspeaker {
    heardMs = 0;
    onReport;
    #worklet;
    #rateHz = 0;
    #context;
    #node;
    constructor(worklet) {
        this.#worklet = worklet;
    }
    start(rateHz) {
        this.heardMs = 0;
        if (rateHz !== this.#rateHz)
            this.#open(rateHz);
        this.#order({ flush: true, reset: true, gain: 1 });
        void this.#context?.resume();
    }
    play(pcm) {
        this.#order({ pcm }, [pcm]);
    }
    duck() {
        this.#order({ gain: DUCKED });
    }
    unduck() {
        this.#order({ gain: 1 });
    }
    flush() {
        this.#order({ flush: true, gain: 1 });
    }
    close() {
        void this.#context?.close();
        this.#context = this.#node = undefined;
        this.#rateHz = 0;
    }
    #open(rateHz) {
        this.close();
        if (!canPlay())
            return;
        const context = new AudioContext({ sampleRate: rateHz, latencyHint: 'interactive' });
        this.#rateHz = rateHz;
        this.#context = context;
        this.#node = context.audioWorklet.addModule(this.#worklet).then(() => {
            const node = new AudioWorkletNode(context, 'sayso-playback', { numberOfInputs: 0, outputChannelCount: [1] });
            node.port.onmessage = ({ data }) => {
                this.heardMs = (1_000 * data.played) / rateHz;
                this.onReport?.(data);
            };
            node.connect(context.destination);
            return node;
        });
    }
    #order(order, transferred = []) {
        void this.#node?.then((node) => node.port.postMessage(order, transferred));
    }
}
export function wakeWithPage(client) {
    const wake = () => client.wake();
    const wakeIfVisible = () => {
        if (document.visibilityState === 'visible')
            client.wake();
    };
    addEventListener('online', wake);
    document.addEventListener('visibilitychange', wakeIfVisible);
    return () => {
        removeEventListener('online', wake);
        document.removeEventListener('visibilitychange', wakeIfVisible);
    };
}
