export class SentAudio {
    #pieces = [];
    #sent = 0;
    #end = 0;
    #sampleBytes;
    #keptSamples;
    constructor(sampleBytes, keptSamples) {
        this.#sampleBytes = sampleBytes;
        this.#keptSamples = keptSamples;
    }
    get position() {
        return this.#end;
    }
    get hasUnsent() {
        return this.#sent < this.#pieces.length;
    }
    get hasRoom() {
        const [first] = this.#pieces;
        return first === undefined || this.#end - first.start < this.#keptSamples;
    }
    add(bytes) {
        if (bytes.byteLength % this.#sampleBytes !== 0) {
            throw new RangeError(`audio must be whole samples of ${this.#sampleBytes} bytes, not ${bytes.byteLength} bytes`);
        }
        if (!this.hasRoom)
            return false;
        this.#append(bytes, bytes.byteLength / this.#sampleBytes);
        return true;
    }
    addMark(frame) {
        this.#append(frame, 0);
    }
    next() {
        const piece = this.#pieces[this.#sent];
        if (piece === undefined)
            throw new RangeError('there must be audio that was not sent');
        this.#sent += 1;
        return piece.frame;
    }
    acknowledge(samples) {
        const isDone = ({ start, end }) => end <= samples && start < samples;
        let done = 0;
        while (done < this.#sent && isDone(this.#pieces[done]))
            done += 1;
        this.#pieces.splice(0, done);
        this.#sent -= done;
    }
    resumeAt(samples) {
        this.#sent = 0;
        this.#pieces = this.#pieces.filter(({ start, end }) => end > samples || start >= samples);
        const [first] = this.#pieces;
        if (first === undefined || first.start >= samples || typeof first.frame === 'string')
            return;
        const rest = first.frame.subarray((samples - first.start) * this.#sampleBytes);
        this.#pieces[0] = { start: samples, end: first.end, frame: rest };
    }
    clear() {
        this.#pieces = [];
        this.#sent = this.#end = 0;
    }
    #append(frame, samples) {
        this.#pieces.push({ start: this.#end, end: this.#end + samples, frame });
        this.#end += samples;
    }
}
