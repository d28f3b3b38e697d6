/** A WebSocket without a network: the test plays the server. */
export class FakeSocket {
  static opened = [];
  sent = [];
  readyState = 0;
  bufferedAmount = 0;
  closedWith = undefined;

  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.opened.push(this);
  }

  static get last() {
    return FakeSocket.opened.at(-1);
  }

  send(frame) {
    if (this.readyState !== 1) throw new Error('the socket is not open');
    this.sent.push(typeof frame === 'string' ? JSON.parse(frame) : new Uint8Array(frame));
  }

  close(code) {
    this.readyState = 3;
    this.closedWith = code;
  }

  // --- what the server does ---

  open() {
    this.readyState = 1;
    this.onopen?.({});
  }

  tell(type, data = {}, seq = undefined) {
    this.onmessage?.({data: JSON.stringify({type, data, seq})});
  }

  accept(data = {}, seq = 1) {
    if (this.readyState === 0) this.open();
    this.tell('connection_accepted', {resume_token: 'token', resumed: false, received_samples: 0, ...data}, seq);
  }

  drop(code, reason = '') {
    this.readyState = 3;
    this.onclose?.({code, reason});
  }

  get audio() {
    return this.sent.filter((frame) => frame instanceof Uint8Array).flatMap((frame) => [...frame]);
  }
}
