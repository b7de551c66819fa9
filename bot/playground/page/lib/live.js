// The live connection to the demo: frames in, what the person does out, and back again by itself when it was cut.

const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 5000;

const CUT = "The connection to the demo was cut before an answer came. Look what happened before you try again.";
const AWAY = "The page is not connected to the demo. It tries again by itself; if the demo was ended, start it again.";

export class Live {
  #socket = null;
  #user = "";
  #waiting = new Map();
  #numbers = 0;
  #pause = FIRST_PAUSE;
  #timer = 0;

  /** `onFrame` gets every frame but answers; `onConnected` is told whether the page is connected. */
  constructor(onFrame, onConnected) {
    this.onFrame = onFrame;
    this.onConnected = onConnected;
    addEventListener("online", () => this.#soon(0));
  }

  /** Connect as a person (empty for the first one whom the demo knows); what was open before is closed. */
  be(user) {
    this.#user = user;
    this.#drop();
    this.#open();
  }

  /** Do something; the answer has `ok`, a `sentence` and perhaps `errors` of fields. It never fails in another way. */
  ask(act) {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return Promise.resolve({ ok: false, sentence: AWAY, errors: {} });
    }
    this.#numbers += 1;
    const id = this.#numbers;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ ...act, id }));
    });
  }

  #open() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(`ws://${location.host}/live?as=${encodeURIComponent(this.#user)}`);
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (this.#socket === socket) {
        this.#hear(JSON.parse(event.data));
      }
    };
    socket.onclose = () => {
      if (this.#socket === socket) {
        this.#lost();
      }
    };
  }

  #hear(frame) {
    if (frame.type === "answer") {
      const resolve = this.#waiting.get(frame.id);
      this.#waiting.delete(frame.id);
      resolve?.({ errors: {}, ...frame });
      return;
    }
    if (frame.type === "snapshot") {
      this.#user = frame.me;
      this.#pause = FIRST_PAUSE;
      this.onConnected(true);
    }
    this.onFrame(frame);
  }

  #lost() {
    this.#drop();
    this.onConnected(false);
    this.#soon(this.#pause);
    this.#pause = Math.min(this.#pause * 1.7, LONGEST_PAUSE);
  }

  #soon(pause) {
    if (this.#socket === null) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#open(), pause);
    }
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const resolve of this.#waiting.values()) {
      resolve({ ok: false, sentence: CUT, errors: {} });
    }
    this.#waiting.clear();
  }
}
