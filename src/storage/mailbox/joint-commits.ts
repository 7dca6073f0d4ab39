import { asError } from '../../util/as-error.ts'
import { Deferred } from '../../util/deferred.ts'

interface Waiting {
  /** Commits, and answers how to tell of it. */
  readonly commit: () => Promise<() => void>
  readonly failed: (error: unknown) => void
}

/** What commits of new messages need of their mailbox. */
export interface JointCommitNeeds {
  /** Runs something when nothing else changes the mailbox here. */
  exclusively(work: () => Promise<void>): Promise<void>
  /** Looks at what was put there. */
  look(): Promise<void>
}

/**
 * Commits of new messages to one mailbox. All that wait when it is their turn run together, which lets the format put them on disk
 * together, and share one look at what they did; each is answered, or fails, for itself.
 */
export class JointCommits {
  readonly #needs: JointCommitNeeds
  #waiting: Waiting[] = []

  constructor(needs: JointCommitNeeds) {
    this.#needs = needs
  }

  add<T>(commit: () => Promise<T>): Promise<T> {
    const done = new Deferred<T>()
    const isFirst = this.#waiting.length === 0
    this.#waiting.push({
      async commit() {
        const value = await commit()
        return () => done.resolve(value)
      },
      failed: (error) => done.reject(asError(error)),
    })
    if (isFirst) void this.#run()
    return done.promise
  }

  async #run(): Promise<void> {
    let all: readonly Waiting[] = []
    try {
      await this.#needs.exclusively(async () => {
        all = this.#waiting.splice(0)
        await this.#commitAll(all)
      })
    } catch (error) {
      // Those that failed by themselves have been told so.
      for (const { failed } of all.length > 0 ? all : this.#waiting.splice(0)) failed(error)
    }
  }

  async #commitAll(all: readonly Waiting[]): Promise<void> {
    const outcomes = await Promise.allSettled(all.map(({ commit }) => commit()))
    const told: (() => void)[] = []
    let failure: unknown
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') told.push(outcome.value)
      else all[at]?.failed((failure = outcome.reason))
    }
    if (told.length === 0) throw failure
    await this.#needs.look()
    for (const tell of told) tell()
  }
}
