/** One immutable state, and those who want to know when it is replaced. */
export class Store<State extends object> {
  #state: State;
  readonly #listeners = new Set<() => void>();

  constructor(state: State) {
    this.#state = state;
  }

  /** The state; the same object until something changes. */
  readonly get = (): State => this.#state;

  /** Replace parts of the state; nobody is told if nothing changes. */
  set(parts: Partial<State>): void {
    const names = Object.keys(parts) as (keyof State)[];
    if (names.every((name) => Object.is(this.#state[name], parts[name]))) return;
    this.#state = {...this.#state, ...parts};
    for (const listener of [...this.#listeners]) listener();
  }

  /** Call `listener` after each change; return what ends that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };
}
