import { relative } from 'node:path'
import { inspect } from 'node:util'

/** The parts of node:test's events that are read here. A test that a suite of another file makes names that file: not read. */
export interface TestEvent {
  readonly name: string
  readonly nesting: number
  readonly skip?: string | boolean
  readonly details: { readonly duration_ms: number; readonly error?: Error }
}

export interface Counts {
  readonly tests: number
  readonly passed: number
  readonly skipped: number
}

interface Problem {
  readonly where: string
  readonly text: string
}

/** Prints a line for each test file, and at the end the failures whole and what was skipped, and why. */
export class Report {
  readonly #failures: Problem[] = []
  /** Reason → where. */
  readonly #skips = new Map<string, string[]>()
  readonly #path = new Map<string, string[]>()
  readonly #output = new Map<string, string>()
  readonly #done = new Set<string>()
  readonly #total = { tests: 0, passed: 0, skipped: 0 }
  readonly #from = performance.now()

  started(file: string, { nesting, name }: { readonly nesting: number; readonly name: string }): void {
    const path = this.#path.get(file) ?? []
    path.splice(nesting, path.length, name)
    this.#path.set(file, path)
  }

  passed(file: string, event: TestEvent): void {
    if (event.skip === undefined || event.skip === false) return
    const reason = typeof event.skip === 'string' ? event.skip : 'no reason given'
    this.#skips.set(reason, [...(this.#skips.get(reason) ?? []), this.#where(file, event)])
  }

  failed(file: string, event: TestEvent): void {
    const { error } = event.details
    const failureType = (error as { failureType?: string } | undefined)?.failureType
    if (failureType === 'subtestsFailed') return
    const cause = error?.cause instanceof Error ? error.cause : error
    this.#failures.push({ where: this.#where(file, event), text: inspect(cause, { depth: 4 }) })
  }

  said(file: string, message: string): void {
    // Last words of a file that passed.
    if (this.#done.has(file)) return
    this.#output.set(file, (this.#output.get(file) ?? '') + message)
  }

  /** All tests of a file ran, well or not. */
  fileDone(file: string, { tests, passed, skipped }: Counts, durationMs: number): void {
    this.#total.tests += tests
    this.#total.passed += passed
    this.#total.skipped += skipped
    this.#tell(file, skipped === 0 ? `${tests} tests` : `${tests} tests, ${skipped} skipped`, durationMs)
  }

  /** The process of a file is gone; when `fileDone` was not told before, it broke off or was ended. */
  fileOver(file: string, durationMs: number): void {
    if (this.#done.has(file)) return
    const name = relative(process.cwd(), file)
    if (!this.#isBad(name)) this.#failures.push({ where: name, text: 'It came to no end.' })
    this.#tell(file, 'came to no end', durationMs)
  }

  finish(): boolean {
    for (const { where, text } of this.#failures) console.log(`\n✖ ${where}\n${indent(text)}`)
    if (this.#skips.size > 0) console.log('\nSkipped:')
    for (const [reason, places] of this.#skips) {
      const [first = ''] = places
      console.log(`  ${places.length} × ${reason}\n      ${first}${places.length > 1 ? ' ...' : ''}`)
    }
    const { tests, passed, skipped } = this.#total
    const seconds = ((performance.now() - this.#from) / 1000).toFixed(0)
    console.log(
      `\n${tests} tests: ${passed} passed, ${skipped} skipped, ${this.#failures.length} failures; ${seconds} s`,
    )
    return this.#failures.length === 0
  }

  #tell(file: string, counts: string, durationMs: number): void {
    const name = relative(process.cwd(), file)
    const bad = this.#isBad(name)
    console.log(`${bad ? '✖' : '✔'} ${name} (${counts}, ${(durationMs / 1000).toFixed(1)} s)`)
    const output = this.#output.get(file)
    if (bad && output !== undefined) console.log(indent(output.trimEnd()))
    this.#output.delete(file)
    this.#done.add(file)
  }

  #isBad(name: string): boolean {
    return this.#failures.some(({ where }) => where.startsWith(name))
  }

  #where(file: string, { nesting, name }: TestEvent): string {
    const above = (this.#path.get(file) ?? []).slice(0, nesting)
    return [relative(process.cwd(), file), ...above, name].join(' › ')
  }
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
