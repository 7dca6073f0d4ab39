import { LRUCache } from 'lru-cache'
import { WorkerLink } from './worker-link.ts'

/** More owners than this are not remembered: those asked for longest ago go first, what is open to them stays until it ends. */
const LINKS = 4096

/** The mail workers this process has used, by owner and share. */
export class WorkerLinks {
  readonly #log: (text: string) => void
  readonly #links = new LRUCache<string, WorkerLink>({ max: LINKS })

  constructor(log: (text: string) => void) {
    this.#log = log
  }

  /** `ask` for the path of its socket, when it is not known. */
  to({ key, socket }: { readonly key: string; readonly socket: () => Promise<string> }): WorkerLink {
    const known = this.#links.get(key)
    if (known !== undefined) return known
    const link = new WorkerLink(socket, this.#log)
    this.#links.set(key, link)
    return link
  }
}
